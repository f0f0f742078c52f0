//! Query parameters: only those that the document shows, each of its type, every fault at once.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use kernel::{Fault, Limit};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::bounded::FAULTS_MAX;
use super::call::Call;
use super::checker::{BadSchema, Checker};
use crate::http::Problem;
use crate::operation::Operation;

/// The longest value of a query parameter, in characters.
const VALUE_CHARACTERS_MAX: usize = 1024;
/// The same where another system writes the query: codes of some providers are long.
const FOREIGN_VALUE_CHARACTERS_MAX: usize = 8000;

/// The query parameters of an operation that was declared with `.query::<T>()`.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T> Deref for Query<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Call::of(request).and_then(|call| {
            let read = serde_json::from_value(call.query.clone());
            read.map(Self).map_err(|error| refused(vec![Fault::new("?", "invalid", error.to_string())]))
        }))
    }
}

/// Which query parameters an operation takes.
pub(crate) struct QueryRules {
    properties: Map<String, Value>,
    checker: Option<Checker>,
    lists: bool,
    is_open: bool,
}

/// The parameters that every list takes.
pub(crate) fn paging_parameters() -> Map<String, Value> {
    let paging = json!({
        "limit": { "type": "integer", "minimum": 1, "maximum": Limit::MAX, "default": Limit::default().get(), "description": "How many things the page holds." },
        "cursor": { "type": "string", "maxLength": 1024, "description": "The `nextCursor` of the page before, with the same other parameters." },
    });
    match paging {
        Value::Object(paging) => paging,
        _ => Map::new(),
    }
}

/// The parameters of an operation, by name.
pub(crate) fn parameters(operation: &Operation) -> Map<String, Value> {
    let own = operation
        .query
        .as_ref()
        .and_then(|shape| shape.schema().get("properties"))
        .and_then(Value::as_object);
    let mut all = own.cloned().unwrap_or_default();
    if operation.lists {
        all.extend(paging_parameters());
    }
    all
}

impl QueryRules {
    pub(crate) fn of(operation: &Operation) -> Result<Self, BadSchema> {
        let checker = operation.query.as_ref().map(Checker::of_request).transpose()?;
        Ok(Self {
            properties: parameters(operation),
            checker,
            lists: operation.lists,
            is_open: operation.open_query,
        })
    }

    /// Reads the query of a request.
    pub(crate) fn read(&self, query: &str) -> Result<Value, Problem> {
        let mut faults = Vec::new();
        let mut given = Map::new();
        let most = if self.is_open { FOREIGN_VALUE_CHARACTERS_MAX } else { VALUE_CHARACTERS_MAX };
        for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
            if faults.len() >= FAULTS_MAX {
                break;
            }
            let pointer = format!("?{}", name.chars().take(VALUE_CHARACTERS_MAX).collect::<String>());
            let Some(schema) = self.properties.get(name.as_ref()) else {
                if self.is_open {
                    continue;
                }
                faults.push(Fault::new(pointer, "unknown_parameter", "is not a parameter here"));
                continue;
            };
            if text.contains(['\0', '\u{fffd}']) || text.chars().count() > most {
                faults.push(Fault::new(pointer, "invalid", "is too long, or holds what is no text"));
            } else if !insert(&mut given, &name, &text, schema) {
                faults.push(Fault::new(pointer, "repeated", "stands there more than once"));
            }
        }
        faults.extend(self.check_paging(&given));
        if let Some(checker) = &self.checker {
            let own: Map<String, Value> = given
                .iter()
                .filter(|(name, _)| !self.is_paging(name))
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect();
            let found = checker.faults(&Value::Object(own)).into_vec();
            // The document's pointers start with the slash of a body's field.
            faults.extend(
                found
                    .into_iter()
                    .map(|fault| Fault { pointer: fault.pointer.replacen('/', "?", 1), ..fault }),
            );
        }
        if faults.is_empty() { Ok(Value::Object(given)) } else { Err(refused(faults)) }
    }

    fn is_paging(&self, name: &str) -> bool {
        self.lists && matches!(name, "limit" | "cursor")
    }

    fn check_paging(&self, given: &Map<String, Value>) -> Option<Fault> {
        let limit = given.get("limit").filter(|_| self.lists)?;
        let fits = limit.as_i64().is_some_and(|limit| Limit::new(limit).is_ok());
        (!fits).then(|| Fault::new("?limit", "maximum", format!("must be a number from 1 to {}", Limit::MAX)))
    }
}

/// A parameter's value by its schema: lists may be repeated or separated by commas.
fn insert(given: &mut Map<String, Value>, name: &str, text: &str, schema: &Value) -> bool {
    if has_type(schema, "array") {
        let items = schema.get("items").unwrap_or(&Value::Null);
        let list = text.split(',').filter(|part| !part.is_empty()).map(|part| typed(part, items));
        if let Value::Array(known) = given.entry(name).or_insert_with(|| json!([])) {
            known.extend(list);
        }
        return true;
    }
    given.insert(name.to_owned(), typed(text, schema)).is_none()
}

fn typed(text: &str, schema: &Value) -> Value {
    let number = has_type(schema, "integer") || has_type(schema, "number");
    let parsed = match text {
        "true" | "false" if has_type(schema, "boolean") => serde_json::from_str(text).ok(),
        _ if number => serde_json::from_str(text).ok().filter(Value::is_number),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

fn has_type(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}

fn refused(faults: Vec<Fault>) -> Problem {
    Problem::invalid(StatusCode::BAD_REQUEST, faults)
}
