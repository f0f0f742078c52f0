//! The schemas that the document names, each once.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::operation::Shape;
use crate::request::checker::close;

/// What goes under `components.schemas`.
#[derive(Default)]
pub(crate) struct Components {
    schemas: BTreeMap<String, Value>,
    clashes: Vec<String>,
}

impl Components {
    /// A reference to the shape of a request: unknown fields are refused in it.
    pub(crate) fn request(&mut self, shape: &Shape) -> Value {
        self.add(shape, true)
    }

    /// A reference to the shape of an answer: fields may be added to it.
    pub(crate) fn answer(&mut self, shape: &Shape) -> Value {
        self.add(shape, false)
    }

    /// Names that two different types want.
    #[cfg(test)]
    pub(crate) fn clashes(&self) -> &[String] {
        &self.clashes
    }

    pub(crate) fn into_schemas(self) -> Map<String, Value> {
        self.schemas.into_iter().collect()
    }

    fn add(&mut self, shape: &Shape, closed: bool) -> Value {
        for (name, schema) in &shape.components {
            let mut schema = schema.clone();
            if closed {
                close(&mut schema);
            }
            match self.schemas.get(name) {
                None => {
                    self.schemas.insert(name.clone(), schema);
                }
                Some(known) if *known == schema => {}
                Some(known) => {
                    // The same type asked and answered: as a request it is closed, and one entry has to serve for both.
                    let mut known_closed = known.clone();
                    close(&mut known_closed);
                    let mut schema_closed = schema;
                    close(&mut schema_closed);
                    if known_closed != schema_closed {
                        self.clashes.push(name.clone());
                    }
                    self.schemas.insert(name.clone(), known_closed);
                }
            }
        }
        shape.reference()
    }
}
