//! The OpenAPI 3.1 document, made from the operations and nothing else.

mod answers;
mod components;
mod parameters;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::operation::{Body, Key, Operation, Who};
use components::Components;

/// The document of these operations.
#[must_use]
pub fn document(operations: &[Operation]) -> Value {
    let mut components = Components::default();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        let described = describe(operation, &mut components);
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(operation.method.as_str().to_lowercase(), described);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "FairTradeWorker",
            "description": INTRODUCTION,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The server that this document came from." }],
        "tags": tags(operations),
        "paths": paths,
        "components": {
            "schemas": components.into_schemas(),
            "securitySchemes": {
                "session": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The `accessToken` of register, login or refresh." },
                "operator": { "type": "http", "scheme": "bearer", "description": "The operator's token, `metrics.token`." },
            },
        },
    })
}

const INTRODUCTION: &str = "A marketplace for work on houses: a homeowner posts a job, contractors bid blind, one bid becomes a contract, the money is held and paid out \
milestone by milestone.\n\nMoney is an integer of minor units. Ids carry a prefix (`job_…`). Every error is a problem (RFC 9457) with a stable `code`, and all faults of a request come at once. \
Lists are paged with `limit` and `cursor`.";

fn tags(operations: &[Operation]) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for operation in operations {
        if !names.contains(&operation.tag.as_str()) {
            names.push(&operation.tag);
        }
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

fn describe(operation: &Operation, components: &mut Components) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameters::all(operation, components),
        "responses": answers::all(operation, components),
        "security": security(operation.who),
        "x-who": operation.who,
        "x-idempotency-key": operation.key,
        "x-rate-limit": operation.rate,
    });
    if let Value::Object(described) = &mut described {
        if let Some(text) = description(operation) {
            described.insert("description".to_owned(), text.into());
        }
        if let Some(body) = request_body(operation, components) {
            described.insert("requestBody".to_owned(), body);
        }
    }
    described
}

fn description(operation: &Operation) -> Option<String> {
    let key = match operation.key {
        Key::Required => Some("Moves money: an `Idempotency-Key` is required, and kept for ever."),
        Key::None | Key::Optional => None,
    };
    let parts: Vec<&str> = operation.description.into_iter().chain(key).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

fn security(who: Who) -> Value {
    match who {
        Who::Anyone => json!([{}, { "session": [] }]),
        Who::SignedIn | Who::Homeowner | Who::Contractor | Who::Admin => json!([{ "session": [] }]),
        Who::Operator => json!([{ "operator": [] }]),
        Who::Newcomer | Who::Signed => json!([]),
    }
}

fn request_body(operation: &Operation, components: &mut Components) -> Option<Value> {
    match &operation.body {
        Body::None => None,
        Body::Json { shape, example, required } => Some(json!({
            "required": required,
            "content": { "application/json": { "schema": components.request(shape), "example": example } },
        })),
        Body::Raw { description } => Some(json!({
            "required": true,
            "description": description,
            "content": { "application/json": { "schema": { "type": "object" } } },
        })),
        Body::Stream { description, content_types } => {
            let content: Map<String, Value> = content_types
                .iter()
                .map(|name| {
                    ((*name).to_owned(), json!({ "schema": { "type": "string", "format": "binary" } }))
                })
                .collect();
            Some(json!({ "required": true, "description": description, "content": content }))
        }
    }
}
