//! Held payments: escrow accounts, deposits, releases, and the books behind them.

mod accounts;
mod deposits;
mod ledger;
mod releases;
mod summaries;
mod views;
mod webhooks;

use crate::operation::Operation;

/// All operations on money.
#[must_use]
pub fn operations() -> Vec<Operation> {
    [
        accounts::operations(),
        deposits::operations(),
        releases::operations(),
        summaries::operations(),
        ledger::operations(),
        webhooks::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether an operation is there only with another payment provider than this one.
#[must_use]
pub fn belongs_to_another_provider(operation: &Operation, provider: &str) -> bool {
    operation.path == webhooks::SIMULATED_PATH && provider != escrow::provider::SimulatedProvider::NAME
}
