//! The rules that the schema keeps as a whole. What a table is for is tested by the crate that owns it.

use std::fs;

use diesel::prelude::*;
use diesel::sql_types::Text;
use testing::TestDatabase;

use super::sources::root;

/// Schemas whose tables lie elsewhere than `crates/<schema>/src/schema.rs`.
const SCHEMA_FILES: [(&str, &str); 2] = [
    ("app", "crates/database/src/schema.rs"),
    ("simulated_provider", "crates/escrow/src/provider/simulated/schema.rs"),
];

#[test]
fn migrations_go_up_down_and_up_again_and_leave_the_same() {
    testing::check_migrations_reverse();
}

#[test]
fn every_foreign_key_has_an_index() {
    assert_eq!(testing::unindexed_foreign_keys(&TestDatabase::new()), Vec::<String>::new());
}

#[test]
fn every_crate_knows_its_own_schema_as_it_is() {
    let database = TestDatabase::new();
    let mut owner = database.owner_connection();
    for schema in schemas(&mut owner) {
        let elsewhere =
            SCHEMA_FILES.iter().find(|(name, _)| *name == schema).map(|(_, path)| (*path).to_owned());
        let path = elsewhere.unwrap_or_else(|| format!("crates/{schema}/src/schema.rs"));
        let Ok(text) = fs::read_to_string(root().join(&path)) else {
            // A crate that asks only with statements of its own needs no tables in Rust.
            continue;
        };
        testing::check_schema_at(&schema, &text, &path);
    }
}

#[test]
fn every_instant_has_a_zone_and_every_state_a_check() {
    let database = TestDatabase::new();
    let mut owner = database.owner_connection();
    let zoneless = names(
        &mut owner,
        "SELECT table_schema || '.' || table_name || '.' || column_name AS name FROM information_schema.columns
         WHERE data_type = 'timestamp without time zone'
           AND table_name <> '__diesel_schema_migrations'
           AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    );
    assert_eq!(zoneless, Vec::<String>::new());
    let unchecked = names(
        &mut owner,
        "SELECT n.nspname || '.' || c.relname || '.' || a.attname AS name
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND a.attname IN ('state', 'status') AND NOT a.attisdropped
           AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND NOT EXISTS (SELECT FROM pg_constraint k
                           WHERE k.conrelid = c.oid AND k.contype = 'c' AND a.attnum = ANY (k.conkey))
         ORDER BY 1",
    );
    assert_eq!(unchecked, Vec::<String>::new());
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn schemas(conn: &mut PgConnection) -> Vec<String> {
    let found = names(
        conn,
        "SELECT nspname::text AS name FROM pg_namespace
         WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'public') ORDER BY 1",
    );
    assert!(found.len() >= 8, "{found:?}");
    found
}

fn names(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Name> = diesel::sql_query(sql).load(conn).unwrap();
    rows.into_iter().map(|row| row.name).collect()
}
