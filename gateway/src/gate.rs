//! The gate before every handler: counts, authenticates, admits, reads and checks the request by what its [`Operation`](crate::Operation)
//! says, and catches a panic behind it. What the request means belongs to the handler.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH, IF_RANGE, RANGE,
    TRANSFER_ENCODING, USER_AGENT,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::{FutureExt, StreamExt};
use kernel::{Actor, WrongRole};

use crate::app::App;
use crate::http::{Problem, etag};
use crate::middleware::request_id;
use crate::operation::{self, Key, Rate};
use crate::rates::Left;
use crate::refusals;
use crate::request::call::Call;
use crate::request::key::IdempotencyKey;
use crate::request::{address, trail};
use crate::sessions::Known;
use crate::table::Entry;

/// The longest `User-Agent` that is kept.
const USER_AGENT_CHARACTERS_MAX: usize = 256;

/// Headers of which a request has one at most.
const SINGLE_HEADERS: [&str; 3] = ["authorization", "content-type", "idempotency-key"];

/// The operation that a request is for.
pub(crate) struct Matched(pub(crate) Arc<Entry>);

/// Lets a request through to its handler, or answers in its stead.
pub(crate) async fn pass(
    app: App,
    entry: Arc<Entry>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    request.extensions_mut().insert(Matched(Arc::clone(&entry)));
    let (path, mut left, mut caller) = (request.path().to_owned(), None, None);
    let admitted = admit(&app, &entry, &mut request, &mut left, &mut caller).await;
    let mut response = match admitted {
        Ok(()) => {
            let bare = request.request().clone();
            // A panic is our own fault and one request's alone: it becomes a 500, the server goes on.
            match AssertUnwindSafe(async move { next.call(request).await }).catch_unwind().await {
                Ok(response) => response?,
                Err(panic) => {
                    let cause = format!("panic in {}: {}", entry.operation.name(), panic_message(&*panic));
                    ServiceResponse::from_err(Problem::internal(cause), bare)
                }
            }
        }
        Err(problem) => request.error_response(problem),
    };
    let counted_inside = || Call::of(response.request()).ok().and_then(|call| call.left.get().cloned());
    if let Some(left) = left.or_else(counted_inside) {
        left.write(response.headers_mut());
    }
    if refusals::is_noted(&entry.operation, response.status()) {
        let address = address::client(response.request(), &app.config().http.trusted_proxies);
        let id = request_id::of(response.request());
        let context = trail::context(&app, &entry.operation, caller.as_ref(), address, &path, &id);
        let problem = response.response().error().and_then(|error| error.as_error::<Problem>());
        app.refusals().note(context, problem.map_or("refused", Problem::code));
    }
    Ok(response)
}

async fn admit(
    app: &App,
    entry: &Arc<Entry>,
    request: &mut ServiceRequest,
    left: &mut Option<Left>,
    caller: &mut Option<Actor>,
) -> Result<(), Problem> {
    let operation = &entry.operation;
    require_single_headers(request)?;
    let address = address::client(request.request(), &app.config().http.trusted_proxies);
    let request_id = request_id::of(request.request());
    let known = authenticate(app, entry, request.request(), &request_id).await;
    if matches!(operation.rate, Rate::Standard | Rate::Register) {
        *left = match &known {
            Ok(Some(known)) => app.rates().signed_in(known.actor.party, address).await?,
            Ok(None) | Err(_) => app.rates().anonymous(address).await?,
        };
    }
    if operation.rate == Rate::Register {
        *left = app.rates().register(address).await?;
    }
    let known = known?;
    *caller = known.as_ref().map(|known| known.actor.clone());
    admit_known(entry, known.as_ref())?;
    let key = match operation.key {
        Key::None => None,
        Key::Optional | Key::Required => IdempotencyKey::of(request.headers())?,
    };
    if operation.key == Key::Required && key.is_none() {
        let detail =
            "this operation moves money: send an Idempotency-Key, and the same one when you try again";
        return Err(Problem::bad_request("idempotency_key_missing", detail));
    }
    let call = Call {
        query: entry.query.read(request.query_string())?,
        if_match: header(request, IF_MATCH).filter(|_| operation.if_match).map(etag::if_match),
        range: header(request, RANGE).filter(|_| request.method() == Method::GET).map(str::to_owned),
        if_range: header(request, IF_RANGE).map(str::to_owned),
        user_agent: header(request, USER_AGENT)
            .map(|text| text.chars().take(USER_AGENT_CHARACTERS_MAX).collect()),
        path: request.path().to_owned(),
        body: read_body(app, entry, request).await?,
        app: app.clone(),
        entry: Arc::clone(entry),
        request_id,
        address,
        actor: known.map(|known| known.actor),
        key,
        left: OnceLock::new(),
        streamed: OnceLock::new(),
    };
    request.extensions_mut().insert(Arc::new(call));
    Ok(())
}

