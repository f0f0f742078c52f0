//! Notifications over HTTP.

mod inbox;
