//! A milestone and its states.

use chrono::NaiveDate;
use kernel::{Instant, PartyId};

use super::ContractId;

kernel::id!(
    /// A milestone of a contract.
    MilestoneId,
    "mst"
);

/// How far a milestone has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MilestoneStatus {
    /// Agreed, not paid in.
    Pending,
    /// Its amount is held.
    Funded,
    /// The contractor is at work.
    InProgress,
    /// Done, says the contractor; the homeowner looks at it.
    Submitted,
    /// The homeowner wants something done again.
    ChangesRequested,
    /// Approved, by word or by silence; its money may be released.
    Approved,
    /// Its money went to the contractor.
    Released,
    /// It will not be done.
    Cancelled,
}

super::names!(MilestoneStatus {
    Pending => "PENDING",
    Funded => "FUNDED",
    InProgress => "IN_PROGRESS",
    Submitted => "SUBMITTED",
    ChangesRequested => "CHANGES_REQUESTED",
    Approved => "APPROVED",
    Released => "RELEASED",
    Cancelled => "CANCELLED",
});

/// What moves a milestone from one state to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MilestoneStep {
    /// Its amount was paid in.
    Fund,
    /// The contractor starts.
    Start,
    /// The contractor is done.
    Submit,
    /// The homeowner wants something done again.
    RequestChanges,
    /// The homeowner approves, or said nothing in time.
    Approve,
    /// All its money went to the contractor.
    Release,
    /// Its contract ended first.
    Cancel,
}

impl MilestoneStep {
    /// Every step.
    pub const ALL: [Self; 7] = [
        Self::Fund,
        Self::Start,
        Self::Submit,
        Self::RequestChanges,
        Self::Approve,
        Self::Release,
        Self::Cancel,
    ];

    /// The states that this step can be taken from, for the guard of an update.
    #[must_use]
    pub fn sources(self) -> Vec<MilestoneStatus> {
        MilestoneStatus::ALL.iter().copied().filter(|status| status.after(self).is_some()).collect()
    }
}

impl MilestoneStatus {
    /// Where a step leads from here; none when it cannot be taken.
    #[must_use]
    pub const fn after(self, step: MilestoneStep) -> Option<Self> {
        use MilestoneStep::{Approve, Cancel, Fund, Release, RequestChanges, Start, Submit};
        match (self, step) {
            (Self::Pending, Fund) => Some(Self::Funded),
            (Self::Pending, Cancel) => Some(Self::Cancelled),
            (Self::Funded, Start) => Some(Self::InProgress),
            (Self::InProgress | Self::ChangesRequested, Submit) => Some(Self::Submitted),
            (Self::Submitted, RequestChanges) => Some(Self::ChangesRequested),
            (Self::Submitted, Approve) => Some(Self::Approved),
            (Self::Approved, Release) => Some(Self::Released),
            (Self::Pending, Start | Submit | RequestChanges | Approve | Release)
            | (Self::Funded, Fund | Submit | RequestChanges | Approve | Release | Cancel)
            | (
                Self::InProgress | Self::ChangesRequested,
                Fund | Start | RequestChanges | Approve | Release | Cancel,
            )
            | (Self::Submitted, Fund | Start | Submit | Release | Cancel)
            | (Self::Approved, Fund | Start | Submit | RequestChanges | Approve | Cancel)
            | (
                Self::Released | Self::Cancelled,
                Fund | Start | Submit | RequestChanges | Approve | Release | Cancel,
            ) => None,
        }
    }

    /// Whether nothing will happen to it any more.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        match self {
            Self::Released | Self::Cancelled => true,
            Self::Pending
            | Self::Funded
            | Self::InProgress
            | Self::Submitted
            | Self::ChangesRequested
            | Self::Approved => false,
        }
    }
}

/// What came of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmissionOutcome {
    /// The homeowner approved it.
    Approved,
    /// The homeowner said nothing until the inspection ended.
    ApprovedBySilence,
    /// The homeowner wanted something done again.
    ChangesRequested,
}

super::names!(SubmissionOutcome {
    Approved => "APPROVED",
    ApprovedBySilence => "APPROVED_BY_SILENCE",
    ChangesRequested => "CHANGES_REQUESTED",
});

