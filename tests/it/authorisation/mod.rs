//! The authorisation matrix: every operation of the document × every kind of caller × own, other's and missing thing.
//!
//! Which operations there are and whom they are declared for is read from the document; what becomes of a thing that is not the caller's
//! is said in [`rights`], and an operation that is missing there fails the test. What an operation does when somebody is let through
//! is tested beside it, in `tests/it/<domain>`.

pub(crate) mod cast;
pub(crate) mod document;
mod matrix;
mod rights;
