//! How Postgres goes about a statement that it has seen often: the plan that it keeps, run with the values that were bound.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Double, Json, Text};
use serde_json::Value;

use crate::statement_log::LoggedStatement;

/// Whoever reads so large a part of a table reads all of it, by an index or not.
const NEARLY_ALL: f64 = 0.8;
/// Postgres plans a statement anew for its first five executions, and then compares.
const FIRST_EXECUTIONS: usize = 5;

/// What a plan must not do.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Tables that must not be read from end to end, as `schema.table`, each with its rows.
    pub large: BTreeMap<String, f64>,
    /// More rows than this are not sorted.
    pub sorted_max: f64,
    /// More rows than this are not read in vain, only to be left out by a condition that no index serves.
    pub discarded_max: f64,
    /// How many times more, or fewer, rows than were expected may come out of a step.
    pub misjudged_max: f64,
    /// Where neither the guess nor what came out is more than this, no other plan would have been better.
    pub few: f64,
}

/// What a plan does that it must not.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It reads a large table from end to end, or so much of it that it might as well.
    ReadsAll {
        /// Which, as `schema.table`.
        table: String,
    },
    /// It sorts too much.
    Sorts {
        /// How many rows.
        rows: f64,
    },
    /// It reads rows that a condition leaves out.
    InVain {
        /// Of which table; nothing is what came out of another step.
        table: String,
        /// How many rows.
        rows: f64,
    },
    /// It was chosen on a wrong guess.
    Misjudges {
        /// Where.
        step: String,
        /// The guess.
        expected: f64,
        /// What came out.
        met: f64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadsAll { table } => write!(f, "reads all of {table}"),
            Self::Sorts { rows } => write!(f, "sorts {rows} rows"),
            Self::InVain { table, rows } => write!(f, "reads {rows} rows of {table} in vain"),
            Self::Misjudges { step, expected, met } => {
                write!(f, "{step} expects {expected} rows and meets {met}")
            }
        }
    }
}

/// A plan, with what it met when it was run.
#[derive(Debug, Clone)]
pub struct Plan {
    statement: LoggedStatement,
    root: Value,
}

#[derive(QueryableByName)]
struct Explained {
    #[diesel(sql_type = Json, column_name = "QUERY PLAN")]
    plan: Value,
}

impl Plan {
    /// The one plan for all values.
    ///
    /// # Panics
    /// When Postgres does not take the statement.
    #[must_use]
    pub fn generic(conn: &mut PgConnection, statement: &LoggedStatement) -> Self {
        Self::explain(conn, statement, "force_generic_plan", 0)
    }

    /// The plan that Postgres has come to by the sixth execution with these values: the one for all values, or, where it holds that worth it, one
    /// for these.
    ///
    /// # Panics
    /// When Postgres does not take the statement.
    #[must_use]
    pub fn settled(conn: &mut PgConnection, statement: &LoggedStatement) -> Self {
        Self::explain(conn, statement, "auto", FIRST_EXECUTIONS)
    }

    /// The log does not tell what types the values had. Mostly Postgres finds out from the text, otherwise they are told by what they look like.
    fn explain(conn: &mut PgConnection, statement: &LoggedStatement, mode: &str, before: usize) -> Self {
        let kinds: Vec<&str> = statement.values.iter().map(|value| kind(value)).collect();
        let plan = Self::try_explain(conn, statement, "", mode, before)
            .or_else(|_| Self::try_explain(conn, statement, &in_brackets(&kinds), mode, before));
        let plan =
            plan.unwrap_or_else(|error| panic!("{error}: {} with {:?}", statement.text, statement.values));
        Self { statement: statement.clone(), root: plan[0]["Plan"].clone() }
    }

    /// Whatever the statement does is taken back.
    fn try_explain(
        conn: &mut PgConnection,
        statement: &LoggedStatement,
        types: &str,
        mode: &str,
        before: usize,
    ) -> QueryResult<Value> {
        let given = in_brackets(&statement.values);
        let mut run = || -> QueryResult<Value> {
            conn.batch_execute(&format!(
                "BEGIN; SET LOCAL plan_cache_mode = {mode}; PREPARE asked{types} AS {}",
                statement.text
            ))?;
            for _ in 0..before {
                // Planned, and not run.
                conn.batch_execute(&format!("EXPLAIN EXECUTE asked{given}"))?;
            }
            let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, VERBOSE, FORMAT JSON) EXECUTE asked{given}");
            let explained: Explained = diesel::sql_query(explain).get_result(conn)?;
            Ok(explained.plan)
        };
        let plan = run();
        conn.batch_execute("ROLLBACK; DEALLOCATE ALL")?;
        plan
    }

    /// Whether that table is read from end to end.
    #[must_use]
    pub fn reads_whole(&self, table: &str) -> bool {
        let mut reads = false;
        each(&self.root, false, &mut |node, _| {
            reads |= node["Node Type"] == "Seq Scan" && node["Relation Name"] == table;
        });
        reads
    }

    /// The tables that it would read, as `schema.table`.
    pub fn tables(&self) -> BTreeSet<String> {
        let mut tables = BTreeSet::new();
        each(&self.root, false, &mut |node, _| {
            if node["Relation Name"].is_string() {
                tables.insert(relation(node));
            }
        });
        tables
    }

    /// What it does that it must not.
    #[must_use]
    pub fn faults(&self, bounds: &Bounds) -> Vec<Fault> {
        let mut faults = Vec::new();
        each(&self.root, false, &mut |node, is_cut_short| faults.extend(fault(node, is_cut_short, bounds)));
        faults
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.statement.text)?;
        writeln!(f, "with {}", self.statement.values.join(", "))?;
        write_node(f, &self.root, 1)
    }
}

