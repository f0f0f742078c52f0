//! Typed ids: UUIDv7 in the database, a prefix and 26 characters of Crockford base 32 for people and programs
//! outside, as the TypeID specification (v0.3) writes them. Reading takes either form.
//!
//! Which things have ids does not belong here: each crate names its own with [`id!`](crate::id!).

use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Another thing's prefix, or none where one is needed.
    #[error("expected an id that starts with `{0}_`")]
    Prefix(&'static str),
    /// Neither 26 characters of base 32 nor a UUID.
    #[error("not a well-formed id")]
    Form,
}

/// What all typed ids can do; implemented by [`id!`](crate::id!) only.
pub trait TypedId:
    Copy + Eq + std::hash::Hash + std::fmt::Display + std::str::FromStr<Err = IdError>
{
    /// The prefix in the written form, without the underscore.
    const PREFIX: &'static str;
    /// Wraps what the database holds.
    fn from_uuid(uuid: Uuid) -> Self;
    /// What the database holds.
    fn uuid(self) -> Uuid;
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LENGTH: usize = 26;

/// Writes a UUID as the 26 characters of a TypeID's suffix.
#[must_use]
pub fn encode_suffix(uuid: Uuid) -> String {
    let value = uuid.as_u128();
    (0..SUFFIX_LENGTH)
        .rev()
        .map(|place| {
            let digit = usize::try_from((value >> (place * 5)) & 31).unwrap_or_default();
            ALPHABET.get(digit).copied().map_or('0', char::from)
        })
        .collect()
}

/// Reads the 26 characters of a TypeID's suffix.
///
/// # Errors
/// [`IdError::Form`] when it is of another length, has another character, or is larger than 128 bits.
pub fn decode_suffix(suffix: &str) -> Result<Uuid, IdError> {
    if suffix.len() != SUFFIX_LENGTH || suffix.as_bytes().first().is_none_or(|first| *first > b'7') {
        return Err(IdError::Form);
    }
    let mut value: u128 = 0;
    for character in suffix.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == character).ok_or(IdError::Form)?;
        value = (value << 5) | u128::try_from(digit).map_err(|_| IdError::Form)?;
    }
    Ok(Uuid::from_u128(value))
}

/// Reads `prefix_suffix` or a bare UUID.
///
/// # Errors
/// [`IdError`] when it is neither.
pub fn parse(prefix: &'static str, text: &str) -> Result<Uuid, IdError> {
    if let Some(suffix) = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) {
        return decode_suffix(suffix);
    }
    // Only the hyphenated form: the other spellings of a UUID would be second names for one thing.
    if text.len() == 36 {
        return Uuid::try_parse(text).map_err(|_| IdError::Form);
    }
    Err(IdError::Prefix(prefix))
}

/// Reads an id of whichever kind, in either of its forms.
///
/// # Errors
/// [`IdError::Form`] when it is none.
pub fn parse_any(text: &str) -> Result<Uuid, IdError> {
    match text.rsplit_once('_') {
        Some((prefix, suffix)) if prefix.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            decode_suffix(suffix)
        }
        None if text.len() == 36 => Uuid::try_parse(text).map_err(|_| IdError::Form),
        _ => Err(IdError::Form),
    }
}

/// The JSON Schema of an id with that prefix: exactly what [`parse`] reads.
#[cfg(feature = "schema")]
#[must_use]
pub fn schema(prefix: &str) -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
    let uuid = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(format!("`{prefix}_` and 26 characters; a UUID is read too.")))
        // The first character holds the upper three of 128 bits.
        .pattern(Some(format!("^({prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}|{uuid})$")))
        .examples([format!("{prefix}_01h455vb4pex5vsknk084sn02q")])
        .into()
}

/// What [`id!`](crate::id!) adds for the feature `schema`.
#[cfg(feature = "schema")]
#[doc(hidden)]
#[macro_export]
macro_rules! __id_schema {
    ($name:ident) => {
        impl $crate::__private::utoipa::PartialSchema for $name {
            fn schema()
            -> $crate::__private::utoipa::openapi::RefOr<$crate::__private::utoipa::openapi::schema::Schema>
            {
                $crate::id::schema(<Self as $crate::TypedId>::PREFIX)
            }
        }
        impl $crate::__private::utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
    };
}

