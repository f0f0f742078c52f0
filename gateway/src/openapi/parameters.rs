//! The parameters of an operation: in its path, its query, its headers.

use serde_json::{Map, Value, json};

use super::components::Components;
use crate::operation::{Key, Operation};
use crate::request::id::EXAMPLE_SUFFIX;
use crate::request::query;

pub(crate) fn all(operation: &Operation, components: &mut Components) -> Vec<Value> {
    let mut all: Vec<Value> = operation.path_parameters().map(|name| in_path(operation, name)).collect();
    if let Some(shape) = &operation.query {
        // The parameters refer to what lies under the shape; the shape itself is no thing of the document.
        let below: Vec<_> =
            shape.components.iter().filter(|(name, _)| *name != shape.name).cloned().collect();
        let below = crate::operation::Shape { name: shape.name.clone(), components: below };
        components.request(&below);
    }
    let required =
        operation.query.as_ref().and_then(|shape| shape.schema().get("required")).and_then(Value::as_array);
    for (name, schema) in query::parameters(operation) {
        let is_required = required.is_some_and(|names| names.iter().any(|known| *known == name));
        all.push(in_query(&name, schema, is_required));
    }
    all.extend(headers(operation));
    all
}

fn in_path(operation: &Operation, name: &str) -> Value {
    if name == "provider" {
        return json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": "The provider's name in the settings of this server.",
            "schema": { "type": "string" },
            "example": "google",
        });
    }
    let (thing, prefix) = thing(operation, name);
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": format!("The {thing}'s id, or its bare UUID. What is malformed names nothing: 404."),
        "schema": { "type": "string" },
        "example": format!("{prefix}_{EXAMPLE_SUFFIX}"),
    })
}

/// What a parameter names, and the prefix of its ids.
pub(crate) fn thing(operation: &Operation, name: &str) -> (&'static str, &'static str) {
    match name {
        "jobId" => ("job", "job"),
        // One path item for two things: a job's bids are read, a bid is revised.
        "id" if operation.path == "/api/bids/{id}" && operation.method == "GET" => ("job", "job"),
        "bidId" => ("bid", "bid"),
        "attachmentId" => ("attachment", "att"),
        "contractId" => ("contract", "ctr"),
        "milestoneId" => ("milestone", "mst"),
        "escrowId" => ("escrow account", "esc"),
        "accountId" => ("ledger account", "acc"),
        "contractorId" => ("contractor", "pty"),
        "userId" => ("person", "usr"),
        "documentId" => ("document", "fil"),
        "verificationId" => ("verification", "ver"),
        "notificationId" => ("notification", "ntf"),
        "sessionId" => ("session", "ses"),
        "reviewId" => ("review", "rev"),
        _ if operation.path.contains("/milestones/") => ("milestone", "mst"),
        _ if operation.path.contains("/bids/") => ("bid", "bid"),
        _ if operation.path.contains("/accounts/") => ("ledger account", "acc"),
        _ if operation.path.contains("/verifications/") => ("verification", "ver"),
        _ if operation.path.contains("/notifications/") => ("notification", "ntf"),
        "exportId" => ("export", "exp"),
        _ => ("thing", "id"),
    }
}

fn in_query(name: &str, mut schema: Value, required: bool) -> Value {
    let description = match &mut schema {
        Value::Object(schema) => {
            drop_null(schema);
            schema.remove("description")
        }
        _ => None,
    };
    let mut parameter = json!({ "name": name, "in": "query", "required": required, "schema": schema });
    if let (Value::Object(parameter), Some(description)) = (&mut parameter, description) {
        parameter.insert("description".to_owned(), description);
    }
    parameter
}

/// A parameter that is left out is not null: the alternative goes.
fn drop_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(alternatives)) = schema.get_mut("oneOf") {
        alternatives.retain(|one| one.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            schema.remove("oneOf");
            schema.extend(only);
        }
    }
}

fn headers(operation: &Operation) -> Vec<Value> {
    let mut headers = Vec::new();
    let mut add = |name: &str, required: bool, max_length: u32, example: &str, description: &str| {
        headers.push(json!({
            "name": name, "in": "header", "required": required, "description": description, "example": example,
            "schema": { "type": "string", "minLength": 1, "maxLength": max_length },
        }));
    };
    match operation.key {
        Key::None => {}
        Key::Optional => add(
            "Idempotency-Key",
            false,
            255,
            "9b2f",
            "Makes trying again safe: the same key gets the same answer, for 7 days.",
        ),
        Key::Required => add(
            "Idempotency-Key",
            true,
            255,
            "9b2f",
            "Makes trying again safe: the same key gets the same answer, for ever.",
        ),
    }
    if super::answers::reads_one(operation) {
        add(
            "If-None-Match",
            false,
            1024,
            "\"7.9f86d081884c7d65\"",
            "The `ETag` that was read: answers 304 without a body when the thing is still so.",
        );
    }
    if operation.if_match {
        add(
            "If-Match",
            false,
            1024,
            "\"7.9f86d081884c7d65\"",
            "The `ETag` that was read: refuses with 412 when the thing has changed since.",
        );
    }
    headers
}
