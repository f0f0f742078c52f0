//! [`Operation`]: one operation of the API as a value. The actix route, the table behind 405, the OpenAPI document, the
//! authorisation, the idempotency class and the rate-limit class are all made from it, so that none can disagree.
//!
//! What an operation does belongs to its handler, in `routes/<domain>/<resource>.rs`.

mod builder;
mod classes;
mod errors;
mod shape;

use std::sync::Arc;

use actix_web::http::Method;
use serde_json::Value;

pub use builder::OperationBuilder;
pub use classes::{Key, Rate, Who};
pub use errors::{ErrorDoc, error};
pub use shape::Shape;

/// One operation: a method on a path, with everything that is known of it.
#[derive(Clone)]
pub struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// The handler's name in camelCase: `operationId`.
    pub(crate) id: String,
    /// The folder of the handler's file under `routes`.
    pub(crate) tag: String,
    pub(crate) summary: &'static str,
    pub(crate) description: Option<&'static str>,
    pub(crate) who: Who,
    pub(crate) key: Key,
    pub(crate) rate: Rate,
    pub(crate) if_match: bool,
    pub(crate) lists: bool,
    pub(crate) query: Option<Shape>,
    /// Whether parameters that the document does not show are ignored, and not refused.
    pub(crate) open_query: bool,
    pub(crate) body: Body,
    pub(crate) answers: Vec<Answer>,
    pub(crate) errors: Vec<ErrorDoc>,
    pub(crate) route: RouteFactory,
}

/// Makes the actix route, once for each of the server's threads.
pub(crate) type RouteFactory = Arc<dyn Fn() -> actix_web::Route + Send + Sync>;

/// What an operation takes in its body.
#[derive(Clone)]
pub(crate) enum Body {
    /// Nothing, or `{}`.
    None,
    /// JSON of this shape.
    Json { shape: Shape, example: Value, required: bool },
    /// Bytes that the handler reads itself, because their signature covers them as they are.
    Raw { description: &'static str },
    /// Bytes that the handler passes on piece by piece, under limits of its own.
    Stream { description: &'static str, content_types: &'static [&'static str] },
}

/// One successful answer.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) content: Option<Content>,
}

/// What an answer holds.
#[derive(Clone)]
pub(crate) enum Content {
    Json {
        shape: Shape,
        example: Value,
    },
    /// One page of these.
    Page {
        item: Shape,
        example: Value,
    },
    Other {
        content_type: &'static str,
    },
}

impl Operation {
    /// An operation that reads.
    pub fn get(path: &'static str) -> OperationBuilder {
        OperationBuilder::new(Method::GET, path)
    }

    /// An operation that makes or moves something.
    pub fn post(path: &'static str) -> OperationBuilder {
        OperationBuilder::new(Method::POST, path)
    }

    /// An operation that changes something.
    pub fn patch(path: &'static str) -> OperationBuilder {
        OperationBuilder::new(Method::PATCH, path)
    }

    /// An operation that ends something.
    pub fn delete(path: &'static str) -> OperationBuilder {
        OperationBuilder::new(Method::DELETE, path)
    }

    /// Whether whoever owes a second factor has to set it up first: for everything that asks who somebody is, but for the account itself.
    pub(crate) fn waits_for_second_factor(&self) -> bool {
        matches!(self.who, Who::SignedIn | Who::Admin) && !self.path.starts_with("/api/auth/")
    }

    /// The names of the path's parameters, in order.
    pub(crate) fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }

    /// `GET /api/jobs/{jobId}`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}
