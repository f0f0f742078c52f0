//! From a request to what a handler works with. Each extractor is a file of its own; the gate has done the checks before
//! any of them runs, so they only hand out what is already there.

pub(crate) mod actors;
pub(crate) mod address;
pub(crate) mod body;
pub(crate) mod bounded;
pub(crate) mod call;
pub(crate) mod checker;
pub(crate) mod context;
pub(crate) mod cookie;
pub(crate) mod id;
pub(crate) mod incoming;
pub(crate) mod key;
pub(crate) mod paging;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod secret;
pub(crate) mod trail;

pub use actors::{Admin, Contractor, Homeowner, MaybeSignedIn, SignedIn};
pub use body::{Body, OptionalBody, RawBody};
pub use context::Context;
pub use cookie::Cookies;
pub use id::Id;
pub use incoming::Incoming;
pub use paging::Paging;
pub use path::{Path, PathPair};
pub use query::Query;
pub use secret::Secret;
