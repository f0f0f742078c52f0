//! That the document and what is served are the same, and that the document says what it should.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::operation::{Content, Shape};
use crate::request::checker::Checker;
use crate::routes;
use crate::table::Table;

/// The beginnings that names of schemas may have: the things of the domains. What is named otherwise could be anybody's.
const DOMAINS: [&str; 26] = [
    "Admin",
    "Attachment",
    "Audit",
    "Auth",
    "Bid",
    "Contract",
    "Escrow",
    "Geo",
    "Health",
    "Identity",
    "Inbox",
    "Job",
    "Ledger",
    "Market",
    "Milestone",
    "Money",
    "MyData",
    "Notification",
    "Party",
    "Payment",
    "Payout",
    "Person",
    "Problem",
    "Profile",
    "Review",
    "Verification",
];
/// Beside those: plain values that no domain owns.
const SHARED: [&str; 1] = ["Secret"];

fn each_operation() -> impl Iterator<Item = Operation> {
    routes::operations().into_iter()
}

#[test]
fn the_document_in_the_repository_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let present = document(&routes::operations());
    let mut text = serde_json::to_string_pretty(&sorted(&present)).unwrap();
    text.push('\n');
    let mut kept = std::fs::read_to_string(&path).unwrap_or_default();
    let bless = std::env::var("BLESS").ok();
    let lost = lost(&serde_json::from_str(&kept).unwrap_or_default(), &present);
    let additive = lost.is_empty() || bless.as_deref() == Some("breaking");
    assert!(additive, "clients rely on these; BLESS=breaking if nobody can yet: {lost:#?}");
    if bless.is_some() {
        std::fs::write(&path, &text).unwrap();
        kept.clone_from(&text);
    }
    assert!(kept == text, "docs/openapi.json is not current: BLESS=1 cargo test -p gateway openapi");
}

/// What stood in the document and no longer does: operations, their parameters and answers, the fields of things.
fn lost(kept: &Value, present: &Value) -> Vec<String> {
    let (kept, present) = (contents(kept), contents(present));
    kept.difference(&present).cloned().collect()
}

fn contents(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let name = format!("{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                found.insert(format!("{name}: {} {}", parameter["in"], parameter["name"]));
            }
            for status in operation["responses"].as_object().into_iter().flatten().map(|(status, _)| status) {
                found.insert(format!("{name}: {status}"));
            }
            found.insert(name);
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        fields(name, schema, &mut found);
    }
    found
}

fn fields(at: &str, schema: &Value, found: &mut BTreeSet<String>) {
    found.insert(at.to_owned());
    for word in schema["enum"].as_array().into_iter().flatten() {
        found.insert(format!("{at} = {word}"));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        fields(&format!("{at}.{name}"), field, found);
    }
    for several in ["allOf", "oneOf", "anyOf"] {
        schema[several].as_array().into_iter().flatten().for_each(|one| fields(at, one, found));
    }
}

#[test]
fn a_lost_operation_field_or_word_is_noticed() {
    let kept = serde_json::json!({
        "paths": { "/a": { "get": { "responses": { "200": {} }, "parameters": [{ "in": "query", "name": "q" }] } } },
        "components": { "schemas": { "Job": { "properties": { "title": {}, "state": { "enum": ["OPEN"] } } } } },
    });
    assert_eq!(lost(&kept, &kept), Vec::<String>::new());
    for (pointer, missing) in [
        ("/paths/~1a/get/responses", "get /a: 200"),
        ("/paths/~1a/get/parameters", "get /a: \"query\" \"q\""),
        ("/components/schemas/Job/properties/state/enum", "Job.state = \"OPEN\""),
    ] {
        let mut present = kept.clone();
        *present.pointer_mut(pointer).unwrap() = Value::Null;
        assert_eq!(lost(&kept, &present), [missing], "{pointer}");
        assert_eq!(lost(&present, &kept), Vec::<String>::new(), "what is new is welcome");
    }
}

/// What the OpenAPI Initiative publishes for documents of 3.1, without what their schemas say.
const META_SCHEMA: &str = include_str!("openapi-3.1.schema.json");

#[test]
fn the_document_is_openapi_3_1() {
    let meta_schema: Value = serde_json::from_str(META_SCHEMA).unwrap();
    let validator = jsonschema::draft202012::new(&meta_schema).unwrap();
    let document = document(&routes::operations());
    let faults: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name} is no schema");
    }
    assert!(
        !validator.is_valid(&serde_json::json!({ "openapi": "3.1.0", "paths": {} })),
        "it refuses nothing"
    );
}

#[test]
fn every_example_of_the_document_fits_the_schema_beside_it() {
    let document = document(&routes::operations());
    let mut contents = Vec::new();
    find_contents(&document["paths"], &mut contents);
    let mut validators: BTreeMap<String, jsonschema::Validator> = BTreeMap::new();
    let mut count = 0;
    for content in contents {
        let validator = validators.entry(content["schema"].to_string()).or_insert_with(|| {
            let mut schema = content["schema"].clone();
            schema["components"] = document["components"].clone();
            jsonschema::draft202012::new(&schema).unwrap()
        });
        let several =
            content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in several.chain(content.get("example")) {
            let faults: Vec<String> = validator.iter_errors(example).map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{example}: {faults:#?}");
            count += 1;
        }
    }
    assert!(count > 500, "there are only {count} examples");
}

/// Every JSON content of a request or an answer, each with an example.
fn find_contents<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            for (name, content) in object.get("content").and_then(Value::as_object).into_iter().flatten() {
                if name.ends_with("json") && content["schema"].get("type").is_none_or(|kind| kind != "string")
                {
                    found.push(content);
                }
            }
            object.values().for_each(|value| find_contents(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| find_contents(value, found)),
        _ => {}
    }
}