/// Who the access token belongs to; none when there is none, or when this operation does not ask.
async fn authenticate(
    app: &App,
    entry: &Entry,
    request: &HttpRequest,
    request_id: &str,
) -> Result<Option<Known>, Problem> {
    if !entry.operation.who.takes_session() {
        return Ok(None);
    }
    let Some(value) = request.headers().get(AUTHORIZATION) else { return Ok(None) };
    let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
    match bearer {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            app.sessions().authenticate(app, token.trim(), request_id).await.map(Some)
        }
        _ => Err(Problem::unauthenticated()),
    }
}

fn admit_known(entry: &Entry, known: Option<&Known>) -> Result<(), Problem> {
    let who = entry.operation.who;
    match (known, who.role()) {
        (None, _) if who.needs_session() => Err(Problem::unauthenticated()),
        (Some(known), Some(needed)) if !who.admits(&known.actor) => Err(WrongRole { needed }.into()),
        (Some(known), _) if known.owes_second_factor && entry.operation.waits_for_second_factor() => {
            Err(identity::Error::SecondFactorRequired.into())
        }
        _ => Ok(()),
    }
}

/// The body, within the limits of size and time; checked for its type when there is one.
async fn read_body(app: &App, entry: &Entry, request: &mut ServiceRequest) -> Result<Bytes, Problem> {
    if matches!(entry.operation.body, operation::Body::Stream { .. }) {
        // Its handler passes it on as it comes.
        return Ok(Bytes::new());
    }
    let limits = &app.config().http;
    let time = Duration::from_secs(limits.body_timeout_seconds);
    let body = tokio::time::timeout(time, collect(request, limits.body_bytes)).await.map_err(|_| {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body did not arrive in time")
    })??;
    match &entry.operation.body {
        operation::Body::Raw { .. } | operation::Body::Stream { .. } => {}
        operation::Body::None if body.is_empty() || body.trim_ascii() == b"{}" => {}
        operation::Body::None => {
            return Err(Problem::bad_request("no_body_expected", "this operation takes no body"));
        }
        operation::Body::Json { required, .. } => {
            if !body.is_empty() {
                require_json(request)?;
            } else if *required {
                return Err(Problem::bad_request("not_json", "the body is missing; send JSON"));
            }
        }
    }
    Ok(body)
}

async fn collect(request: &mut ServiceRequest, most: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("a body has at most {most} bytes"),
        )
    };
    let stated = header(request, CONTENT_LENGTH).and_then(|text| text.parse::<usize>().ok());
    if stated.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let has_body =
        [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| request.headers().contains_key(name));
    if !has_body {
        // What follows the head of an `Upgrade` is no body, and would be waited for until the time is over.
        return Ok(Bytes::new());
    }
    let mut payload = request.take_payload();
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::bad_request("body_broken", format!("the body cannot be read: {error}"))
        })?;
        if body.len() + chunk.len() > most {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Whoever reads the first of two and whoever reads the last would see two different requests.
fn require_single_headers(request: &ServiceRequest) -> Result<(), Problem> {
    let repeated = |name: &&&str| request.headers().get_all(**name).nth(1).is_some();
    match SINGLE_HEADERS.iter().find(repeated) {
        None => Ok(()),
        Some(name) => Err(Problem::bad_request(
            "repeated_header",
            format!("the header {name} stands there more than once"),
        )),
    }
}

fn require_json(request: &ServiceRequest) -> Result<(), Problem> {
    let unsupported = |detail| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
    if request.headers().contains_key(CONTENT_ENCODING) {
        return unsupported("bodies are taken uncompressed");
    }
    let media_type =
        header(request, CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        unsupported("send the body as application/json")
    }
}

fn header(request: &ServiceRequest, name: actix_web::http::header::HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
