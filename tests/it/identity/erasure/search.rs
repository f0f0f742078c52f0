//! The search: every column of every table, in every way in which a text can stand in one.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use testing::TestDatabase;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    relation: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    bytes: bool,
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Text)]
    place: String,
}

/// Every column but those of Postgres itself and of the simulated provider, which is an outside system.
const COLUMNS: &str = "SELECT format('%I.%I', table_schema, table_name) AS relation, quote_ident(column_name::text) AS name,
        data_type = 'bytea' AS bytes
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema', 'simulated_provider')
    ORDER BY table_schema, table_name, ordinal_position";

/// Where any of these texts stands, in whatever case, as itself, as the bytes of itself, or in hexadecimal digits.
pub(super) fn places_of(database: &TestDatabase, texts: &[String]) -> Vec<String> {
    let columns = columns(database);
    let mut places = Vec::new();
    for text in texts {
        let (plain, hex) = (text.to_lowercase().replace('\'', "''"), hex::encode(text));
        let lower_hex = hex::encode(text.to_lowercase());
        let unions: Vec<String> = columns
            .iter()
            .map(|Column { relation, name, bytes }| {
                let mut found = format!(
                    "strpos(lower(one.{name}::text), '{plain}') > 0 OR strpos(lower(one.{name}::text), '{hex}') > 0
                     OR strpos(lower(one.{name}::text), '{lower_hex}') > 0"
                );
                if *bytes {
                    found.push_str(&format!(" OR strpos(lower(encode(one.{name}, 'escape')), '{plain}') > 0"));
                }
                format!(
                    "SELECT format('%s: %s of %s', '{plain}', '{relation}.{name}', count(*)) AS place
                     FROM {relation} one WHERE {found} HAVING count(*) > 0"
                )
            })
            .collect();
        let found: Result<Vec<Place>, database::Error> =
            database.owner.read(|conn| Ok(diesel::sql_query(unions.join(" UNION ALL ")).load(conn)?));
        places.extend(found.unwrap().into_iter().map(|found| found.place));
    }
    places
}

/// How many columns are searched: a search that finds nothing because it looks nowhere is no proof.
pub(super) fn columns_searched(database: &TestDatabase) -> usize {
    columns(database).len()
}

fn columns(database: &TestDatabase) -> Vec<Column> {
    let found: Result<_, database::Error> =
        database.owner.read(|conn| Ok(diesel::sql_query(COLUMNS).load(conn)?));
    found.unwrap()
}
