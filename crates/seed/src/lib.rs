#![doc = include_str!("../README.md")]

mod cast;
mod data;
mod dice;
mod error;
mod load;
mod offers;
mod plan;
mod posting;
#[rustfmt::skip]
mod schema;
mod store;
mod work;
mod write;

pub use error::{Error, Refusal};
pub use load::{Filled, Progress, check_own, fill, is_in};
pub use plan::Plan;
