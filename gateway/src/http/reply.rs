//! What a handler answers with: plain data, so that it can be made on the executor's thread, inside the transaction, and
//! be stored and given again byte by byte.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, LOCATION, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::{Deserialize, Serialize};

use super::etag::{self, Version};

/// An answer: a status, a few headers, a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// A 2xx, or 303.
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) etag: Option<String>,
    /// JSON; empty when there is nothing to say.
    pub(crate) body: Vec<u8>,
    /// Whether this was answered before, to the same key.
    pub(crate) replayed: bool,
    /// Whether it holds a secret that no cache may keep.
    pub(crate) secret: bool,
    /// What the browser is to keep.
    pub(crate) cookie: Option<HeaderValue>,
    /// For how many seconds any cache may keep it: only what is the same for everybody.
    pub(crate) public_seconds: Option<u32>,
}

impl Reply {
    /// 200 with this.
    pub fn ok(view: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, view)
    }

    /// 200 with what was written as JSON before.
    pub(crate) fn written(body: Vec<u8>) -> Self {
        Self::bytes(StatusCode::OK, body)
    }

    /// 201 with this; `location` is the path of what was made.
    pub fn created(location: impl Into<String>, view: &impl Serialize) -> Self {
        Self { location: Some(location.into()), ..Self::json(StatusCode::CREATED, view) }
    }

    /// 202 with this: it will be done.
    pub fn accepted(view: &impl Serialize) -> Self {
        Self::json(StatusCode::ACCEPTED, view)
    }

    /// With the path of what will be, or is being, made.
    #[must_use]
    pub fn at(self, location: impl Into<String>) -> Self {
        Self { location: Some(location.into()), ..self }
    }

    /// 202 without a word: it will be done, or not, and nobody is told which.
    #[must_use]
    pub fn taken() -> Self {
        Self::bytes(StatusCode::ACCEPTED, Vec::new())
    }

    /// 303: a browser goes on to that address.
    pub fn see_other(location: impl Into<String>) -> Self {
        Self { location: Some(location.into()), ..Self::bytes(StatusCode::SEE_OTHER, Vec::new()) }
    }

    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self::bytes(StatusCode::NO_CONTENT, Vec::new())
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

    /// With an `ETag` made of this part of the answer: for a page, whose cursor is another each time.
    #[must_use]
    pub fn tagged_by(self, part: &impl Serialize) -> Self {
        Self { etag: Some(etag::of_body(&serde_json::to_vec(part).unwrap_or_default())), ..self }
    }

    /// The same for everybody, and good for so many seconds: caches may keep it.
    #[must_use]
    pub fn public_for(self, seconds: u32) -> Self {
        Self { public_seconds: Some(seconds), ..self }
    }

    /// With an `ETag` made of the thing's version and the bytes, which [`Context::if_match`](crate::Context::if_match)
    /// understands: the version guards changes, the bytes save reading again what is the same for this caller.
    #[must_use]
    pub fn version(self, version: impl Into<Version>) -> Self {
        Self { etag: Some(etag::of_version(version.into(), &self.body)), ..self }
    }

    /// With secrets in it, such as tokens: neither a browser nor a proxy may keep it (RFC 6749, section 5.1).
    #[must_use]
    pub fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// With a cookie, as a [`Cookie`](super::Cookie) writes it. Not for answers that are stored under a key.
    #[must_use]
    pub fn with_cookie(self, cookie: Option<HeaderValue>) -> Self {
        Self { cookie, ..self }
    }

    /// The answer as it is stored, to be given again byte by byte.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let head =
            Head { status: self.status.as_u16(), location: self.location.clone(), etag: self.etag.clone() };
        let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads what [`Reply::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // JSON on one line has no line feed of its own.
        let at = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, body) = bytes.split_at_checked(at)?;
        let head: Head = serde_json::from_slice(head).ok()?;
        Some(Self {
            location: head.location,
            etag: head.etag,
            ..Self::bytes(StatusCode::from_u16(head.status).ok()?, body.get(1..)?.to_vec())
        })
    }

    fn json(status: StatusCode, view: &impl Serialize) -> Self {
        // Views are structs of plain fields: they always serialise. An empty body would show at once in every test.
        Self::bytes(status, serde_json::to_vec(view).unwrap_or_default())
    }

    fn bytes(status: StatusCode, body: Vec<u8>) -> Self {
        Self {
            status,
            location: None,
            etag: None,
            body,
            replayed: false,
            secret: false,
            cookie: None,
            public_seconds: None,
        }
    }
}

/// The head of a stored answer.
#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    location: Option<String>,
    etag: Option<String>,
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
        if let Some(cookie) = self.cookie {
            response.insert_header((SET_COOKIE, cookie));
        }
        if self.replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        if self.secret {
            response.insert_header((CACHE_CONTROL, "no-store"));
        }
        if let Some(seconds) = self.public_seconds {
            response.insert_header((CACHE_CONTROL, format!("public, max-age={seconds}")));
        }
        if self.body.is_empty() {
            return response.finish();
        }
        response.insert_header((CONTENT_TYPE, "application/json"));
        response.body(self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_answer_reads_back_byte_by_byte() {
        let reply = Reply::created("/api/jobs/job_1", &serde_json::json!({ "title": "a\nb" })).version(7);
        assert_eq!(Reply::from_bytes(&reply.to_bytes()), Some(reply));
        let empty = Reply::no_content();
        assert_eq!(Reply::from_bytes(&empty.to_bytes()), Some(empty));
        assert_eq!(Reply::from_bytes(b"{}"), None);
    }
}
