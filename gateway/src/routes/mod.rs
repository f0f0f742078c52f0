//! Every operation of the API. A URL tells the file: `routes/<domain>/<resource>.rs`, each with its `operations()`, all collected here.

pub mod audit;
pub mod contracts;
pub mod escrow;
pub mod identity;
pub mod marketplace;
pub mod notifications;
pub mod operation;

use crate::operation::Operation;

/// All operations, in the order of the document.
#[must_use]
pub fn operations() -> Vec<Operation> {
    [
        operation::operations(),
        identity::operations(),
        audit::operations(),
        marketplace::operations(),
        contracts::operations(),
        escrow::operations(),
        notifications::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// All operations of a server with this payment provider: the webhooks of others are not there.
#[must_use]
pub fn operations_with(provider: &str) -> Vec<Operation> {
    operations()
        .into_iter()
        .filter(|operation| !escrow::belongs_to_another_provider(operation, provider))
        .collect()
}
