//! The crate against a Postgres of its own: one binary, one module a subject.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing here fails the test, and that is the point"
)]

mod award;
mod clocks;
mod invariants;
mod milestones;
mod personal;
mod signing;
mod stage;
