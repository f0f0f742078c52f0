//! [`Call`]: all that the gate found out about a request, kept beside it for the extractors.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest};
use kernel::Actor;
use serde_json::Value;

use crate::app::App;
use crate::http::Problem;
use crate::http::etag::IfMatch;
use crate::rates::Left;
use crate::request::key::IdempotencyKey;
use crate::table::Entry;

/// One request, after the gate.
pub(crate) struct Call {
    pub(crate) app: App,
    pub(crate) entry: Arc<Entry>,
    pub(crate) request_id: String,
    /// The path as it was asked for, with its ids.
    pub(crate) path: String,
    pub(crate) address: IpAddr,
    pub(crate) user_agent: Option<String>,
    pub(crate) actor: Option<Actor>,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) if_match: Option<IfMatch>,
    /// Which part of a file is wanted, and of which version of it.
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
    /// The query parameters that were given, typed as the document says.
    pub(crate) query: Value,
    pub(crate) body: Bytes,
    /// What is left of a limit that the handler counts by.
    pub(crate) left: OnceLock<Left>,
    /// The hash of a body that was passed on as it came.
    pub(crate) streamed: OnceLock<[u8; 32]>,
}

impl Call {
    /// The call that the gate left with this request.
    pub(crate) fn of(request: &HttpRequest) -> Result<Arc<Self>, Problem> {
        let call = request.extensions().get::<Arc<Self>>().cloned();
        call.ok_or_else(|| Problem::internal("a handler runs outside the gate"))
    }
}
