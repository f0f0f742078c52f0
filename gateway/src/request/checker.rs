//! Checks a value against the JSON Schema that the document publishes, and says of each fault where and what.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Keyword, ValidationError, Validator};
use kernel::{Fault, Faults};
use serde_json::{Map, Value, json};

use super::bounded::{FAULTS_MAX, escape};
use crate::operation::Shape;

/// Marks integers in the compiled schema. JSON Schema takes `5.0` and `5e0` for integers; this API does not.
const PLAIN_INTEGER: &str = "x-plain-integer";
/// The longest message that may repeat the value.
const MESSAGE_CHARACTERS_MAX: usize = 128;

/// A compiled schema.
pub(crate) struct Checker(Validator);

/// The schema of an operation cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("the schema `{name}` does not compile: {message}")]
pub(crate) struct BadSchema {
    name: String,
    message: String,
}

impl Checker {
    /// Compiles the schema of a request: unknown fields are refused everywhere in it.
    pub(crate) fn of_request(shape: &Shape) -> Result<Self, BadSchema> {
        Self::compile(shape, close)
    }

    /// Compiles the schema of an answer, to prove examples.
    #[cfg(test)]
    pub(crate) fn of_answer(shape: &Shape) -> Result<Self, BadSchema> {
        Self::compile(shape, |_| ())
    }

    fn compile(shape: &Shape, prepare: fn(&mut Value)) -> Result<Self, BadSchema> {
        let mut components = Map::new();
        for (name, schema) in &shape.components {
            let mut schema = schema.clone();
            prepare(&mut schema);
            mark_integers(&mut schema);
            components.insert(name.clone(), schema);
        }
        let mut root = shape.reference();
        if let Value::Object(root) = &mut root {
            root.insert("components".to_owned(), json!({ "schemas": components }));
        }
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .with_keyword(PLAIN_INTEGER, |_, _, _| Ok(Box::new(PlainInteger)))
            .build(&root)
            .map(Self)
            .map_err(|error| BadSchema { name: shape.name.clone(), message: error.to_string() })
    }

    /// Every fault of a value, up to a limit.
    pub(crate) fn faults(&self, value: &Value) -> Faults {
        let mut faults = Faults::none();
        for fault in self.0.iter_errors(value).flat_map(|error| explain(&error)).take(FAULTS_MAX) {
            faults.push(fault.pointer, fault.code, fault.message);
        }
        faults
    }
}

/// Refuses unknown fields in every object of a schema that says which fields there are.
pub(crate) fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

fn mark_integers(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let integer = match object.get("type") {
                Some(Value::String(name)) => name == "integer",
                Some(Value::Array(names)) => names.iter().any(|name| name == "integer"),
                _ => false,
            };
            if integer {
                object.insert(PLAIN_INTEGER.to_owned(), Value::Bool(true));
            }
            object.values_mut().for_each(mark_integers);
        }
        Value::Array(list) => list.iter_mut().for_each(mark_integers),
        _ => {}
    }
}

struct PlainInteger;

impl Keyword<'_> for PlainInteger {
    fn validate<'i>(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if <Self as Keyword<'_>>::is_valid(self, instance) {
            Ok(())
        } else {
            Err(ValidationError::custom("must be a whole number, written without fraction or exponent"))
        }
    }

    fn is_valid(&self, instance: &Value) -> bool {
        // A fraction that is no integer at all is the fault of `type`; one report is enough.
        instance.as_f64().is_none_or(|number| instance.is_i64() || number.fract() != 0.0)
    }
}

fn explain(error: &ValidationError<'_>) -> Vec<Fault> {
    let at = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![Fault::new(format!("{at}/{}", escape(name)), "required", "is missing")]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let unknown = |name: &String| {
                Fault::new(format!("{at}/{}", escape(name)), "unknown_field", "is not a field here")
            };
            unexpected.iter().map(unknown).collect()
        }
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            explain_choice(at, context)
        }
        kind => vec![Fault::new(at, code(kind), message(error))],
    }
}

/// Of alternatives, the one that was meant: an optional value is `null` or a schema, and what is wrong lies in the schema.
fn explain_choice(at: &str, context: &[Vec<ValidationError<'static>>]) -> Vec<Fault> {
    let is_null = |branch: &&Vec<ValidationError<'static>>| {
        let message = branch.first().map(ToString::to_string).unwrap_or_default();
        branch.len() == 1 && message.ends_with("is not of type \"null\"")
    };
    let mut meant = context.iter().filter(|branch| !is_null(branch));
    match (meant.next(), meant.next()) {
        (Some(only), None) => only.iter().flat_map(explain).collect(),
        _ => vec![Fault::new(at, "no_alternative", "is none of the alternatives that the document shows")],
    }
}

