//! The SQL of this crate: the mark of what was seeded, and what makes loading many rows quick.

use database::{Error, PgConnection};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use kernel::Instant;

use crate::schema::seedings;

/// The tables that rows are loaded into.
const TABLES: [&str; 12] = [
    "identity.people",
    "identity.contractor_profiles",
    "identity.verifications",
    "identity.credentials",
    "marketplace.jobs",
    "marketplace.job_addresses",
    "marketplace.bids",
    "marketplace.bid_revisions",
    "marketplace.review_windows",
    "marketplace.reviews",
    "marketplace.directory",
    "outbox.tasks",
];

/// A seeding as it is marked.
#[derive(Debug, Clone, Copy, Insertable)]
#[diesel(table_name = seedings)]
pub(crate) struct Seeding {
    pub(crate) number: i64,
    pub(crate) people: i64,
    pub(crate) jobs: i64,
    pub(crate) bids: i64,
    pub(crate) seeded_at: Instant,
}

pub(crate) fn insert(conn: &mut PgConnection, seeding: Seeding) -> Result<(), Error> {
    diesel::insert_into(seedings::table).values(seeding).execute(conn)?;
    Ok(())
}

pub(crate) fn is_in(conn: &mut PgConnection, number: i64) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(seedings::table.find(number))).get_result(conn)?)
}

/// How many people and jobs all seedings have made.
pub(crate) fn made(conn: &mut PgConnection) -> Result<(i64, i64), Error> {
    let counted = seedings::table.select((
        diesel::dsl::sql::<diesel::sql_types::BigInt>("coalesce(sum(people), 0)::bigint"),
        diesel::dsl::sql::<diesel::sql_types::BigInt>("coalesce(sum(jobs), 0)::bigint"),
    ));
    Ok(counted.get_result(conn)?)
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    flag: bool,
}

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    remove: String,
    #[diesel(sql_type = Text)]
    restore: String,
}

/// Whether whoever is connected may take indexes away and make them anew.
pub(crate) fn may_rebuild(conn: &mut PgConnection) -> Result<bool, Error> {
    let owner: Flag = diesel::sql_query(
        "SELECT bool_and(pg_has_role(current_user, relowner, 'USAGE')) AS flag FROM pg_class
         WHERE oid = ANY ($1::text[]::regclass[])",
    )
    .bind::<Array<Text>, _>(TABLES.as_slice())
    .get_result(conn)?;
    Ok(owner.flag)
}

/// Takes away the foreign keys and the indexes that no constraint needs, and gives the statements that bring them back: a row that is loaded
/// costs a fraction without them, and made at once over all rows they are smaller.
pub(crate) fn set_aside(conn: &mut PgConnection) -> Result<Vec<String>, Error> {
    // Whoever uses the database now is not to be waited for for ever; and what is made anew is to have room for it.
    conn.batch_execute("SET LOCAL lock_timeout = '10s'; SET LOCAL maintenance_work_mem = '512MB'")?;
    let found: Vec<Statement> = diesel::sql_query(
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS remove,
                format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS restore
         FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY ($1::text[]::regclass[])
         UNION ALL
         SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
         FROM pg_index i WHERE indrelid = ANY ($1::text[]::regclass[])
           AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
         ORDER BY 1",
    )
    .bind::<Array<Text>, _>(TABLES.as_slice())
    .load(conn)?;
    for statement in &found {
        conn.batch_execute(&statement.remove)?;
    }
    // Sorted, the foreign keys come first: their indexes have to be there when rows refer to each other again.
    Ok(found.into_iter().rev().map(|statement| statement.restore).collect())
}

pub(crate) fn restore(conn: &mut PgConnection, statement: &str) -> Result<(), Error> {
    Ok(conn.batch_execute(statement)?)
}

/// Has the planner know what is there; after much was loaded also that all of it can be seen.
pub(crate) fn analyze(conn: &mut PgConnection, thoroughly: bool) -> Result<(), Error> {
    let command = if thoroughly { "VACUUM (ANALYZE)" } else { "ANALYZE" };
    for table in TABLES.iter().chain(&["marketplace.ratings"]) {
        conn.batch_execute(&format!("{command} {table}"))?;
    }
    Ok(())
}
