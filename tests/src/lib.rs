#![doc = include_str!("../README.md")]

mod answer;
mod app;
<<<<<<< HEAD
mod people;
=======
mod builders;
>>>>>>> d1b5599 (wip stage)
mod person;

pub use answer::Answer;
pub use app::{TestApp, settings};
<<<<<<< HEAD
pub use people::{PASSWORD, papers, unique_email};
=======
pub use builders::{Deal, PARTS, PASSWORD};
>>>>>>> d1b5599 (wip stage)
pub use person::Person;
