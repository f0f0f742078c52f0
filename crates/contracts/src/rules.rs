//! Decisions as pure functions: facts in, outcome out. No clock, no settings: instants and terms are handed in.

use chrono::{Days, Duration, NaiveDate};
use kernel::{Instant, Money, MoneyError, PartyId};

use crate::model::{
    Contract, ContractStatus, MilestoneFacts, MilestoneId, MilestoneStatus, MilestoneStep, Side, Signature,
    Terms,
};

/// The edition of these rules, which is copied to each contract with its terms.
pub const RULES_VERSION: i16 = 1;

/// Those milestones that keep their contract from being completed: to each of them something will still happen.
#[must_use]
pub fn unfinished(
    milestones: impl IntoIterator<Item = (MilestoneId, MilestoneStatus)>,
) -> Vec<(MilestoneId, MilestoneStatus)> {
    milestones.into_iter().filter(|(_, status)| !status.is_finished()).collect()
}

/// A milestone that a bid proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Its part of the price, in minor units.
    pub amount: i64,
    /// When it is to be done, if the bid says.
    pub due: Option<NaiveDate>,
}

/// A milestone as the contract starts out with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its place; the first is 1.
    pub ordinal: i32,
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Its part of the price, in minor units.
    pub amount: i64,
    /// When it is to be done.
    pub due: NaiveDate,
}

/// The days that a contract's work takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub start: NaiveDate,
    /// How many days from then to the end.
    pub days: u32,
}

/// The milestones that a contract starts out with: those of the bid, or one of the whole price under the job's title. A
/// milestone without a day of its own gets one, evenly spread over the time that the work takes.
///
/// # Errors
/// [`MoneyError`] when the proposals do not sum to the price, which a stored bid never is.
pub fn plan_milestones(
    job_title: &str,
    price: Money,
    proposals: &[Proposal],
    span: Span,
) -> Result<Vec<Planned>, MoneyError> {
    let whole =
        [Proposal { title: job_title.to_owned(), description: None, amount: price.minor(), due: None }];
    let proposals = if proposals.is_empty() { &whole } else { proposals };
    let mut sum = Money::zero(price.currency());
    for proposal in proposals {
        sum = sum.plus(Money::new(proposal.amount, price.currency())?)?;
    }
    if sum != price {
        return Err(MoneyError::OutOfRange);
    }
    let count = u64::try_from(proposals.len()).unwrap_or(1).max(1);
    let due = |place: u64| {
        span.start
            .checked_add_days(Days::new(u64::from(span.days).saturating_mul(place) / count))
            .unwrap_or(span.start)
    };
    Ok((1_i32..)
        .zip(1_u64..)
        .zip(proposals)
        .map(|((ordinal, place), proposal)| Planned {
            ordinal,
            title: proposal.title.clone(),
            description: proposal.description.clone(),
            amount: proposal.amount,
            due: proposal.due.unwrap_or_else(|| due(place)),
        })
        .collect())
}

/// What a new milestone leaves of the one that it is carved from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carved {
    /// The one that it is carved from.
    pub from: MilestoneId,
    /// What that one keeps, in minor units.
    pub keeps: i64,
    /// The place of the new one.
    pub ordinal: i32,
}

/// Why a milestone cannot be carved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarveRefused {
    /// The contract has no such milestone.
    NoSuchMilestone,
    /// The other one would keep nothing; it has this much.
    NothingLeft {
        /// The most that can be taken from it.
        most: i64,
    },
}

/// Takes a new milestone's amount from an old one, the last by default, so that the sum stays what it was.
///
/// # Errors
/// [`CarveRefused`] when the old one is not there or would keep nothing.
pub fn carve(
    milestones: &[MilestoneFacts],
    from: Option<MilestoneId>,
    amount: i64,
) -> Result<Carved, CarveRefused> {
    let last = milestones.iter().max_by_key(|milestone| milestone.ordinal);
    let source = match from {
        Some(id) => milestones.iter().find(|milestone| milestone.id == id),
        None => last,
    };
    let (Some(source), Some(last)) = (source, last) else {
        return Err(CarveRefused::NoSuchMilestone);
    };
    match source.amount.checked_sub(amount) {
        Some(keeps) if keeps > 0 && amount > 0 => {
            Ok(Carved { from: source.id, keeps, ordinal: last.ordinal.saturating_add(1) })
        }
        _ => Err(CarveRefused::NothingLeft { most: source.amount.saturating_sub(1) }),
    }
}