#[test]
fn no_name_is_used_by_two_schemas() {
    let mut components = Components::default();
    for operation in each_operation() {
        describe(&operation, &mut components);
    }
    assert!(components.clashes().is_empty(), "{:?}", components.clashes());
}

#[test]
fn names_of_schemas_carry_their_domain() {
    let document = document(&routes::operations());
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let strangers: Vec<_> = schemas
        .keys()
        .filter(|name| {
            // Ids are named as in Rust; two of one name have two prefixes, so that they would be seen to clash.
            !DOMAINS.iter().any(|domain| name.starts_with(domain))
                && !SHARED.contains(&name.as_str())
                && !name.ends_with("Id")
        })
        .collect();
    assert!(strangers.is_empty(), "begin these with their domain: {strangers:?}");
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document(&routes::operations());
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_has_a_name_a_summary_answers_and_errors() {
    let mut ids = BTreeSet::new();
    for operation in each_operation() {
        let name = operation.name();
        assert!(ids.insert(operation.id.clone()), "{name}: another operation is called {}", operation.id);
        assert!(!operation.summary.is_empty() && !operation.summary.ends_with('.'), "{name}: summary");
        let description = operation.description.unwrap_or_default();
        assert!(description.ends_with('.'), "{name}: say in a sentence or two what a client should know");
        assert!(!operation.answers.is_empty(), "{name}: answers");
        assert!(
            operation.answers.iter().all(|answer| !answer.description.is_empty()),
            "{name}: descriptions"
        );
        assert!(
            operation.errors.iter().all(|error| error.when.ends_with('.')),
            "{name}: errors are sentences"
        );
        assert!(
            operation.errors.iter().all(|error| (400..600).contains(&error.status)),
            "{name}: error statuses"
        );
    }
}

#[test]
fn every_path_is_served_once() {
    let mut seen = BTreeMap::new();
    for operation in each_operation() {
        let shape: Vec<&str> =
            operation.path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
        let other = seen.insert((operation.method.to_string(), shape.join("/")), operation.path);
        assert_eq!(other, None, "{}", operation.name());
        let same_shape: BTreeSet<_> =
            seen.iter().filter(|((_, known), _)| *known == shape.join("/")).map(|(_, path)| path).collect();
        assert_eq!(same_shape.len(), 1, "one path, one spelling of its parameters: {same_shape:?}");
    }
}

#[test]
fn every_example_fits_its_schema() {
    for operation in each_operation() {
        let name = operation.name();
        if let Body::Json { shape, example, .. } = &operation.body {
            let faults = Checker::of_request(shape).unwrap().faults(example);
            assert!(faults.is_empty(), "{name}: example of the body: {faults}");
        }
        for answer in &operation.answers {
            if let Some(Content::Json { shape, example } | Content::Page { item: shape, example }) =
                &answer.content
            {
                let faults = Checker::of_answer(shape).unwrap().faults(example);
                assert!(faults.is_empty(), "{name}: example of {}: {faults}", answer.status);
            }
        }
    }
}

#[test]
fn every_text_list_and_number_in_a_request_has_a_limit() {
    let mut unlimited = Vec::new();
    for operation in each_operation() {
        let bodies = match &operation.body {
            Body::Json { shape, .. } => Some(shape),
            Body::None | Body::Raw { .. } | Body::Stream { .. } => None,
        };
        for shape in bodies.into_iter().chain(&operation.query) {
            find_unlimited(shape, &mut unlimited);
        }
    }
    unlimited.sort();
    unlimited.dedup();
    assert!(unlimited.is_empty(), "give these a max_length, max_items, minimum and maximum: {unlimited:#?}");
}

fn find_unlimited(shape: &Shape, unlimited: &mut Vec<String>) {
    fn look(at: &str, schema: &Value, unlimited: &mut Vec<String>) {
        let is = |name: &str| match &schema["type"] {
            Value::String(one) => one == name,
            Value::Array(several) => several.iter().any(|one| one == name),
            _ => false,
        };
        let bounded = ["enum", "const", "maxLength", "pattern"].iter().any(|key| schema.get(key).is_some())
            || ["date", "date-time", "uuid"].iter().any(|format| schema["format"] == *format);
        let lacks = |keys: &[&str]| keys.iter().any(|key| schema.get(key).is_none());
        if (is("string") && !bounded)
            || (is("array") && lacks(&["maxItems"]))
            || ((is("integer") || is("number")) && lacks(&["minimum", "maximum"]))
        {
            unlimited.push(at.to_owned());
        }
        if let Some(properties) = schema["properties"].as_object() {
            for (name, property) in properties {
                look(&format!("{at}.{name}"), property, unlimited);
            }
        }
        for key in ["items", "additionalProperties"] {
            if schema[key].is_object() {
                look(&format!("{at}[]"), &schema[key], unlimited);
            }
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            for alternative in schema[key].as_array().into_iter().flatten() {
                look(at, alternative, unlimited);
            }
        }
    }
    for (name, schema) in &shape.components {
        look(name, schema, unlimited);
    }
}

#[test]
fn every_schema_compiles() {
    assert!(Table::new(routes::operations()).is_ok());
}

/// The same value with its names in order, whatever map serde_json was built with.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let names: BTreeMap<_, _> =
                object.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Value::Object(names.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
