//! The tests that need the whole product. One binary: each more would be one more link.

mod house;
mod notifications;
