//! The platform as a whole: which crate may stand on which, and a program that links it with no server.

#![allow(clippy::unwrap_used, reason = "what is missing here fails the test, and that is the point")]

mod dependencies;
mod example;
