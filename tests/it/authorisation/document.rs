//! The operations as the served document declares them.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use tests::{Answer, TestApp};

use super::cast::Things;

/// The role that an operation is declared for: its `x-who`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Anyone,
    /// Anyone, whatever token they send.
    Newcomer,
    SignedIn,
    Homeowner,
    Contractor,
    Admin,
    Operator,
    Signed,
}

/// The parameter that names what stands in the settings, and is nobody's: a provider of identities.
const OF_THE_SETTINGS: &str = "provider";

/// One operation of the document.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    /// Whether it tells of the server itself, and not of anything in it.
    pub(crate) is_of_the_server: bool,
    /// What its query may hold, each with its schema.
    pub(crate) filters: Vec<(String, Value)>,
    pub(crate) who: Who,
    path: String,
    /// The example of each parameter in the path, by the parameter's name.
    parameters: Vec<(String, String)>,
    needs_key: bool,
    body: Option<Value>,
    /// Every status with the codes of its problems; none for a success.
    answers: BTreeMap<u16, Vec<String>>,
}

/// A request that can be sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(super) method: Method,
    pub(crate) path: String,
    pub(super) needs_key: bool,
    pub(super) body: Option<Value>,
}

/// Every operation of the document.
pub(crate) async fn operations(app: &TestApp) -> Vec<Operation> {
    let document = app.anyone().get("/api-docs/openapi.json").await.expect(200);
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push(Operation::read(path, method, operation, &document));
        }
    }
    assert!(found.len() > 50, "the document has lost its operations");
    found
}

impl Operation {
    fn read(path: &str, method: &str, operation: &Value, document: &Value) -> Self {
        let parameters = operation["parameters"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let body = operation.pointer("/requestBody/content/application~1json/example");
        Self {
            id: text(&operation["operationId"]),
            method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
            is_of_the_server: operation["tags"] == serde_json::json!(["operation"]),
            filters: parameters
                .iter()
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| (text(&parameter["name"]), resolved(&parameter["schema"], document)))
                .collect(),
            who: Who::read(operation),
            path: path.replace(&format!("{{{OF_THE_SETTINGS}}}"), "google"),
            parameters: parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path" && parameter["name"] != OF_THE_SETTINGS)
                .map(|parameter| (text(&parameter["name"]), text(&parameter["example"])))
                .collect(),
            needs_key: operation["x-idempotency-key"] == "required",
            body: body.cloned(),
            answers: operation["responses"].as_object().unwrap().iter().map(answer).collect(),
        }
    }

    /// Whether the document describes this answer: its status and, of a problem, its code.
    pub(super) fn describes(&self, answer: &Answer) -> bool {
        let code = answer.json["code"].as_str().unwrap_or_default();
        self.answers
            .get(&answer.status)
            .is_some_and(|codes| answer.status < 400 || codes.iter().any(|known| known == code))
    }

    /// The kinds of things that a request names, in its path and its body: the prefixes of their ids.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut prefixes = Vec::new();
        for (_, example) in &self.parameters {
            prefixes.push(prefix_of(example).unwrap_or_else(|| panic!("{}: {example} is no id", self.id)));
        }
        if let Some(body) = &self.body {
            each_text(&mut body.clone(), &mut |text| prefixes.extend(prefix_of(text)));
        }
        prefixes.sort();
        prefixes.dedup();
        prefixes
    }

    /// The document's own example of a request, about these things.
    pub(crate) fn about(&self, things: &Things) -> Request {
        let named = |example: &str| {
            let prefix = prefix_of(example)?;
            things.get(&prefix).map(str::to_owned)
        };
        let mut path = self.path.clone();
        for (name, example) in &self.parameters {
            let id = named(example).unwrap_or_else(|| panic!("{}: no thing like {example}", self.id));
            path = path.replace(&format!("{{{name}}}"), &id);
        }
        let mut body = self.body.clone();
        if let Some(body) = &mut body {
            each_text(body, &mut |text| {
                if let Some(id) = named(text) {
                    *text = id;
                }
            });
        }
        Request { method: self.method.clone(), path, needs_key: self.needs_key, body }
    }
}

impl Who {
    /// What is declared for people and what for programs must agree.
    fn read(operation: &Value) -> Self {
        let name = operation["operationId"].as_str().unwrap();
        let (who, security) = match operation["x-who"].as_str().unwrap_or_default() {
            "anyone" => (Self::Anyone, r#"[{},{"session":[]}]"#),
            "newcomer" => (Self::Newcomer, "[]"),
            "signedIn" => (Self::SignedIn, r#"[{"session":[]}]"#),
            "homeowner" => (Self::Homeowner, r#"[{"session":[]}]"#),
            "contractor" => (Self::Contractor, r#"[{"session":[]}]"#),
            "admin" => (Self::Admin, r#"[{"session":[]}]"#),
            "operator" => (Self::Operator, r#"[{"operator":[]}]"#),
            "signed" => (Self::Signed, "[]"),
            other => panic!("{name} is for nobody that is known: {other:?}"),
        };
        assert_eq!(operation["security"].to_string(), security, "{name}");
        who
    }
}

fn answer((status, answer): (&String, &Value)) -> (u16, Vec<String>) {
    let examples = answer.pointer("/content/application~1problem+json/examples").and_then(Value::as_object);
    (status.parse().unwrap(), examples.into_iter().flat_map(|examples| examples.keys().cloned()).collect())
}

/// `job` of `job_01h455vb4pex5vsknk084sn02q`; none of what is no id.
fn prefix_of(text: &str) -> Option<String> {
    let (prefix, suffix) = text.split_once('_')?;
    kernel::id::decode_suffix(suffix).ok().map(|_| prefix.to_owned())
}

/// The schema that a reference stands for.
fn resolved(schema: &Value, document: &Value) -> Value {
    let pointer = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
    pointer.and_then(|to| document.pointer(to)).unwrap_or(schema).clone()
}

fn each_text(value: &mut Value, see: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(list) => list.iter_mut().for_each(|value| each_text(value, see)),
        Value::Object(object) => object.values_mut().for_each(|value| each_text(value, see)),
        _ => {}
    }
}
