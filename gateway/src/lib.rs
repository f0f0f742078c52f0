//! HTTP over the domains.

pub mod command;
pub mod config;
pub mod demo;