/// The type that a literal has by its look; `unknown` leaves it to the statement.
fn kind(literal: &str) -> &'static str {
    let text = literal.trim_matches('\'');
    let Some(list) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return if text.contains('.') && text.parse::<f64>().is_ok() {
            "double precision"
        } else {
            "unknown"
        };
    };
    let all = |fits: fn(&str) -> bool| list.split(',').all(fits);
    if list.is_empty() || all(|one| uuid::Uuid::parse_str(one).is_ok()) {
        "uuid[]"
    } else if all(|one| one.parse::<i32>().is_ok()) {
        "integer[]"
    } else {
        "text[]"
    }
}

fn in_brackets<T: AsRef<str>>(of: &[T]) -> String {
    let of: Vec<&str> = of.iter().map(AsRef::as_ref).collect();
    if of.is_empty() { String::new() } else { format!("({})", of.join(", ")) }
}

fn write_node(f: &mut fmt::Formatter<'_>, node: &Value, depth: usize) -> fmt::Result {
    let text = |name: &str| node[name].as_str().unwrap_or_default().to_owned();
    write!(f, "{}{}", "  ".repeat(depth), text("Node Type"))?;
    for name in ["Relation Name", "Index Name", "Index Cond", "Recheck Cond", "Filter", "Sort Key"] {
        match &node[name] {
            Value::Null => {}
            value => write!(f, " · {name}: {}", value.to_string().replace("\\\"", "\""))?,
        }
    }
    write!(f, " · {} rows expected, {} × {}", node["Plan Rows"], node["Actual Rows"], node["Actual Loops"])?;
    if let Some(discarded) = discarded(node) {
        write!(f, ", {discarded} left out each time")?;
    }
    writeln!(f)?;
    for child in node["Plans"].as_array().into_iter().flatten() {
        write_node(f, child, depth + 1)?;
    }
    Ok(())
}

/// Every step, with whether something above it may stop it before it has given all.
fn each<'v>(node: &'v Value, is_cut_short: bool, see: &mut impl FnMut(&'v Value, bool)) {
    see(node, is_cut_short);
    let kind = node["Node Type"].as_str().unwrap_or_default();
    // What has to have all of its rows before it gives the first cannot be cut short; a merge, and whatever looks whether there is any, stops early.
    let is_cut_short = match kind {
        "Sort" | "Hash" | "Aggregate" | "Materialize" if node["Strategy"] != "Sorted" => false,
        "Limit" | "Merge Join" => true,
        _ => is_cut_short || matches!(node["Join Type"].as_str(), Some("Semi" | "Anti")),
    };
    for child in node["Plans"].as_array().into_iter().flatten() {
        let is_probe = matches!(child["Parent Relationship"].as_str(), Some("SubPlan" | "InitPlan"));
        each(child, is_cut_short || is_probe, see);
    }
}

fn fault(node: &Value, is_cut_short: bool, bounds: &Bounds) -> Vec<Fault> {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let (table, loops) = (relation(node), number("Actual Loops"));
    let left_out = discarded(node).unwrap_or_default() * loops;
    let mut faults = Vec::new();
    if let Some(rows) = bounds.large.get(&table) {
        let read = number("Actual Rows") * loops + left_out;
        if kind == "Seq Scan" || read >= rows * NEARLY_ALL {
            faults.push(Fault::ReadsAll { table: table.clone() });
        }
    }
    if matches!(kind, "Sort" | "Incremental Sort") {
        let rows = node["Plans"][0]["Actual Rows"].as_f64().unwrap_or_default();
        faults.extend(Some(Fault::Sorts { rows }).filter(|_| rows > bounds.sorted_max));
    }
    if left_out > bounds.discarded_max {
        faults.push(Fault::InVain { table: table.clone(), rows: left_out });
    }
    let (expected, met) = (number("Plan Rows").max(1.0), number("Actual Rows").max(1.0));
    let is_wild =
        expected.max(met) > bounds.few && (expected / met).max(met / expected) > bounds.misjudged_max;
    if is_wild && loops > 0.0 && !(is_cut_short && met < expected) {
        faults.push(Fault::Misjudges { step: format!("{kind} {table}"), expected, met });
    }
    faults
}

