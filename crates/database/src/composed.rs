//! Statements whose text depends on what is asked: put together of constant pieces and typed values, prepared once a connection for each text.
//!
//! A [`hot::Statement`](crate::hot) has one text. A search has as many as there are combinations of its filters; diesel's `sql_query` takes any text,
//! but has it parsed and planned at every call. The pieces here are constants of the program and values are always bound, so nobody writes SQL
//! through a search.
//!
//! ```
//! use database::composed::Composed;
//! use diesel::prelude::*;
//! use diesel::sql_types::BigInt;
//!
//! let even_only = true;
//! let mut numbers = Composed::new("SELECT n::bigint FROM generate_series(1, 9) n WHERE n >= ").value(7);
//! if even_only {
//!     numbers = numbers.text(" AND n % 2 = 0");
//! }
//!
//! let database = testing::TestDatabase::new();
//! let rows: Vec<i64> = database.db.read(|conn| Ok::<_, database::Error>(numbers.clone().rows::<BigInt>().load(conn)?))?;
//! assert_eq!(rows, [8]);
//! # Ok::<(), database::Error>(())
//! ```

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Double, Integer, Text, Timestamptz, Uuid as SqlUuid};
use kernel::Instant;
use uuid::Uuid;

/// A value that is bound.
#[derive(Debug, Clone)]
pub enum Value {
    /// `integer`.
    Integer(i32),
    /// `integer[]`.
    Integers(Vec<i32>),
    /// `bigint`.
    BigInt(i64),
    /// `double precision`.
    Double(f64),
    /// `text`.
    Text(String),
    /// `text[]`.
    Texts(Vec<String>),
    /// `timestamptz`.
    Instant(Instant),
    /// `uuid`.
    Uuid(Uuid),
    /// `uuid[]`.
    Uuids(Vec<Uuid>),
}

macro_rules! values {
    ($($from:ty => $to:ident,)+) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$to(value)
            }
        })+
    };
}
values! {
    i32 => Integer, Vec<i32> => Integers, i64 => BigInt, f64 => Double, String => Text, Vec<String> => Texts, Instant => Instant, Uuid => Uuid,
    Vec<Uuid> => Uuids,
}

#[derive(Debug, Clone)]
enum Piece {
    Text(&'static str),
    Value(Value),
}

/// A statement in the making.
#[derive(Debug, Clone)]
pub struct Composed(Vec<Piece>);

impl Composed {
    /// Begins with this text.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self(vec![Piece::Text(text)])
    }

    /// Goes on with this text.
    #[must_use]
    pub fn text(mut self, text: &'static str) -> Self {
        self.0.push(Piece::Text(text));
        self
    }

    /// Goes on with a value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.0.push(Piece::Value(value.into()));
        self
    }

    /// Goes on with another one.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The statement, whose rows have columns of these SQL types.
    #[must_use]
    pub fn rows<C>(self) -> Rows<C> {
        Rows { pieces: self.0, columns: PhantomData }
    }
}

/// A statement that diesel runs.
#[derive(Debug, Clone)]
pub struct Rows<C> {
    pieces: Vec<Piece>,
    columns: PhantomData<fn() -> C>,
}

impl<C> QueryFragment<Pg> for Rows<C> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => pass.push_sql(text),
                Piece::Value(Value::Integer(value)) => pass.push_bind_param::<Integer, _>(value)?,
                Piece::Value(Value::Integers(value)) => pass.push_bind_param::<Array<Integer>, _>(value)?,
                Piece::Value(Value::BigInt(value)) => pass.push_bind_param::<BigInt, _>(value)?,
                Piece::Value(Value::Double(value)) => pass.push_bind_param::<Double, _>(value)?,
                Piece::Value(Value::Text(value)) => pass.push_bind_param::<Text, _>(value)?,
                Piece::Value(Value::Texts(value)) => pass.push_bind_param::<Array<Text>, _>(value)?,
                Piece::Value(Value::Instant(value)) => pass.push_bind_param::<Timestamptz, _>(value)?,
                Piece::Value(Value::Uuid(value)) => pass.push_bind_param::<SqlUuid, _>(value)?,
                Piece::Value(Value::Uuids(value)) => pass.push_bind_param::<Array<SqlUuid>, _>(value)?,
            }
        }
        Ok(())
    }
}

/// Cached by its text, which no type stands for.
impl<C> QueryId for Rows<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> Query for Rows<C> {
    type SqlType = C;
}

impl<C, D> RunQueryDsl<D> for Rows<C> where D: Connection {}
