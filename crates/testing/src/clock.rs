//! A clock that a test turns: the database's and Rust's together.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use database::Db;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use kernel::{Clock, Instant, SystemClock};

/// The clock of one test database. It runs as fast as the machine's, from wherever it was turned to.
#[derive(Debug, Clone)]
pub struct TestClock {
    ahead_micros: Arc<AtomicI64>,
    owner: Db,
}

impl TestClock {
    pub(crate) fn new(owner: Db) -> Self {
        Self { ahead_micros: Arc::default(), owner }
    }

    /// Turns both clocks forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).expect("tests live less than 292,000 years");
        self.turn(self.ahead_micros.load(Ordering::SeqCst) + by);
    }

    /// Turns both clocks so that it is this instant now, earlier or later.
    pub fn set(&self, instant: Instant) {
        let ahead = instant - SystemClock.now();
        self.turn(ahead.num_microseconds().expect("tests live less than 292,000 years"));
    }

    fn turn(&self, ahead: i64) {
        self.owner
            .read(|conn| {
                diesel::sql_query("UPDATE app.clock_offset SET shift = $1 * interval '1 microsecond'")
                    .bind::<BigInt, _>(ahead)
                    .execute(conn)
                    .map_err(database::Error::from)
            })
            .expect("the owner may turn the clock");
        self.ahead_micros.store(ahead, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        SystemClock.now() + chrono::TimeDelta::microseconds(self.ahead_micros.load(Ordering::SeqCst))
    }
}