fn discarded(node: &Value) -> Option<f64> {
    node["Rows Removed by Filter"].as_f64()
}

fn relation(node: &Value) -> String {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    match (text("Schema"), text("Relation Name")) {
        ("", name) => name.to_owned(),
        (schema, name) => format!("{schema}.{name}"),
    }
}

/// How many rows Postgres holds every table of ours to have, as `schema.table`; run ANALYZE before.
///
/// # Panics
/// When the catalogue cannot be read.
#[must_use]
pub fn table_sizes(conn: &mut PgConnection) -> BTreeMap<String, f64> {
    #[derive(QueryableByName)]
    struct Size {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Double)]
        rows: f64,
    }
    let sizes: Vec<Size> = diesel::sql_query(
        "SELECT n.nspname || '.' || c.relname AS name, c.reltuples::double precision AS rows
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'public')",
    )
    .load(conn)
    .expect("the catalogue can be read");
    sizes.into_iter().map(|size| (size.name, size.rows)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestDatabase;

    fn asked(text: &str, values: &[&str]) -> LoggedStatement {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        LoggedStatement { how: crate::How::Cached, text: text.to_owned(), role: String::new(), values }
    }

    fn bounds() -> Bounds {
        Bounds {
            large: BTreeMap::from([("public.things".to_owned(), 20_000.0)]),
            sorted_max: 1_000.0,
            discarded_max: 1_000.0,
            misjudged_max: 100.0,
            few: 1_000.0,
        }
    }

    #[test]
    fn what_a_plan_must_not_do_is_named() {
        let database = TestDatabase::new();
        database.execute(
            "CREATE TABLE public.things AS SELECT n, n % 100 AS kind, n % 2 AS half, 'x' || n AS name FROM generate_series(1, 20000) n;
             ALTER TABLE public.things ADD PRIMARY KEY (n);
             ANALYZE public.things",
        );
        let mut conn = database.owner_connection();
        let mut faults = |text: &str, values: &[&str]| {
            let statement = asked(text, values);
            let generic = Plan::generic(&mut conn, &statement).faults(&bounds());
            assert_eq!(Plan::settled(&mut conn, &statement).faults(&bounds()), generic, "{text}");
            generic.iter().map(Fault::to_string).collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        assert_eq!(faults("SELECT name FROM public.things WHERE n = $1", &["'7'"]), none);
        assert_eq!(faults("SELECT name FROM public.things WHERE n > $1 ORDER BY n LIMIT 20", &["'7'"]), none);
        assert_eq!(
            faults("SELECT name FROM public.things WHERE kind = $1", &["'7'"]),
            ["reads all of public.things", "reads 19800 rows of public.things in vain"]
        );
        assert_eq!(faults("SELECT n FROM public.things ORDER BY n", &[]), ["reads all of public.things"]);
        assert_eq!(
            faults("SELECT name FROM public.things WHERE n < 3000 ORDER BY name LIMIT $1", &["'20'"]),
            ["sorts 2999 rows"]
        );
        assert_eq!(
            faults("SELECT n FROM public.things WHERE n > $1 AND kind = 99 ORDER BY n LIMIT 20", &["'0'"]),
            ["reads 1979 rows of public.things in vain"]
        );
        // Two conditions that always hold together are taken for two that have nothing to do with each other.
        let alike = "SELECT n FROM public.things WHERE n < $1 AND n > 0 AND half = n % 2 AND kind = n % 100";
        assert_eq!(
            faults(alike, &["'5000'"]),
            ["Index Scan public.things expects 1 rows and meets 4999"],
            "{alike}"
        );
    }

    #[test]
    fn values_whose_types_the_statement_leaves_open_are_told_by_their_look() {
        let database = TestDatabase::new();
        let mut conn = database.owner_connection();
        let plan =
            Plan::generic(&mut conn, &asked("SELECT floor(($1 + 90) * 10), $2::text", &["'29.72'", "'a.b'"]));
        assert_eq!(plan.tables(), BTreeSet::new());
        let lists = asked(
            "SELECT * FROM unnest($1, $2)",
            &["'{019a0000-0000-7000-8000-000000000000}'", "'{one,two}'"],
        );
        let plan = Plan::settled(&mut conn, &lists);
        assert_eq!(plan.tables(), BTreeSet::new());
    }

    #[test]
    fn what_a_statement_did_is_taken_back() {
        let database = TestDatabase::new();
        database
            .execute("CREATE TABLE public.things (n int PRIMARY KEY); INSERT INTO public.things VALUES (1)");
        let mut conn = database.owner_connection();
        let plan = Plan::generic(&mut conn, &asked("DELETE FROM public.things WHERE n >= $1", &["'0'"]));
        assert_eq!(plan.tables(), BTreeSet::from(["public.things".to_owned()]));
        assert_eq!(database.count("public.things"), 1);
    }
}
