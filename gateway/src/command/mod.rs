//! The `fairtrade` command: one file for each thing it can do. What a command decides about the marketplace does not belong here; it
//! asks the platform.

mod admin;
pub mod args;
mod doctor;
mod failure;
mod logs;
mod output;
mod tasks;

pub use failure::Failure;
pub use output::{Voice, say, table};
