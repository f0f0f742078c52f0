//! [`RowVersion`]: which version of a row was read, so that what was made of it can be kept until the row is another.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::SqlType;

/// The SQL type of a row's `xmin`.
#[derive(Debug, Clone, Copy, SqlType)]
#[diesel(postgres_type(oid = 28, array_oid = 1011))]
pub struct Xid;

/// The transaction that wrote the row as it is: Postgres' `xmin`. Every transaction that writes a row gives it another, whatever column. The
/// numbers come round after four thousand million transactions, and a standby that takes over may give some of them once more: what is kept by them is
/// to be kept for minutes, not for days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromSqlRow)]
#[diesel(sql_type = Xid)]
pub struct RowVersion(u32);

impl FromSql<Xid, Pg> for RowVersion {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(u32::from_be_bytes(value.as_bytes().try_into()?)))
    }
}
