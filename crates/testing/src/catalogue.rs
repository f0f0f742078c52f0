//! Checks of what the migrations make as a whole: that they can be taken back, and that every foreign key has an index.

use std::process::Command;

use database::{Roles, migrate};
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::database::{EmptyDatabase, TestDatabase};
use crate::server::{migrations, server};

/// Goes up one migration at a time, down one at a time, and up again, and compares the schema's dumps at every step.
///
/// # Panics
/// When a `down.sql` leaves something behind or takes too much, naming the migration and the first line that differs.
pub fn check_migrations_reverse() {
    let database = EmptyDatabase::new();
    let roles = Roles::default();
    let mut conn = database.connection();
    let names: Vec<String> = migrate::status(&mut conn, &migrations())
        .expect("readable")
        .into_iter()
        .map(|status| status.name)
        .collect();
    let mut dumps = vec![database.dump()];
    for count in 1..=names.len() {
        let done =
            migrate::up(&mut conn, &roles, &First(count)).unwrap_or_else(|error| panic!("up: {error}"));
        assert_eq!(done, names[count - 1..count]);
        dumps.push(database.dump());
    }
    for count in (0..names.len()).rev() {
        let name = &names[count];
        migrate::down(&mut conn, &roles, &migrations(), 1).unwrap_or_else(|error| panic!("down: {error}"));
        assert_same(&dumps[count], &database.dump(), &format!("down.sql of {name} does not undo its up.sql"));
    }
    migrate::up(&mut conn, &roles, &migrations()).unwrap_or_else(|error| panic!("up again: {error}"));
    assert_same(&dumps[names.len()], &database.dump(), "going up again makes something else");
}

/// Foreign keys without an index that starts with their columns, as `schema.table: constraint`.
///
/// # Panics
/// When the catalogue cannot be read.
#[must_use]
pub fn unindexed_foreign_keys(database: &TestDatabase) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        found: String,
    }
    // A partial index serves when it leaves out nothing but NULLs, which no parent's key is.
    let rows: Vec<Found> = diesel::sql_query(
        "SELECT k.conrelid::regclass::text || ': ' || k.conname AS found
         FROM pg_constraint k
         WHERE k.contype = 'f'
           AND NOT EXISTS (
               SELECT FROM pg_index i
               WHERE i.indrelid = k.conrelid
                 AND i.indisvalid
                 AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
                 AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) IN (
                     SELECT format('(%I IS NOT NULL)', a.attname)
                     FROM pg_attribute a
                     WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))))
         ORDER BY 1",
    )
    .load(&mut database.owner_connection())
    .expect("the catalogue can be read");
    rows.into_iter().map(|row| row.found).collect()
}

/// The first so many migrations.
struct First(usize);

impl MigrationSource<Pg> for First {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        let mut all: Vec<Box<dyn Migration<Pg>>> = migrations().migrations()?;
        all.sort_unstable_by(|a, b| a.name().version().cmp(&b.name().version()));
        all.truncate(self.0);
        Ok(all)
    }
}

impl EmptyDatabase {
    /// The schema as pg_dump writes it, with the rights, without what differs at every call.
    fn dump(&self) -> String {
        let output = Command::new(server().binary("pg_dump"))
            .args(["--schema-only", "--exclude-table=__diesel_schema_migrations"])
            .arg(&self.owner_url)
            .output()
            .expect("pg_dump is beside postgres");
        assert!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("a dump in UTF-8");
        // A random key against injection, in releases since August 2025.
        text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")).fold(
            String::new(),
            |mut kept, line| {
                kept.push_str(line);
                kept.push('\n');
                kept
            },
        )
    }
}

fn assert_same(expected: &str, found: &str, what: &str) {
    if expected == found {
        return;
    }
    let differs = expected.lines().zip(found.lines()).find(|(a, b)| a != b);
    let (before, after) = differs.unwrap_or(("(the one is a part of the other)", ""));
    panic!("{what}: expected `{before}`, found `{after}`");
}
