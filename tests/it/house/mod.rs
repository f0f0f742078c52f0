//! What keeps the house in shape: rules of style, of the schema and of the operations, held by tests whose lists of
//! exceptions may only shrink.

mod papers;
mod personal;
mod schema;
mod sources;
mod style;
