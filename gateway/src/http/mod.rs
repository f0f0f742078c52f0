//! What goes over the wire whatever the operation: problems, answers, entity tags, cursors.

pub(crate) mod cookie;
pub(crate) mod cursor;
pub(crate) mod etag;
pub(crate) mod problem;
pub(crate) mod range;
pub(crate) mod reply;

pub use cookie::Cookie;
pub use etag::Version;
pub use problem::{PROBLEM_JSON, Problem, ProblemBlocker, ProblemFault, ProblemView};
pub use reply::Reply;
