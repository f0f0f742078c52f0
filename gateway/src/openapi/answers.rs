//! The answers of an operation: its own, and the errors that follow from its classes.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::components::Components;
use super::parameters;
use crate::http::{PROBLEM_JSON, ProblemView};
use crate::operation::{Answer, Body, Content, ErrorDoc, Key, Operation, Rate, Shape, Who, error};

pub(crate) fn all(operation: &Operation, components: &mut Components) -> Map<String, Value> {
    let problem = components.answer(&Shape::of::<ProblemView>());
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    for answer in &operation.answers {
        responses.insert(answer.status.to_string(), success(operation, answer, components));
    }
    if reads_one(operation) {
        let tag =
            json!({ "ETag": { "description": "The tag that was named.", "schema": { "type": "string" } } });
        let known = json!({ "description": "What `If-None-Match` named is still so.", "headers": tag });
        responses.insert("304".to_owned(), known);
    }
    let mut errors: BTreeMap<u16, Vec<ErrorDoc>> = BTreeMap::new();
    for documented in operation.errors.iter().cloned().chain(implied(operation)) {
        let of_status = errors.entry(documented.status).or_default();
        if of_status.iter().all(|known| known.code != documented.code) {
            of_status.push(documented);
        }
    }
    for (status, documented) in errors {
        // What an operation answers by itself with an error's status, such as "not ready", stays.
        responses.entry(status.to_string()).or_insert_with(|| refusal(status, &documented, &problem));
    }
    responses.into_iter().collect()
}

fn success(operation: &Operation, answer: &Answer, components: &mut Components) -> Value {
    let mut response = json!({ "description": answer.description, "headers": headers(operation, answer) });
    let content = answer.content.as_ref().map(|content| match content {
        Content::Json { shape, example } => {
            json!({ "application/json": { "schema": components.answer(shape), "example": example } })
        }
        Content::Page { item, example } => {
            let schema = json!({
                "type": "object",
                "required": ["data", "nextCursor"],
                "properties": {
                    "data": { "type": "array", "maxItems": kernel::Limit::MAX, "items": components.answer(item) },
                    "nextCursor": { "type": ["string", "null"], "description": "Where the next page starts; null at the end." },
                },
            });
            json!({ "application/json": { "schema": schema, "example": { "data": [example], "nextCursor": null } } })
        }
        Content::Other { content_type } => json!({ *content_type: { "schema": { "type": "string" } } }),
    });
    if let (Value::Object(response), Some(content)) = (&mut response, content) {
        response.insert("content".to_owned(), content);
    }
    response
}

/// Whether an operation reads a single thing, which is not sent again to somebody who has it.
pub(super) fn reads_one(operation: &Operation) -> bool {
    operation.answers.iter().any(|answer| answer.status == 200 && is_tagged(operation, answer))
}

fn is_tagged(operation: &Operation, answer: &Answer) -> bool {
    operation.method == Method::GET
        && !operation.lists
        // How the server is just now is no thing that one could have already.
        && operation.tag != "operation"
        && matches!(answer.content, Some(Content::Json { .. }))
}

fn headers(operation: &Operation, answer: &Answer) -> Map<String, Value> {
    let mut headers = Map::new();
    let mut add = |name: &str, description: &str| {
        headers
            .insert(name.to_owned(), json!({ "description": description, "schema": { "type": "string" } }));
    };
    add("X-Request-Id", "Names this request in the logs; yours, when you sent one.");
    match answer.status {
        201 => add("Location", "The path of what was made."),
        303 => add("Location", "Where the browser goes on to."),
        _ => {}
    }
    if is_tagged(operation, answer) || (operation.if_match && answer.content.is_some()) {
        add("ETag", "The version of this answer, for `If-None-Match` and `If-Match`.");
    }
    if operation.key != Key::None {
        add("Idempotency-Replayed", "`true` when this was answered before, to the same key.");
    }
    if operation.rate != Rate::Unlimited {
        add("RateLimit-Policy", "The limit: its name, how many, in how many seconds.");
        add("RateLimit", "What is left of it, and the seconds until it is whole again.");
    }
    headers
}

/// One error answer, with an example for each of its codes.
fn refusal(status: u16, documented: &[ErrorDoc], problem: &Value) -> Value {
    let sentences: Vec<String> =
        documented.iter().map(|error| format!("- `{}`: {}", error.code, error.when)).collect();
    let examples: Map<String, Value> = documented
        .iter()
        .map(|error| (error.code.to_owned(), json!({ "summary": error.when, "value": example(error) })))
        .collect();
    let mut response = json!({
        "description": sentences.join("\n"),
        "content": { PROBLEM_JSON: { "schema": problem, "examples": examples } },
    });
    if let (Value::Object(response), 429 | 503) = (&mut response, status) {
        let header = json!({ "description": "Seconds to wait.", "schema": { "type": "integer" } });
        response.insert("headers".to_owned(), json!({ "Retry-After": header }));
    }
    response
}

