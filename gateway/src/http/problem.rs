//! Problems (RFC 9457): the one form that every error takes outside, and the one place where a kind of failure becomes a
//! status. Which failures there are does not belong here: each crate says that of its own errors.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use database::TransactionError;
use kernel::{Classify, ErrorKind, Fault};
use serde::Serialize;
use utoipa::ToSchema;

/// The content type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which trying again makes sense when something is overloaded.
const RETRY_AFTER_UNAVAILABLE: u32 = 2;
/// Seconds after which trying again makes sense when somebody else held a row.
const RETRY_AFTER_BUSY: u32 = 1;

/// An error on its way to the client. Boxed: results carry it everywhere, and it is the rarer half of them.
pub struct Problem(Box<Inner>);

struct Inner {
    status: StatusCode,
    code: &'static str,
    detail: String,
    state: Option<&'static str>,
    allowed: Option<Vec<&'static str>>,
    faults: Vec<Fault>,
    link_ticket: Option<String>,
    blockers: Vec<ProblemBlocker>,
    retry_after: Option<u32>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The whole story, for the log only.
    cause: Option<String>,
    /// What a transaction needs to know to try again.
    database: Option<database::Error>,
}

/// What a problem looks like outside.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemView {
    /// Always `about:blank`: the `code` says what happened.
    #[schema(example = "about:blank")]
    pub r#type: &'static str,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people; it may change.
    pub detail: String,
    /// Names this request in the logs.
    pub request_id: String,
    /// With `409`: the state that the thing is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state: Option<String>,
    /// With `409`: what the caller could do in that state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub allowed_actions: Option<Vec<String>>,
    /// With `link_requires_password`: what `POST /api/auth/oauth/link` takes after signing in. Keep it secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub link_ticket: Option<String>,
    /// With `erasure_blocked`: everything that has to end first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub blockers: Vec<ProblemBlocker>,
    /// Every fault that was found, with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<ProblemFault>,
}

/// One thing that has to end before an account can be erased.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProblemBlocker {
    /// A stable word for programs.
    #[schema(example = "money_held")]
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// The kind of thing that holds the person.
    #[schema(example = "contract")]
    pub kind: String,
    /// The thing.
    #[schema(example = "ctr_01h455vb4pex5vsknk084sn02q")]
    pub id: String,
}

