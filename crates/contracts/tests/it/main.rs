//! The crate against a Postgres of its own: one binary, one module a subject.

mod award;
mod clocks;
mod invariants;
mod milestones;
mod signing;
mod stage;
