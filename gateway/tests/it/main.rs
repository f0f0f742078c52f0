//! The gateway on a real port over a real database, with operations of its own: what holds for every operation is proved here once,
//! so that the tests of the domains need not.

mod body;
mod command;
mod house;
mod keyed;
mod ledger;
mod limits;
mod lists;
mod probe;
mod sessions;
mod stopping;
mod wire;