/// One fault in a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemFault {
    /// A JSON Pointer into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl Problem {
    /// A problem of that status, code and sentence.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            detail: detail.into(),
            state: None,
            allowed: None,
            faults: Vec::new(),
            link_ticket: None,
            blockers: Vec::new(),
            retry_after: None,
            headers: Vec::new(),
            cause: None,
            database: None,
        }))
    }

    /// 400: the request cannot be read at all.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: nobody is signed in.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "sign in and send the access token")
            .with_header(actix_web::http::header::WWW_AUTHENTICATE, "Bearer")
    }

    /// 404: not there, or not the caller's.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing, or it is not yours")
    }

    /// 422, or another status for faults in something else than the body.
    #[must_use]
    pub fn invalid(status: StatusCode, faults: Vec<Fault>) -> Self {
        let count = faults.len();
        let detail = format!("{count} fault{} in the request", if count == 1 { "" } else { "s" });
        Self::new(status, "invalid_request", detail).but(|it| it.faults = faults)
    }

    /// The same where what is at fault stands in the query: 400 in place of 422.
    #[must_use]
    pub fn in_query(self) -> Self {
        self.but(|it| {
            if it.status == StatusCode::UNPROCESSABLE_ENTITY {
                it.status = StatusCode::BAD_REQUEST;
            }
        })
    }

    /// With a ticket that only its reader may know: no cache may keep it.
    #[must_use]
    pub fn with_link_ticket(self, ticket: &str) -> Self {
        self.but(|it| it.link_ticket = Some(ticket.to_owned())).with_header(CACHE_CONTROL, "no-store")
    }

    /// With everything that has to end first.
    #[must_use]
    pub fn with_blockers(self, blockers: Vec<ProblemBlocker>) -> Self {
        self.but(|it| it.blockers = blockers)
    }

    /// 412: `If-Match` named another version than the present one.
    #[must_use]
    pub fn stale_precondition() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "stale_precondition", "it has changed since you read it")
    }

    /// 500: our own fault; the cause is for the log.
    #[must_use]
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
            .but(|it| it.cause = Some(cause.into()))
    }

    /// 503: overloaded or stopping.
    #[must_use]
    pub fn unavailable(cause: impl Into<String>) -> Self {
        let detail = "overloaded or stopping; try again shortly";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .retry_after(RETRY_AFTER_UNAVAILABLE)
            .but(|it| it.cause = Some(cause.into()))
    }

    /// 409: somebody else holds it this moment.
    fn busy(cause: String) -> Self {
        let detail = "somebody else is changing it this moment; try again";
        Self::new(StatusCode::CONFLICT, "busy", detail).retry_after(RETRY_AFTER_BUSY).but(|it| {
            it.database = Some(database::Error::LockNotAvailable);
            it.cause = Some(cause);
        })
    }

    fn coded(self, code: &'static str) -> Self {
        self.but(|it| it.code = code)
    }

    fn but(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(&mut self.0);
        self
    }

    /// With a `Retry-After`.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.but(|it| it.retry_after = Some(seconds))
    }

    /// With a header more.
    #[must_use]
    pub fn with_header(self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).ok();
        self.but(|it| it.headers.extend(value.map(|value| (name, value))))
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Whether nobody knows what came of it: another system did not answer, or we failed half-way.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.0.status.is_server_error()
    }

    /// What only the log may know.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// What the client sees.
    #[must_use]
    pub fn view(&self, request_id: &str) -> ProblemView {
        ProblemView {
            r#type: "about:blank",
            title: title(self.0.status).to_owned(),
            status: self.0.status.as_u16(),
            code: self.0.code.to_owned(),
            detail: self.0.detail.clone(),
            request_id: request_id.to_owned(),
            state: self.0.state.map(str::to_owned),
            allowed_actions: self
                .0
                .allowed
                .as_ref()
                .map(|all| all.iter().map(|&one| one.to_owned()).collect()),
            link_ticket: self.0.link_ticket.clone(),
            blockers: self.0.blockers.clone(),
            errors: self.0.faults.iter().map(ProblemFault::from).collect(),
        }
    }

    /// The response to this request.
    #[must_use]
    pub fn respond(&self, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        response.insert_header((CONTENT_TYPE, PROBLEM_JSON));
        for header in &self.0.headers {
            response.append_header(header.clone());
        }
        if let Some(seconds) = self.0.retry_after {
            response.insert_header((RETRY_AFTER, seconds));
        }
        let body = serde_json::to_vec(&self.view(request_id)).unwrap_or_default();
        response.body(body)
    }
}

/// The reason phrase; HTTP's own name for 422 and 413 changed with RFC 9110.
pub(crate) fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content",
        StatusCode::PAYLOAD_TOO_LARGE => "Content Too Large",
        other => other.canonical_reason().unwrap_or("Error"),
    }
}

impl From<&Fault> for ProblemFault {
    fn from(fault: &Fault) -> Self {
        Self { pointer: fault.pointer.clone(), code: fault.code.to_owned(), message: fault.message.clone() }
    }
}

impl Problem {
    /// 400 for what is wrong with a query parameter, beyond what its schema says.
    pub(crate) fn query(faults: kernel::Faults, parameter: &str) -> Self {
        let faults =
            faults.into_vec().into_iter().map(|fault| Fault { pointer: parameter.to_owned(), ..fault });
        Self::invalid(StatusCode::BAD_REQUEST, faults.collect())
    }
}

