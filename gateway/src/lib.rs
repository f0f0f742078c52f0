//! HTTP over the domains.

pub mod config;
