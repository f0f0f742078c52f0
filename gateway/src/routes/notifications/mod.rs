//! Notifications: what people were told.

pub mod inbox;

use crate::operation::Operation;

/// The operations of this folder.
#[must_use]
pub fn operations() -> Vec<Operation> {
    inbox::operations()
}
