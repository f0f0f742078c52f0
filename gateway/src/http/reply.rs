//! What a handler answers with: plain data, so that it can be made on the executor's thread, inside the transaction, and
//! be stored and given again byte by byte.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use super::etag::{self, Version};

/// An answer: a status, a few headers, a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// A 2xx.
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) etag: Option<String>,
    /// JSON; empty when there is nothing to say.
    pub(crate) body: Vec<u8>,
    /// Whether this was answered before, to the same key.
    pub(crate) replayed: bool,
}

impl Reply {
    /// 200 with this.
    pub fn ok(view: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, view)
    }

    /// 201 with this; `location` is the path of what was made.
    pub fn created(location: impl Into<String>, view: &impl Serialize) -> Self {
        Self { location: Some(location.into()), ..Self::json(StatusCode::CREATED, view) }
    }

    /// 202 with this: it will be done.
    pub fn accepted(view: &impl Serialize) -> Self {
        Self::json(StatusCode::ACCEPTED, view)
    }

    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, etag: None, body: Vec::new(), replayed: false }
    }

    /// Another status: for answers such as "not ready" that are no problems.
    pub fn with_status(status: StatusCode, view: &impl Serialize) -> Self {
        Self::json(status, view)
    }

    /// With an `ETag` made of the bytes. Every `GET` of a single thing carries one.
    #[must_use]
    pub fn tagged(self) -> Self {
        Self { etag: Some(etag::of_body(&self.body)), ..self }
    }

    /// With an `ETag` made of the thing's version and the bytes, which [`Context::if_match`](crate::Context::if_match)
    /// understands: the version guards changes, the bytes save reading again what is the same for this caller.
    #[must_use]
    pub fn version(self, version: impl Into<Version>) -> Self {
        Self { etag: Some(etag::of_version(version.into(), &self.body)), ..self }
    }

    fn json(status: StatusCode, view: &impl Serialize) -> Self {
        // Views are structs of plain fields: they always serialise. An empty body would show at once in every test.
        let body = serde_json::to_vec(view).unwrap_or_default();
        Self { status, location: None, etag: None, body, replayed: false }
    }
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if let Some(etag) = self.etag {
            response.insert_header((ETAG, etag));
        }
        if self.replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        if self.body.is_empty() {
            return response.finish();
        }
        response.insert_header((CONTENT_TYPE, "application/json"));
        response.body(self.body)
    }
}
