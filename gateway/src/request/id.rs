//! [`Id`]: a typed id as requests and answers hold it, with its form in the document.

use std::borrow::Cow;
use std::ops::Deref;

use kernel::TypedId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// The suffix of the examples; it is the TypeID specification's own.
pub(crate) const EXAMPLE_SUFFIX: &str = "01h455vb4pex5vsknk084sn02q";

/// A typed id in a body: `job_…` in both directions, or a bare UUID coming in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id<T>(pub T);

impl<T> Deref for Id<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: TypedId> From<T> for Id<T> {
    fn from(id: T) -> Self {
        Self(id)
    }
}

impl<T: TypedId> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: TypedId> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

impl<T: TypedId> ComposeSchema for Id<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        kernel::id::schema(T::PREFIX)
    }
}

impl<T: TypedId> ToSchema for Id<T> {
    /// The id's own name, such as `JobId`.
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(std::any::type_name::<T>().rsplit("::").next().unwrap_or_default())
    }
}
