//! The gateway on a real port over a real database, with operations of its own: what holds for every operation is proved here once,
//! so that the tests of the domains need not.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers panic as the test itself does"
)]

mod body;
mod command;
mod house;
mod keyed;
mod ledger;
mod limits;
mod lists;
mod probe;
mod raw;
mod sessions;
mod stopping;
mod wire;
