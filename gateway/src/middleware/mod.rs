//! What happens around every request, each in a file of its own, and put together in [`edge`].

pub(crate) mod access_log;
pub(crate) mod conditional;
pub(crate) mod cors;
pub(crate) mod edge;
pub(crate) mod request_id;
pub(crate) mod security;
