//! The things of this crate: their ids, states, commands and answers. Where they are kept (store) and how they are
//! written in JSON (the gateway) does not belong here.

mod command;
mod contract;
mod milestone;

pub use command::{
    AcceptBid, AddMilestone, ContractFilter, Deliverables, Description, EditMilestone, InspectionDays,
    MilestonePatch, MilestoneRef, Reason, RequestChanges, SignContract, TargetAmount, Title, WorkDays,
};
pub use contract::{
    Contract, ContractCard, ContractFacts, ContractId, ContractStatus, ContractStep, ContractView, Document,
    DocumentHash, PartyName, Side, Signature, SignatureId, TerminationReason, Terms,
};
pub use milestone::{
    ChangesRequested, Milestone, MilestoneFacts, MilestoneId, MilestoneStatus, MilestoneStep, MilestoneView,
    ReleasedHow, SubmissionOutcome,
};

/// A state machine's states are written in the database and in JSON by these names; one macro, so that the list of all
/// states, the names and the reading back cannot drift apart.
macro_rules! names {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every one, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As the database and JSON have it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Reads what `as_str` wrote.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }
    };
}
use names;
