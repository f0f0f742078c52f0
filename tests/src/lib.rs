#![doc = include_str!("../README.md")]

mod answer;
mod app;
mod person;

pub use answer::Answer;
pub use app::{TestApp, settings};
pub use person::Person;
