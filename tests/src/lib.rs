#![doc = include_str!("../README.md")]
#![expect(
    clippy::indexing_slicing,
    reason = "JSON that lacks a field reads as null, and a test says what it expected"
)]

mod answer;
mod app;
mod authenticator;
mod browser;
mod builders;
mod installation;
mod mail;
mod openid;
mod people;
mod person;

pub use answer::Answer;
pub use app::{Beside, PROVIDER_SECRET, TestApp, settings};
pub use authenticator::{Authenticator, STEP};
pub use browser::{Browser, said, saying};
pub use builders::{Deal, PARTS};
pub use installation::{Installation, Running};
pub use openid::{CLIENT, OpenIdPeer, PROVIDER};
pub use people::{PASSWORD, papers, unique_email};
pub use person::Person;