fn message(error: &ValidationError<'_>) -> String {
    if let ValidationErrorKind::Pattern { .. } = error.kind() {
        return "is not written as it should be; the document shows how".to_owned();
    }
    // Numbers and short words help; anything longer, and whatever may be a secret, is not repeated.
    let secret = error.instance_path().as_str().to_lowercase();
    let secret = secret.contains("password") || secret.contains("token");
    let text = error.to_string();
    if secret || text.chars().count() > MESSAGE_CHARACTERS_MAX { error.masked().to_string() } else { text }
}

/// The keyword that refused, in `snake_case`.
fn code(kind: &ValidationErrorKind) -> &'static str {
    match kind.keyword() {
        "type" => "type",
        "enum" | "const" => "enum",
        "format" => "format",
        "pattern" => "pattern",
        "minimum" | "exclusiveMinimum" => "minimum",
        "maximum" | "exclusiveMaximum" => "maximum",
        "multipleOf" => "multiple_of",
        "minLength" => "min_length",
        "maxLength" => "max_length",
        "minItems" => "min_items",
        "maxItems" => "max_items",
        "uniqueItems" => "unique_items",
        "minProperties" => "min_properties",
        "maxProperties" => "max_properties",
        PLAIN_INTEGER => "type",
        _ => "invalid",
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use utoipa::ToSchema;

    use super::*;

    #[derive(Deserialize, ToSchema)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Order {
        #[schema(minimum = 100, maximum = 1000)]
        amount: i64,
        #[schema(max_length = 5)]
        title: Option<String>,
        place: Option<Place>,
        kind: Kind,
        due: Option<chrono::NaiveDate>,
        at: Option<chrono::DateTime<chrono::Utc>>,
    }

    #[derive(Deserialize, ToSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Place {
        lat: f64,
    }

    #[derive(Deserialize, ToSchema)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Labour,
        Material,
    }

    fn faults(value: &Value) -> Vec<(String, &'static str)> {
        let checker = Checker::of_request(&Shape::of::<Order>()).unwrap();
        let mut found: Vec<_> =
            checker.faults(value).into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect();
        found.sort();
        found
    }

    #[test]
    fn what_fits_has_no_faults() {
        assert_eq!(faults(&json!({ "amount": 100, "kind": "labour" })), []);
        let full = json!({ "amount": 1000, "kind": "material", "title": null, "place": { "lat": 1.5 }, "due": "2026-02-28", "at": "2026-02-28T10:00:00Z" });
        assert_eq!(faults(&full), []);
    }

    #[test]
    fn every_fault_comes_at_once_with_its_place() {
        let bad = json!({ "amount": 99, "kind": "paint", "title": "too long", "place": { "lat": "x", "more": 1 }, "due": "2026-02-30", "at": "+10000-01-01T00:00:00Z", "colour": 1 });
        assert_eq!(
            faults(&bad),
            [
                ("/amount".into(), "minimum"),
                ("/at".into(), "format"),
                ("/colour".into(), "unknown_field"),
                ("/due".into(), "format"),
                ("/kind".into(), "enum"),
                ("/place/lat".into(), "type"),
                ("/place/more".into(), "unknown_field"),
                ("/title".into(), "max_length"),
            ]
        );
        assert_eq!(faults(&json!({})), [("/amount".into(), "required"), ("/kind".into(), "required")]);
    }

    #[test]
    fn money_is_a_plain_whole_number() {
        for bad in ["100.0", "1e2", "100.5", "\"100\"", "9223372036854775808"] {
            let value = serde_json::from_str(&format!(r#"{{"amount": {bad}, "kind": "labour"}}"#)).unwrap();
            assert!(!faults(&value).is_empty(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_repeated() {
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        struct Login {
            #[schema(min_length = 8)]
            password: String,
        }
        let checker = Checker::of_request(&Shape::of::<Login>()).unwrap();
        let faults = checker.faults(&json!({ "password": "hunter2" }));
        assert!(!faults.to_string().contains("hunter2"), "{faults}");
    }
}
