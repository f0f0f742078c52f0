//! Contracts: accepting a bid, the text and its signatures, milestones and their inspection.

pub mod award;
pub mod completion;
pub mod contract;
pub mod document;
pub mod milestones;
pub mod requests;
pub mod views;

use crate::operation::Operation;

/// The operations of this folder.
#[must_use]
pub fn operations() -> Vec<Operation> {
    [
        contract::operations(),
        document::operations(),
        milestones::operations(),
        award::operations(),
        completion::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
