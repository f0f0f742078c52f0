//! The audit trail over HTTP.

pub mod trail;

use crate::operation::Operation;

/// All operations of the domain.
#[must_use]
pub fn operations() -> Vec<Operation> {
    trail::operations()
}
