//! Operations for whoever runs the server, and for whoever writes a client of it.

pub mod docs;
pub mod health;
pub mod metrics;

use crate::operation::Operation;

/// The operations of this folder.
#[must_use]
pub fn operations() -> Vec<Operation> {
    [health::operations(), metrics::operations(), docs::operations()].into_iter().flatten().collect()
}
