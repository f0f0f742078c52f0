//! Quotas that all processes on one database share: how often something may still be done.
//!
//! Who is counted, and what a refusal means, does not belong here.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Int4};

use crate::db::Db;
use crate::error::Error;
use crate::hot::{Binds, Hot, Statement};

/// Uses wanted of a quota.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Draw {
    /// A keyed hash of the limit's name and of who is counted.
    pub key: [u8; 32],
    /// How many are wanted; fewer may be granted.
    pub wanted: u32,
    /// The most in a period, all of which may be used at once. At least one.
    pub quota: u32,
    /// How long it takes until all of them are there again.
    pub period: Duration,
}

/// Uses granted of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// How many: none when it is used up.
    pub granted: u32,
    /// How long it takes until all of them are there again.
    pub full_in: Duration,
}

impl Draw {
    /// How long it takes until one more is there.
    #[must_use]
    pub fn one(&self) -> Duration {
        self.period / self.quota.max(1)
    }

    /// How many are left after this.
    #[must_use]
    pub fn left(&self, drawn: &Drawn) -> u32 {
        let used = drawn.full_in.as_micros().div_ceil(self.one().as_micros().max(1));
        self.quota.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }

    /// How long to wait until one can be granted, after none was.
    #[must_use]
    pub fn wait(&self, drawn: &Drawn) -> Duration {
        (drawn.full_in + self.one()).saturating_sub(self.one() * self.quota)
    }
}

impl Db {
    /// Takes uses of quotas, each key at most once, in one statement. The answers are in no particular order.
    ///
    /// # Errors
    /// [`Error`] when they cannot be counted.
    pub fn draw_quotas(&self, draws: &[Draw]) -> Result<Vec<([u8; 32], Drawn)>, Error> {
        let micros = |draw: &Draw| i64::try_from(draw.period.as_micros()).unwrap_or(i64::MAX);
        let statement = DrawQuotas {
            keys: draws.iter().map(|draw| draw.key.to_vec()).collect(),
            wanted: draws.iter().map(|draw| whole(draw.wanted)).collect(),
            quotas: draws.iter().map(|draw| whole(draw.quota.max(1))).collect(),
            periods: draws.iter().map(micros).collect(),
        };
        // One statement is a transaction of its own; to say BEGIN and COMMIT around it would cost two round trips.
        let rows: Vec<(Vec<u8>, i32, i64)> =
            self.read(|conn| Ok::<_, Error>(Hot(statement.clone()).load(conn)?))?;
        rows.into_iter()
            .map(|(key, granted, full_in)| {
                let key =
                    key.try_into().map_err(|_| Error::Corrupt("a quota's key is no hash".to_owned()))?;
                let full_in = Duration::from_micros(u64::try_from(full_in).unwrap_or_default());
                Ok((key, Drawn { granted: u32::try_from(granted).unwrap_or_default(), full_in }))
            })
            .collect()
    }

    /// Removes at most `most` quotas all of which is there again, and says how many there were. For a background task.
    ///
    /// # Errors
    /// [`Error`].
    pub fn purge_quotas(&self, most: u32) -> Result<usize, Error> {
        self.transaction(|tx| {
            let removed = diesel::sql_query(
                "DELETE FROM app.quotas WHERE key IN (
                     SELECT key FROM app.quotas WHERE full_at < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
                     ORDER BY full_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
            )
            .bind::<BigInt, _>(i64::from(most))
            .execute(tx.conn())?;
            Ok(removed)
        })
    }
}

fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[derive(Clone)]
struct DrawQuotas {
    keys: Vec<Vec<u8>>,
    wanted: Vec<i32>,
    quotas: Vec<i32>,
    periods: Vec<i64>,
}

impl Statement for DrawQuotas {
    const SQL: &'static str = "SELECT key, granted, full_in FROM app.draw_quotas($1, $2, $3, $4)";
    type Columns = (Bytea, Int4, BigInt);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<Bytea>, _>(&self.keys)?;
        binds.push::<Array<Int4>, _>(&self.wanted)?;
        binds.push::<Array<Int4>, _>(&self.quotas)?;
        binds.push::<Array<BigInt>, _>(&self.periods)
    }
}
