//! One field of a change: absent it stays, `null` removes it, a value sets it.

use identity::Patch;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field of a `PATCH` body. Say `#[serde(default)]` and `#[schema(value_type = Option<…>)]` with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Change<T> {
    /// Not in the body.
    #[default]
    Keep,
    /// `null`.
    Clear,
    /// A value.
    Set(T),
}

impl<T> Change<T> {
    /// Whether it is not in the body; for `skip_serializing_if`.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// As the domain has it, of another type.
    pub fn to<U>(self, make: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(make(value)),
        }
    }
}

impl<T> From<Change<T>> for Patch<T> {
    fn from(change: Change<T>) -> Self {
        change.to(|value| value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Deserialize)]
    struct Form {
        #[serde(default)]
        name: Change<String>,
    }

    #[test]
    fn absent_null_and_a_value_are_three_things() {
        for (body, expected) in [
            (json!({}), Change::Keep),
            (json!({ "name": null }), Change::Clear),
            (json!({ "name": "Ada" }), Change::Set("Ada".to_owned())),
        ] {
            let form: Form = serde_json::from_value(body).unwrap();
            assert_eq!(form.name, expected);
        }
    }
}