/// Without the feature `schema` ids have none.
#[cfg(not(feature = "schema"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __id_schema {
    ($name:ident) => {};
}

/// Declares a typed id: `kernel::id!(/// A job. JobId, "job");`
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, $crate::__private::diesel::expression::AsExpression, $crate::__private::diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = $crate::__private::diesel::sql_types::Uuid)]
        pub struct $name($crate::__private::uuid::Uuid);

        impl $name {
            /// A new id; ids made later sort later.
            #[must_use]
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self { Self($crate::__private::uuid::Uuid::now_v7()) }
            /// What the database holds.
            #[must_use]
            pub fn uuid(self) -> $crate::__private::uuid::Uuid { self.0 }
        }
        $crate::__id_schema!($name);
        impl From<$crate::__private::uuid::Uuid> for $name {
            fn from(uuid: $crate::__private::uuid::Uuid) -> Self { Self(uuid) }
        }
        impl $crate::TypedId for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: $crate::__private::uuid::Uuid) -> Self { Self(uuid) }
            fn uuid(self) -> $crate::__private::uuid::Uuid { self.0 }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), $crate::id::encode_suffix(self.0))
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { std::fmt::Display::fmt(self, f) }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::IdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> { $crate::id::parse($prefix, text).map(Self) }
        }
        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as $crate::__private::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(|error: $crate::IdError| {
                    <D::Error as $crate::__private::serde::de::Error>::custom(error)
                })
            }
        }
        impl $crate::__private::diesel::serialize::ToSql<$crate::__private::diesel::sql_types::Uuid, $crate::__private::diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut $crate::__private::diesel::serialize::Output<'b, '_, $crate::__private::diesel::pg::Pg>,
            ) -> $crate::__private::diesel::serialize::Result {
                <$crate::__private::uuid::Uuid as $crate::__private::diesel::serialize::ToSql<
                    $crate::__private::diesel::sql_types::Uuid,
                    $crate::__private::diesel::pg::Pg,
                >>::to_sql(&self.0, out)
            }
        }
        impl $crate::__private::diesel::deserialize::FromSql<$crate::__private::diesel::sql_types::Uuid, $crate::__private::diesel::pg::Pg> for $name {
            fn from_sql(
                bytes: $crate::__private::diesel::pg::PgValue<'_>,
            ) -> $crate::__private::diesel::deserialize::Result<Self> {
                <$crate::__private::uuid::Uuid as $crate::__private::diesel::deserialize::FromSql<
                    $crate::__private::diesel::sql_types::Uuid,
                    $crate::__private::diesel::pg::Pg,
                >>::from_sql(bytes)
                .map(Self)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    crate::id!(
        /// Only for these tests.
        ThingId, "thing"
    );

    /// The valid examples of the TypeID specification.
    #[test]
    fn writes_the_examples_of_the_specification() {
        for (suffix, uuid) in [
            ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
            ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
            ("0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
            ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ] {
            let uuid: Uuid = uuid.parse().unwrap();
            assert_eq!(encode_suffix(uuid), suffix);
            assert_eq!(decode_suffix(suffix), Ok(uuid));
        }
    }

    #[test]
    fn refuses_what_is_not_an_id_of_this_thing() {
        for bad in [
            "",
            "thing",
            "thing_",
            "thing_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "thing_01H455VB4PEX5VSKNK084SN02Q",
            "other_01h455vb4pex5vsknk084sn02q",
            "01h455vb4pex5vsknk084sn02q",
            "thing_01h455vb4pex5vsknk084sn02",
            "thing_01h455vb4pex5vsknk084sn0u2",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "thing_\u{e9}1h455vb4pex5vsknk084sn02",
        ] {
            assert!(bad.parse::<ThingId>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_read_back(bytes in any::<u128>()) {
            let id = ThingId::from(Uuid::from_u128(bytes));
            prop_assert_eq!(id.to_string().parse::<ThingId>().unwrap(), id);
            prop_assert_eq!(id.uuid().to_string().parse::<ThingId>().unwrap(), id);
        }
    }
}
