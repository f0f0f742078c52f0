#![doc = include_str!("../README.md")]

mod answer;
mod person;

pub use answer::Answer;
pub use person::Person;
