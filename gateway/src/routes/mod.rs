//! Every operation of the API. A URL tells the file: `routes/<domain>/<resource>.rs`, each with its `operations()`, all collected here.

pub mod contracts;
pub mod identity;
pub mod notifications;
pub mod operation;

use crate::operation::Operation;

/// All operations, in the order of the document.
#[must_use]
pub fn operations() -> Vec<Operation> {
    [operation::operations(), identity::operations(), contracts::operations(), notifications::operations()]
        .into_iter()
        .flatten()
        .collect()
}
