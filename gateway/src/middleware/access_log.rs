//! One line and two figures for each request. Queries, bodies and headers are left out: they may hold what nobody should read in a log.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::ServiceResponse;
use metrics::{Counter, Histogram};

use crate::gate::Matched;
use crate::http::Problem;
use crate::operation::Operation;

/// The label for requests that match no path.
const NO_PATH: &str = "none";

/// The figures of an operation's requests, looked up once: by name and labels at every request would show.
pub(crate) struct Figures {
    method: &'static str,
    route: &'static str,
    took: Histogram,
    /// By status; there are few.
    answered: RwLock<Vec<(u16, Counter)>>,
}

impl Figures {
    pub(crate) fn of(operation: &Operation) -> Self {
        let (method, route) = (method_label(operation.method.as_str()), operation.path);
        let took = metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route);
        Self { method, route, took, answered: RwLock::default() }
    }

    fn note(&self, status: u16, took: Duration) {
        self.took.record(took.as_secs_f64());
        // Counters cannot be left half pushed by a panic.
        let known = self.answered.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = known.iter().find(|(of, _)| *of == status) {
            return counter.increment(1);
        }
        drop(known);
        let counter = counter(self.method, self.route.into(), status);
        counter.increment(1);
        self.answered.write().unwrap_or_else(PoisonError::into_inner).push((status, counter));
    }
}

fn counter(method: &'static str, route: Cow<'static, str>, status: u16) -> Counter {
    metrics::counter!("http_requests_total", "method" => method, "route" => route, "status" => status.to_string())
}

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
    let status = response.status().as_u16();
    let method = request.method().as_str();
    let matched = request.extensions().get::<Matched>().map(|matched| Arc::clone(&matched.0));
    let route = match &matched {
        Some(entry) => Cow::Borrowed(entry.operation.path),
        None => request.match_pattern().map_or(NO_PATH.into(), Cow::Owned),
    };
    match matched.filter(|entry| entry.operation.method == method) {
        Some(entry) => entry.figures.note(status, took),
        // HEAD, and whatever no operation was found for.
        None => {
            let known = method_label(method);
            counter(known, route.clone(), status).increment(1);
            metrics::histogram!("http_request_duration_seconds", "method" => known, "route" => route.clone())
                .record(took.as_secs_f64());
        }
    }
    let route: &str = &route;
    let code = refusal.map(|refusal| refusal.code);
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
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
