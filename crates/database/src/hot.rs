//! Hot statements: constant text with typed binds, prepared once a connection and planned once.
//!
//! Diesel's query builder silently does not cache `sql_query`, any statement with a `dsl::sql` fragment, `update`, and
//! `insert_into().values(Vec)`; and `.limit(n)` is a bind, so that Postgres plans anew every time. What requests run
//! all the time is written as a [`Statement`] instead. Everything else should stay with the query builder.
//!
//! ```
//! use database::hot::{Binds, Hot, Statement};
//! use diesel::prelude::*;
//! use diesel::sql_types::{Integer, Text};
//!
//! struct NumbersFrom {
//!     least: i32,
//! }
//!
//! impl Statement for NumbersFrom {
//!     const SQL: &'static str = "SELECT n, 'number ' || n FROM generate_series(1, 9) n WHERE n >= $1 ORDER BY n LIMIT 2";
//!     type Columns = (Integer, Text);
//!
//!     fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
//!         binds.push::<Integer, _>(&self.least)
//!     }
//! }
//!
//! let database = testing::TestDatabase::new();
//! let rows: Vec<(i32, String)> =
//!     database.db.read(|conn| Ok::<_, database::Error>(Hot(NumbersFrom { least: 7 }).load(conn)?))?;
//! assert_eq!(rows, [(7, "number 7".to_owned()), (8, "number 8".to_owned())]);
//! # Ok::<(), database::Error>(())
//! ```

use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::HasSqlType;

/// A statement with a constant text.
///
/// The text has `$1`, `$2` … in ascending order, each once, and LIMIT as a literal. `$` means nothing else in it.
pub trait Statement: Send + 'static {
    /// The text.
    const SQL: &'static str;
    /// The SQL types of the columns that come back, as a tuple; `()` for a statement that returns no rows.
    type Columns;

    /// Pushes the binds, in the order of their numbers.
    ///
    /// # Errors
    /// Diesel's, when a value cannot be sent.
    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()>;
}

/// Makes a [`Statement`] something that diesel runs: `Hot(FindJob { id }).get_result(conn)`.
#[derive(Debug, Clone, Copy)]
pub struct Hot<S>(pub S);

/// Takes a statement's binds.
pub struct Binds<'a, 'b> {
    pass: AstPass<'a, 'b, Pg>,
    rest: &'static str,
}

impl std::fmt::Debug for Binds<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binds").field("rest", &self.rest).finish_non_exhaustive()
    }
}

impl<'b> Binds<'_, 'b> {
    /// The value of the next placeholder; the type is the SQL one: `binds.push::<Uuid, _>(&self.id)?`.
    ///
    /// # Errors
    /// When the value cannot be sent, or the text has no placeholder left.
    pub fn push<T, V>(&mut self, value: &'b V) -> QueryResult<()>
    where
        Pg: HasSqlType<T>,
        V: ToSql<T, Pg> + ?Sized,
    {
        let (before, after) =
            self.rest.split_once('$').ok_or_else(|| mismatch("more binds than placeholders"))?;
        self.pass.push_sql(before);
        self.pass.push_bind_param::<T, V>(value)?;
        self.rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        Ok(())
    }
}

impl<S: Statement> QueryFragment<Pg> for Hot<S> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut binds = Binds { pass: pass.reborrow(), rest: S::SQL };
        self.0.bind(&mut binds)?;
        let rest = binds.rest;
        if rest.contains('$') {
            return Err(mismatch("fewer binds than placeholders"));
        }
        pass.push_sql(rest);
        Ok(())
    }
}

impl<S: Statement> QueryId for Hot<S> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S: Statement> Query for Hot<S> {
    type SqlType = S::Columns;
}

impl<S: Statement, C> RunQueryDsl<C> for Hot<S> where C: Connection<Backend: Backend> {}

/// The fewest elements that [`for_any`] makes.
const ANY_MIN: usize = 10;

/// Keys for `= ANY($1)`, filled up to ten by naming one again, so that Postgres keeps the plan: it prices an unknown array at ten
/// elements, and for a shorter one a plan made anew always looks cheaper than the one it has. An index looks the
/// same key up once.
#[must_use]
pub fn for_any<K: Clone>(keys: &[K]) -> Vec<K> {
    let again = keys.first().into_iter().cycle().take(ANY_MIN.saturating_sub(keys.len()));
    keys.iter().chain(again).cloned().collect()
}

fn mismatch(what: &str) -> diesel::result::Error {
    diesel::result::Error::QueryBuilderError(what.into())
}
