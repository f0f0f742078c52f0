//! [`Shape`]: the JSON Schema of a type, with all that it refers to, as the document publishes it and bodies are checked against it.

use serde_json::Value;
use utoipa::ToSchema;

/// Where the document keeps schemas, as references write it.
pub(crate) const COMPONENTS: &str = "#/components/schemas/";

/// A named schema and those it needs.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The name in the document.
    pub(crate) name: String,
    /// Name and schema of this and everything under it.
    pub(crate) components: Vec<(String, Value)>,
}

impl Shape {
    /// The shape of a type.
    #[must_use]
    pub fn of<T: ToSchema>() -> Self {
        let name = T::name().into_owned();
        let mut parts = vec![(name.clone(), T::schema())];
        T::schemas(&mut parts);
        let components = parts.into_iter().map(|(name, schema)| {
            let mut schema = serde_json::to_value(schema).unwrap_or_default();
            rename(&mut schema);
            (plain(&name).to_owned(), schema)
        });
        Self { name: plain(&name).to_owned(), components: components.collect() }
    }

    /// A reference to it, inside the document.
    pub(crate) fn reference(&self) -> Value {
        serde_json::json!({ "$ref": format!("{COMPONENTS}{}", self.name) })
    }

    /// Its own schema.
    pub(crate) fn schema(&self) -> &Value {
        self.components.iter().find(|(name, _)| *name == self.name).map_or(&Value::Null, |(_, schema)| schema)
    }
}

/// `JobId` of `JobId_JobId`, as the derive names `Id<JobId>`: the wrapper's name and then the inner one's, which are the same.
fn plain(name: &str) -> &str {
    match name.split_once('_') {
        Some((outer, inner)) if outer == inner => outer,
        _ => name,
    }
}

/// Writes the plain names into references.
fn rename(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                let name = reference.strip_prefix(COMPONENTS).map(|name| plain(name).to_owned());
                if let Some(name) = name {
                    *reference = format!("{COMPONENTS}{name}");
                }
            }
            object.values_mut().for_each(rename);
        }
        Value::Array(list) => list.iter_mut().for_each(rename),
        _ => {}
    }
}