fn example(documented: &ErrorDoc) -> Value {
    let status = StatusCode::from_u16(documented.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut example = json!({
        "type": "about:blank",
        "title": crate::http::problem::title(status),
        "status": documented.status,
        "code": documented.code,
        "detail": documented.when,
        "requestId": "0192f0c1-7a5e-7cc3-98c4-dc0c0c07398f",
    });
    if let Value::Object(example) = &mut example {
        if let Some((state, allowed)) = documented.state {
            example.insert("state".to_owned(), state.into());
            example.insert("allowedActions".to_owned(), json!(allowed));
        }
        if documented.code == "invalid_request" {
            let (pointer, code) = if documented.status == 400 {
                ("?colour", "unknown_parameter")
            } else {
                ("/colour", "unknown_field")
            };
            let fault = json!([{ "pointer": pointer, "code": code, "message": "is not a field here" }]);
            example.insert("errors".to_owned(), fault);
        }
    }
    example
}

/// The errors that follow from an operation's classes.
fn implied(operation: &Operation) -> Vec<ErrorDoc> {
    let mut errors = vec![
        error(400, "invalid_request", "A query parameter is unknown or malformed."),
        error(
            400,
            "repeated_header",
            "`Authorization`, `Content-Type` or `Idempotency-Key` stands there twice.",
        ),
        error(500, "internal", "Our own fault; it is logged under the request's id."),
        error(503, "unavailable", "Overloaded or stopping; try again shortly."),
    ];
    if operation.who.takes_session() {
        errors.extend(session_errors(operation.who));
    }
    if operation.who.role().is_some() {
        errors.push(error(403, "wrong_role", "The caller has another role than this is for."));
    }
    if operation.waits_for_second_factor() {
        let when = "The caller is an administrator and has to set up a second factor first.";
        errors.push(error(403, "second_factor_required", when));
    }
    errors.extend(missing_errors(operation));
    match &operation.body {
        Body::None => errors.push(error(400, "no_body_expected", "There was a body.")),
        Body::Json { .. } => errors.extend([
            error(400, "not_json", "The body is not JSON."),
            error(415, "not_json", "The body is of another type than `application/json`, or compressed."),
            error(422, "invalid_request", "The body has faults; all of them are named, each with its place."),
        ]),
        Body::Raw { .. } => {}
        Body::Stream { .. } => errors.extend([
            error(400, "body_broken", "The body broke off."),
            error(415, "unsupported_type", "By its first bytes the file is of no type that is taken."),
            error(422, "file_empty", "There was not one byte."),
            error(409, "file_gone", "What was received was swept up meanwhile; send it again."),
        ]),
    }
    if !matches!(operation.body, Body::None) {
        errors.push(error(413, "body_too_large", "The body is larger than is taken."));
        errors.push(error(408, "body_timeout", "The body did not arrive in time."));
    }
    if operation.rate != Rate::Unlimited {
        errors.push(error(429, "rate_limited", "Too often; wait as long as `Retry-After` says."));
    }
    if operation.if_match {
        errors.push(error(
            412,
            "stale_precondition",
            "`If-Match` named another version than the present one.",
        ));
    }
    if operation.key != Key::None {
        errors.extend(key_errors(operation.key));
    }
    if operation.who == Who::Operator {
        errors.retain(|error| error.status != 400 && error.status != 503);
    }
    errors
}

/// What is missing and what is another's cannot be told apart; a malformed id names nothing in particular.
fn missing_errors(operation: &Operation) -> Vec<ErrorDoc> {
    let Some(name) = operation.path_parameters().next() else { return Vec::new() };
    let named = match (operation.tag.as_str(), parameters::thing(operation, name).0) {
        ("marketplace" | "contracts", "job") => Some("job_not_found"),
        ("marketplace" | "contracts", "bid") => Some("bid_not_found"),
        ("contracts", "contract") => Some("contract_not_found"),
        _ => None,
    };
    let when = "There is no such thing, or it is not the caller's; also a malformed id.";
    let malformed = error(404, "not_found", if named.is_some() { "The id is malformed." } else { when });
    let named = named.map(|code| error(404, code, "There is no such thing, or it is not the caller's."));
    let milestone = operation
        .path_parameters()
        .any(|name| name == "milestoneId")
        .then(|| error(404, "milestone_not_found", "The contract has no such milestone."));
    named.into_iter().chain(milestone).chain([malformed]).collect()
}

/// Where anyone may call, a token that comes along must still be good.
fn session_errors(who: Who) -> [ErrorDoc; 4] {
    let unauthenticated = if who.needs_session() {
        "Nobody is signed in: there is no access token."
    } else {
        "There is an `Authorization` header without a bearer token."
    };
    [
        error(401, "unauthenticated", unauthenticated),
        error(401, "invalid_token", "The access token is not one of ours."),
        error(401, "token_expired", "The access token has expired: refresh it."),
        error(401, "signed_out", "The session has ended, or the account is suspended: sign in again."),
    ]
}

fn key_errors(key: Key) -> Vec<ErrorDoc> {
    let mut errors = vec![
        error(400, "idempotency_key_invalid", "The key is not 1 to 255 printable ASCII characters."),
        error(409, "idempotency_in_progress", "The first request with this key is still running."),
        error(422, "idempotency_key_reused", "The key was used with another body."),
    ];
    if key == Key::Required {
        errors.push(error(
            400,
            "idempotency_key_missing",
            "The header is missing, and this operation moves money.",
        ));
    }
    errors
}
