//! Generates a crate's `schema.rs` from the catalogue and compares. Replaces diesel's command: nobody has to install it, and
//! no file can disagree with the migrations.

use std::fmt::Write as _;
use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::{Bool, SmallInt, Text};

use crate::database::TestDatabase;
use crate::server::workspace;

/// Diesel's limit with the feature we compile.
const COLUMNS_MAX: usize = 32;

/// Types that diesel does not have, of columns that Postgres makes and looks at and no program reads.
const FOR_POSTGRES_ALONE: [&str; 1] = ["tsvector"];

/// Compares `crates/<schema>/src/schema.rs` with the catalogue of a migrated database; with `BLESS=1` writes it anew instead.
/// `text` is the file as compiled: `include_str!("../src/schema.rs")`.
///
/// # Panics
/// When they differ.
pub fn check_schema(schema: &str, text: &str) {
    check(schema, text, &workspace().join(format!("crates/{schema}/src/schema.rs")));
}

/// As [`check_schema`], for a schema whose file lies elsewhere; `path` counts from the workspace.
///
/// # Panics
/// When they differ.
pub fn check_schema_at(schema: &str, text: &str, path: &str) {
    check(schema, text, &workspace().join(path));
}

fn check(schema: &str, text: &str, path: &Path) {
    let database = TestDatabase::new();
    let generated = generate(&mut database.owner_connection(), schema);
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(path, generated).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert!(
        words(&generated) == words(text),
        "{} is not what the migrations make; BLESS=1 writes it anew:\n{generated}",
        path.display()
    );
}

/// The `table!` macros of one Postgres schema.
///
/// # Panics
/// When a table has no primary key, too many columns, or a column of a type that the generator does not know.
#[must_use]
pub fn generate(conn: &mut PgConnection, schema: &str) -> String {
    let mut out = format!(
        "// Generated from the catalogue of schema `{schema}`; BLESS=1 with the schema test writes it anew. Not for editing.\n"
    );
    let columns = columns(conn, schema);
    let mut tables: Vec<&str> = columns.iter().map(|column| column.table_name.as_str()).collect();
    tables.dedup();
    for table in &tables {
        let of_table: Vec<&Column> = columns.iter().filter(|column| column.table_name == *table).collect();
        write_table(&mut out, schema, table, &of_table);
    }
    for Reference { child, parent, column_name } in references(conn, schema) {
        let _ = write!(out, "\ndiesel::joinable!({child} -> {parent} ({}));\n", rust_name(&column_name));
    }
    if tables.len() > 1 {
        let _ = write!(out, "\ndiesel::allow_tables_to_appear_in_same_query! {{\n");
        for table in &tables {
            let _ = writeln!(out, "    {},", rust_name(table));
        }
        out.push_str("}\n");
    }
    out
}

fn write_table(out: &mut String, schema: &str, table: &str, columns: &[&Column]) {
    assert!(
        columns.len() <= COLUMNS_MAX,
        "{schema}.{table} has {} columns, the most is {COLUMNS_MAX}",
        columns.len()
    );
    let mut key: Vec<&&Column> = columns.iter().filter(|column| column.key_position > 0).collect();
    key.sort_unstable_by_key(|column| column.key_position);
    assert!(!key.is_empty(), "{schema}.{table} has no primary key");
    let key: Vec<String> = key.iter().map(|column| rust_name(&column.column_name)).collect();
    let _ = write!(out, "\ndiesel::table! {{\n    {schema}.{table} ({}) {{\n", key.join(", "));
    for column in columns.iter().filter(|column| !FOR_POSTGRES_ALONE.contains(&column.type_name.as_str())) {
        let name = rust_name(&column.column_name);
        if name != column.column_name {
            let _ = writeln!(out, "        #[sql_name = \"{}\"]", column.column_name);
        }
        let kind = rust_type(&column.type_name).unwrap_or_else(|| {
            panic!("{schema}.{table}.{name}: the generator does not know {}", column.type_name)
        });
        let kind = if column.is_nullable { format!("Nullable<{kind}>") } else { kind };
        let _ = writeln!(out, "        {name} -> {kind},");
    }
    out.push_str("    }\n}\n");
}

/// Diesel's type for one of Postgres. The elements of arrays count as never NULL, which is how we write them.
fn rust_type(name: &str) -> Option<String> {
    if let Some(element) = name.strip_prefix('_') {
        return rust_type(element).map(|element| format!("Array<{element}>"));
    }
    let known = match name {
        "bool" => "Bool",
        "bytea" => "Bytea",
        "bpchar" => "Bpchar",
        "date" => "Date",
        "float4" => "Float4",
        "float8" => "Float8",
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "interval" => "Interval",
        "json" => "Json",
        "jsonb" => "Jsonb",
        "numeric" => "Numeric",
        "oid" => "Oid",
        "text" => "Text",
        "time" => "Time",
        "timestamp" => "Timestamp",
        "timestamptz" => "Timestamptz",
        "uuid" => "Uuid",
        "varchar" => "Varchar",
        _ => return None,
    };
    Some(known.to_owned())
}

/// Words of Rust get an underscore, as diesel's own command does it.
fn rust_name(name: &str) -> String {
    const WORDS: [&str; 21] = [
        "as", "box", "const", "dyn", "enum", "extern", "final", "fn", "for", "impl", "in", "loop", "match",
        "mod", "move", "ref", "static", "super", "type", "use", "where",
    ];
    if WORDS.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    type_name: String,
    #[diesel(sql_type = Bool)]
    is_nullable: bool,
    /// From 1; 0 when it is not part of the primary key.
    #[diesel(sql_type = SmallInt)]
    key_position: i16,
}

fn columns(conn: &mut PgConnection, schema: &str) -> Vec<Column> {
    diesel::sql_query(
        "SELECT c.relname::text AS table_name, a.attname::text AS column_name, t.typname::text AS type_name,
                NOT a.attnotnull AS is_nullable,
                coalesce(array_position(k.conkey, a.attnum), 0)::int2 AS key_position
         FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         JOIN pg_type t ON t.oid = a.atttypid
         LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
         WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname, a.attnum",
    )
    .bind::<Text, _>(schema)
    .load(conn)
    .expect("the catalogue can be read")
}

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    parent: String,
    #[diesel(sql_type = Text)]
    column_name: String,
}

/// Foreign keys inside the schema that diesel can join by: of one column, the only one between the two tables.
fn references(conn: &mut PgConnection, schema: &str) -> Vec<Reference> {
    diesel::sql_query(
        "SELECT child, parent, min(column_name) AS column_name
         FROM (SELECT c.relname::text AS child, p.relname::text AS parent, a.attname::text AS column_name
               FROM pg_constraint k
               JOIN pg_class c ON c.oid = k.conrelid
               JOIN pg_class p ON p.oid = k.confrelid AND p.relnamespace = c.relnamespace AND p.oid <> c.oid
               JOIN pg_namespace n ON n.oid = c.relnamespace
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
               WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND n.nspname = $1) AS one
         GROUP BY child, parent
         HAVING count(*) = 1
         ORDER BY child, parent",
    )
    .bind::<Text, _>(schema)
    .load(conn)
    .expect("the catalogue can be read")
}
