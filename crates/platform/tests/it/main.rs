//! The platform as a whole: which crate may stand on which.

#![allow(clippy::unwrap_used, reason = "what is missing here fails the test, and that is the point")]

mod dependencies;
