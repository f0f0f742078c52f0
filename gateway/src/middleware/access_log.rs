//! One line and two figures for each request. Queries, bodies and headers are left out: they may hold what nobody should read in a log.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::ServiceResponse;

use crate::gate::Matched;
use crate::http::Problem;

/// The label for requests that match no path.
const NO_PATH: &str = "none";

/// What the log should know of a refusal.
pub(crate) struct Refusal {
    code: &'static str,
    cause: Option<String>,
}

impl Refusal {
    /// Reads it from an answer that still has its error.
    pub(crate) fn of<B>(response: &ServiceResponse<B>) -> Option<Self> {
        let problem: &Problem = response.response().error()?.as_error()?;
        Some(Self { code: problem.code(), cause: problem.cause().map(str::to_owned) })
    }
}

/// Notes a request that has been answered.
pub(crate) fn note<B>(
    response: &ServiceResponse<B>,
    refusal: Option<&Refusal>,
    request_id: &str,
    took: Duration,
) {
    let request = response.request();
    let matched = request.extensions().get::<Matched>().map(|matched| Cow::Borrowed(matched.0));
    let route = matched.unwrap_or_else(|| request.match_pattern().map_or(NO_PATH.into(), Cow::Owned));
    let status = response.status().as_u16();
    let known = method_label(request.method().as_str());
    metrics::counter!("http_requests_total", "method" => known, "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("http_request_duration_seconds", "method" => known, "route" => route.clone())
        .record(took.as_secs_f64());
    let route: &str = &route;
    let code = refusal.map(|refusal| refusal.code);
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let method = request.method().as_str();
    match refusal.and_then(|refusal| refusal.cause.as_deref()) {
        Some(cause) if status == 500 => {
            tracing::error!(request_id, method, route, status, code, milliseconds, cause, "request failed");
        }
        Some(cause) => {
            tracing::warn!(request_id, method, route, status, code, milliseconds, cause, "request refused")
        }
        None => tracing::info!(request_id, method, route, status, code, milliseconds, "request"),
    }
}

/// The method, unless a client made one up: labels must stay few.
fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("OTHER")
}
