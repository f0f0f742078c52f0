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
        let components =
            parts.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()));
        Self { name, components: components.collect() }
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