/// The one table from kinds of failure to statuses.
impl<E: Classify> From<E> for Problem {
    fn from(error: E) -> Self {
        let (code, detail) = (error.code(), error.to_string());
        let plain = |status| Self::new(status, code, detail.clone());
        match error.kind() {
            ErrorKind::Invalid(faults) => Self::invalid(StatusCode::UNPROCESSABLE_ENTITY, faults).coded(code),
            ErrorKind::Unauthenticated => Self::unauthenticated().coded(code).but(|it| it.detail = detail),
            ErrorKind::Forbidden => plain(StatusCode::FORBIDDEN),
            ErrorKind::NotFound => Self::not_found().coded(code),
            ErrorKind::WrongState { state, allowed } => plain(StatusCode::CONFLICT).but(|it| {
                it.state = Some(state);
                it.allowed = Some(allowed);
            }),
            ErrorKind::Conflict => plain(StatusCode::CONFLICT),
            ErrorKind::StalePrecondition => plain(StatusCode::PRECONDITION_FAILED),
            ErrorKind::PreconditionRequired => plain(StatusCode::PRECONDITION_REQUIRED),
            ErrorKind::TooMany { retry_after } => {
                plain(StatusCode::TOO_MANY_REQUESTS).retry_after(retry_after)
            }
            ErrorKind::Busy => Self::busy(whole_story(&error)),
            ErrorKind::Unavailable => {
                let cause = whole_story(&error);
                // Makes the transaction give up its connection, which may be the broken thing.
                let database = database::Error::Unavailable(cause.clone());
                Self::unavailable(cause).coded(code).but(|it| it.database = Some(database))
            }
            ErrorKind::Internal => Self::internal(whole_story(&error)),
        }
    }
}

/// An error with all that lie under it.
fn whole_story(error: &dyn std::error::Error) -> String {
    let mut story = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !story.ends_with(&inner_text) {
            story.push_str(": ");
            story.push_str(&inner_text);
        }
        source = inner.source();
    }
    story
}

/// Lets a handler's unit of work end with a problem and still be tried again after a deadlock or a taken lock.
impl TransactionError for Problem {
    fn database(&self) -> Option<&database::Error> {
        self.0.database.as_ref()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.0.status.as_u16(), self.0.code, self.0.detail)
    }
}

impl std::fmt::Debug for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{self}{}{}",
            if self.0.cause.is_some() { " because " } else { "" },
            self.0.cause.as_deref().unwrap_or_default()
        )
    }
}

impl actix_web::ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    /// Without the request's id: the outermost middleware writes it again with one.
    fn error_response(&self) -> HttpResponse {
        self.respond("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Failure(ErrorKind, #[source] std::io::Error);

    impl Classify for Failure {
        fn kind(&self) -> ErrorKind {
            self.0.clone()
        }
        fn code(&self) -> &'static str {
            "some_code"
        }
    }

    fn problem(kind: ErrorKind) -> Problem {
        Failure(kind, std::io::Error::other("a secret path")).into()
    }

    #[test]
    fn each_kind_has_its_status() {
        for (kind, status) in [
            (ErrorKind::Invalid(vec![]), 422),
            (ErrorKind::Unauthenticated, 401),
            (ErrorKind::Forbidden, 403),
            (ErrorKind::NotFound, 404),
            (ErrorKind::WrongState { state: "OPEN", allowed: vec!["cancel"] }, 409),
            (ErrorKind::Conflict, 409),
            (ErrorKind::StalePrecondition, 412),
            (ErrorKind::PreconditionRequired, 428),
            (ErrorKind::TooMany { retry_after: 7 }, 429),
            (ErrorKind::Busy, 409),
            (ErrorKind::Unavailable, 503),
            (ErrorKind::Internal, 500),
        ] {
            assert_eq!(problem(kind.clone()).status().as_u16(), status, "{kind:?}");
        }
    }

    #[test]
    fn a_cause_is_for_the_log_only() {
        for kind in [ErrorKind::Internal, ErrorKind::Unavailable, ErrorKind::Busy] {
            let problem = problem(kind);
            assert_eq!(problem.cause(), Some("outer: a secret path"));
            assert!(!serde_json::to_string(&problem.view("r")).unwrap().contains("secret"));
        }
    }

    #[test]
    fn a_wrong_state_names_it_and_what_can_be_done() {
        let view = problem(ErrorKind::WrongState { state: "OPEN", allowed: vec!["cancel"] }).view("r-1");
        assert_eq!(view.state.as_deref(), Some("OPEN"));
        assert_eq!(view.allowed_actions, Some(vec!["cancel".to_owned()]));
        assert_eq!((view.code.as_str(), view.request_id.as_str()), ("some_code", "r-1"));
    }

    #[test]
    fn busy_is_tried_again_by_a_transaction() {
        assert!(matches!(problem(ErrorKind::Busy).database(), Some(database::Error::LockNotAvailable)));
        assert!(problem(ErrorKind::Conflict).database().is_none());
    }
}