/// When silence approves what was submitted at this instant.
#[must_use]
pub fn inspection_ends_at(submitted_at: Instant, terms: &Terms) -> Instant {
    submitted_at + Duration::hours(24 * i64::from(terms.inspection_days))
}

/// When an inspection with this end began; what it stood still for counts as before its beginning.
#[must_use]
pub fn inspection_began_at(ends_at: Instant, terms: &Terms) -> Instant {
    ends_at - Duration::hours(24 * i64::from(terms.inspection_days))
}

/// When an inspection ends that stood still from one instant to another.
#[must_use]
pub fn resumed_inspection_ends_at(ends_at: Instant, paused_at: Instant, resumed_at: Instant) -> Instant {
    ends_at + (resumed_at - paused_at).max(Duration::zero())
}

/// Whether an inspection with this end is reminded of at that instant, to the second.
#[must_use]
pub fn is_reminder(remind_at: Instant, ends_at: Instant, terms: &Terms, plan: &ReminderPlan) -> bool {
    reminders(inspection_began_at(ends_at, terms), ends_at, plan)
        .iter()
        .any(|instant| instant.timestamp() == remind_at.timestamp())
}

/// When to remind of something that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReminderPlan {
    /// So many times 24 hours after it began.
    pub days: Vec<u16>,
    /// So many hours before it ends.
    pub last_hours: u16,
}

/// The instants at which to remind of an inspection, the earliest first. What falls before its beginning, or nearer to its
/// end than the last reminder, is left out.
#[must_use]
pub fn reminders(begins_at: Instant, ends_at: Instant, plan: &ReminderPlan) -> Vec<Instant> {
    let last = ends_at - Duration::hours(i64::from(plan.last_hours));
    let mut instants: Vec<Instant> = plan
        .days
        .iter()
        .map(|days| begins_at + Duration::hours(24 * i64::from(*days)))
        .chain([last])
        .collect();
    instants.retain(|instant| *instant > begins_at && *instant <= last);
    instants.sort_unstable();
    instants.dedup();
    instants
}

/// Whether both parties' signatures stand.
#[must_use]
pub fn is_fully_signed(contract: &Contract, signatures: &[Signature]) -> bool {
    [contract.homeowner, contract.contractor].iter().all(|party| has_signed(*party, signatures))
}

/// Whether this party's signature stands.
#[must_use]
pub fn has_signed(party: PartyId, signatures: &[Signature]) -> bool {
    signatures.iter().any(|signature| signature.party == party)
}

/// What somebody on this side could do with a contract now.
#[must_use]
pub fn contract_actions(status: ContractStatus, side: Side, signed: bool) -> Vec<&'static str> {
    match (status, side) {
        (ContractStatus::PendingSignatures, Side::Homeowner | Side::Contractor) => {
            let sign = if signed { None } else { Some("sign") };
            sign.into_iter().chain(["add_milestone", "edit_milestone"]).collect()
        }
        (ContractStatus::PendingSignatures, Side::Observer)
        | (ContractStatus::Active | ContractStatus::Completed | ContractStatus::Terminated, _) => Vec::new(),
    }
}

/// What somebody on this side could do with a milestone now.
#[must_use]
pub fn milestone_actions(contract: ContractStatus, status: MilestoneStatus, side: Side) -> Vec<&'static str> {
    const ACTIONS: [(&str, MilestoneStep, &[Side]); 6] = [
        ("fund", MilestoneStep::Fund, &[Side::Homeowner]),
        ("start", MilestoneStep::Start, &[Side::Contractor]),
        ("submit", MilestoneStep::Submit, &[Side::Contractor]),
        ("approve", MilestoneStep::Approve, &[Side::Homeowner]),
        ("request_changes", MilestoneStep::RequestChanges, &[Side::Homeowner]),
        ("release", MilestoneStep::Release, &[Side::Homeowner, Side::Contractor]),
    ];
    match contract {
        ContractStatus::PendingSignatures if side == Side::Observer => Vec::new(),
        ContractStatus::PendingSignatures => vec!["edit"],
        ContractStatus::Active => ACTIONS
            .iter()
            .filter(|(_, step, sides)| status.after(*step).is_some() && sides.contains(&side))
            .map(|(name, ..)| *name)
            .collect(),
        ContractStatus::Completed | ContractStatus::Terminated => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