/// Who had a milestone's money released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleasedHow {
    /// One of the parties asked for it.
    ByParty(PartyId),
    /// The service did, when the hours after the approval had passed.
    ByService,
}

/// What other crates need to know of a milestone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MilestoneFacts {
    /// Its id.
    pub id: MilestoneId,
    /// Its part of the price, in minor units of the contract's currency.
    pub amount: i64,
    /// How far it has come.
    pub status: MilestoneStatus,
    /// What it is called.
    pub title: String,
    /// Its place in the contract; the first is 1.
    pub ordinal: i32,
    /// When it is to be done.
    pub due_date: NaiveDate,
}

/// Why and when the homeowner wanted something done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesRequested {
    /// In the homeowner's words.
    pub reason: String,
    /// When.
    pub at: Instant,
}

/// A milestone as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Milestone {
    /// Its id.
    pub id: MilestoneId,
    /// The contract that it is a part of.
    pub contract_id: ContractId,
    /// Its place in the contract; the first is 1.
    pub ordinal: i32,
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// What will be there when it is done.
    pub deliverables: Vec<String>,
    /// Its part of the price, in minor units of the contract's currency.
    pub amount: i64,
    /// How far it has come.
    pub status: MilestoneStatus,
    /// When work on it is to start.
    pub start_date: Option<NaiveDate>,
    /// When it is to be done.
    pub due_date: NaiveDate,
    /// How often it was submitted.
    pub submission: i32,
    /// Until when the homeowner can look at it before silence approves.
    pub inspection_ends_at: Option<Instant>,
    /// Since when that clock stands still, because the homeowner is suspended: the end moves by as long.
    pub inspection_paused_at: Option<Instant>,
    /// Goes up with every change of it.
    pub version: i32,
    /// When it was started.
    pub started_at: Option<Instant>,
    /// When it was approved.
    pub approved_at: Option<Instant>,
    /// When its money was released.
    pub released_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Milestone {
    /// What other crates need to know of it.
    #[must_use]
    pub fn facts(&self) -> MilestoneFacts {
        MilestoneFacts {
            id: self.id,
            amount: self.amount,
            status: self.status,
            title: self.title.clone(),
            ordinal: self.ordinal,
            due_date: self.due_date,
        }
    }
}

/// A milestone as one of the parties sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MilestoneView {
    /// The milestone.
    pub milestone: Milestone,
    /// The ISO 4217 currency of its amount.
    pub currency: kernel::Currency,
    /// Why the last submission was sent back, while that is so.
    pub changes_requested: Option<ChangesRequested>,
    /// What whoever looks could do now.
    pub allowed_actions: Vec<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_milestone_moves_along_these_arrows_and_no_other() {
        let arrows: Vec<(&str, MilestoneStep, &str)> = MilestoneStatus::ALL
            .iter()
            .flat_map(|from| MilestoneStep::ALL.map(|step| (from, step)))
            .filter_map(|(from, step)| from.after(step).map(|to| (from.as_str(), step, to.as_str())))
            .collect();
        assert_eq!(
            arrows,
            [
                ("PENDING", MilestoneStep::Fund, "FUNDED"),
                ("PENDING", MilestoneStep::Cancel, "CANCELLED"),
                ("FUNDED", MilestoneStep::Start, "IN_PROGRESS"),
                ("IN_PROGRESS", MilestoneStep::Submit, "SUBMITTED"),
                ("SUBMITTED", MilestoneStep::RequestChanges, "CHANGES_REQUESTED"),
                ("SUBMITTED", MilestoneStep::Approve, "APPROVED"),
                ("CHANGES_REQUESTED", MilestoneStep::Submit, "SUBMITTED"),
                ("APPROVED", MilestoneStep::Release, "RELEASED"),
            ]
        );
        assert_eq!(
            MilestoneStep::Submit.sources(),
            [MilestoneStatus::InProgress, MilestoneStatus::ChangesRequested]
        );
    }

    #[test]
    fn what_is_finished_has_no_way_out_and_all_else_has() {
        for status in MilestoneStatus::ALL {
            let stuck = MilestoneStep::ALL.iter().all(|step| status.after(*step).is_none());
            assert_eq!(stuck, status.is_finished(), "{status:?}");
        }
    }
}
