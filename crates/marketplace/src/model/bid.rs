//! Bids: sealed from other contractors while their job is open, with every revision kept.

use chrono::{NaiveDate, SubsecRound};
use kernel::{Currency, Fault, Faults, Instant, Money, PartyId};
use serde::{Deserialize, Serialize};

use super::confirmation::Confirmation;
use super::day::Day;
use super::job::{Address, JobId, JobStatus, JobSummary, Reveal};
use super::review::RatingSummary;
use super::text::{BidTerms, Description, LineText, Reason, Title};

kernel::id!(
    /// A contractor's offer for a job.
    BidId,
    "bid"
);

super::words! {
    /// Where a bid stands.
    BidStatus {
        /// It waits for the owner's decision.
        Submitted = "SUBMITTED",
        /// It was chosen.
        Accepted = "ACCEPTED",
        /// The owner turned it down, or chose another.
        Rejected = "REJECTED",
        /// Its bidder took it back.
        Withdrawn = "WITHDRAWN",
        /// Its job ended without a choice, or the time until which it stood was over.
        Expired = "EXPIRED",
    }
}

super::words! {
    /// What a line of a bid pays for.
    LineKind {
        /// Work.
        Labour = "labour",
        /// What the work needs.
        Material = "material",
        /// Anything else: permits, disposal, travel.
        Other = "other",
    }
}

/// What happens to a bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BidAction {
    /// Its bidder changes it.
    Revise,
    /// Its bidder takes it back.
    Withdraw,
    /// The owner chooses it.
    Accept,
    /// The owner turns it down, or chooses another.
    Reject,
    /// Its job ends without a choice, or the time until which it stood is over.
    Expire,
}

impl BidAction {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Revise, Self::Withdraw, Self::Accept, Self::Reject, Self::Expire];
}

impl BidStatus {
    /// The state after an action; none when the action is not possible in this state.
    #[must_use]
    pub const fn after(self, action: BidAction) -> Option<Self> {
        match (self, action) {
            (Self::Submitted, BidAction::Revise) => Some(Self::Submitted),
            (Self::Submitted, BidAction::Withdraw) => Some(Self::Withdrawn),
            (Self::Submitted, BidAction::Accept) => Some(Self::Accepted),
            (Self::Submitted, BidAction::Reject) => Some(Self::Rejected),
            (Self::Submitted, BidAction::Expire) => Some(Self::Expired),
            (Self::Accepted | Self::Rejected | Self::Withdrawn | Self::Expired, _) => None,
        }
    }

    /// Whether a bid in this state stood to the end: what the count after a job's opening is of.
    #[must_use]
    pub const fn stood(self) -> bool {
        match self {
            Self::Submitted | Self::Accepted | Self::Rejected | Self::Expired => true,
            Self::Withdrawn => false,
        }
    }
}

/// A line of a bid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it pays for.
    pub kind: LineKind,
    /// In words.
    pub description: String,
    /// Minor units.
    pub amount: i64,
}

impl Line {
    /// # Errors
    /// Every fault, with its place in the line.
    pub fn new(kind: LineKind, description: &str, amount: i64) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let description = faults.take("/description", LineText::new(description));
        faults.check(amount > 0, "/amount", "out_of_range", "has to be above zero");
        faults.or(|| Self {
            kind,
            description: description.map(LineText::into_string).unwrap_or_default(),
            amount,
        })
    }
}

/// A stage that a bid proposes to be paid by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BidMilestone {
    /// What it is called.
    pub title: String,
    /// What will be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// The day by which it will be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_date: Option<NaiveDate>,
}

impl BidMilestone {
    /// # Errors
    /// Every fault, with its place in the milestone.
    pub fn new(
        title: &str,
        description: Option<&str>,
        amount: i64,
        due_date: Option<NaiveDate>,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let title = faults.take("/title", Title::new(title));
        let description = description.and_then(|text| faults.take("/description", Description::new(text)));
        faults.check(amount > 0, "/amount", "out_of_range", "has to be above zero");
        check_date(&mut faults, "/dueDate", due_date);
        faults.or(|| Self {
            title: title.map(Title::into_string).unwrap_or_default(),
            description: description.map(Description::into_string),
            amount,
            due_date,
        })
    }
}

fn check_date(faults: &mut Faults, pointer: &str, date: Option<NaiveDate>) {
    if let Some(date) = date {
        faults.take(pointer, Day::new(date));
    }
}

/// What a bid says, free of faults within itself. Whether the amount is within the marketplace's limits and in the job's
/// currency is the service's to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BidParts {
    /// The price in minor units of the job's currency.
    pub amount: i64,
    /// What it is made up of; empty, or summing to the amount.
    pub lines: Vec<Line>,
    /// By what stages it is to be paid; empty, or summing to the amount.
    pub milestones: Vec<BidMilestone>,
    /// What it promises and asks for.
    pub terms: Option<String>,
    /// The day on which work would start.
    pub start_date: Option<NaiveDate>,
    /// How many days it would take.
    pub duration_days: Option<i32>,
    /// Until when the offer stands: from that instant on it cannot be chosen. None as long as it waits.
    pub valid_until: Option<Instant>,
}

impl BidParts {
    /// The most lines.
    pub const LINES_MAX: usize = 100;
    /// The most milestones.
    pub const MILESTONES_MAX: usize = 30;
    /// The most days.
    pub const DAYS_MAX: i32 = 3_650;

    /// A price to be paid in these stages, each with its title and its part of the price in minor units; the amount is their sum.
    #[must_use]
    pub fn in_stages(stages: &[(&str, i64)]) -> Self {
        let milestone = |(title, amount): &(&str, i64)| BidMilestone {
            title: (*title).to_owned(),
            description: None,
            amount: *amount,
            due_date: None,
        };
        Self {
            amount: stages.iter().map(|(_, amount)| *amount).fold(0, i64::saturating_add),
            milestones: stages.iter().map(milestone).collect(),
            lines: Vec::new(),
            terms: None,
            start_date: None,
            duration_days: None,
            valid_until: None,
        }
    }

    /// # Errors
    /// Every fault: too many parts, parts that do not sum to the amount, a duration out of range.
    pub fn checked(self) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let most = |max| format!("has to have at most {max}");
        faults.check(self.lines.len() <= Self::LINES_MAX, "/lines", "too_many", most(Self::LINES_MAX));
        faults.check(
            self.milestones.len() <= Self::MILESTONES_MAX,
            "/milestones",
            "too_many",
            most(Self::MILESTONES_MAX),
        );
        check_sum(&mut faults, "/lines", self.lines.iter().map(|line| line.amount), self.amount);
        check_sum(
            &mut faults,
            "/milestones",
            self.milestones.iter().map(|milestone| milestone.amount),
            self.amount,
        );
        let days = self.duration_days.is_none_or(|days| (1..=Self::DAYS_MAX).contains(&days));
        faults.check(
            days,
            "/durationDays",
            "out_of_range",
            format!("has to be from 1 to {}", Self::DAYS_MAX),
        );
        check_date(&mut faults, "/startDate", self.start_date);
        let terms = self.terms.as_deref().and_then(|text| faults.take("/terms", BidTerms::new(text)));
        // As finely as the database keeps it: what is answered at once and what is read later are the same.
        let valid_until = self.valid_until.map(|end| end.trunc_subsecs(6));
        faults.or(|| Self { terms: terms.map(BidTerms::into_string), valid_until, ..self })
    }
}

fn check_sum(faults: &mut Faults, pointer: &str, amounts: impl Iterator<Item = i64>, total: i64) {
    let mut parts = amounts.peekable();
    if parts.peek().is_none() {
        return;
    }
    let sum = parts.try_fold(0_i64, i64::checked_add);
    faults.check(
        sum == Some(total),
        pointer,
        "amount_mismatch",
        format!("have to sum to the amount, {total}"),
    );
}

/// A bid to hand in.
#[derive(Debug, Clone)]
pub struct NewBid {
    /// The job.
    pub job_id: JobId,
    /// The currency the bidder had in mind; the job's when not said.
    pub currency: Option<Currency>,
    /// What it says.
    pub parts: BidParts,
}

/// What to change in a bid; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct BidPatch {
    /// The price.
    pub amount: Option<i64>,
    /// What it is made up of.
    pub lines: Option<Vec<Line>>,
    /// The stages.
    pub milestones: Option<Vec<BidMilestone>>,
    /// The terms; the inner none takes them away.
    pub terms: Option<Option<BidTerms>>,
    /// The first day; the inner none takes it away.
    pub start_date: Option<Option<NaiveDate>>,
    /// The number of days; the inner none takes it away.
    pub duration_days: Option<Option<i32>>,
    /// The end of the offer; the inner none takes it away.
    pub valid_until: Option<Option<Instant>>,
}

impl BidPatch {
    /// The bid as it would be then.
    ///
    /// # Errors
    /// Every fault of what would be.
    pub fn applied(self, current: BidParts) -> Result<BidParts, Faults> {
        BidParts {
            amount: self.amount.unwrap_or(current.amount),
            lines: self.lines.unwrap_or(current.lines),
            milestones: self.milestones.unwrap_or(current.milestones),
            terms: self.terms.map_or(current.terms, |terms| terms.map(BidTerms::into_string)),
            start_date: self.start_date.unwrap_or(current.start_date),
            duration_days: self.duration_days.unwrap_or(current.duration_days),
            valid_until: self.valid_until.unwrap_or(current.valid_until),
        }
        .checked()
    }
}

/// A change of one bid by its id.
#[derive(Debug, Clone)]
pub struct BidChange<T> {
    /// Which.
    pub bid_id: BidId,
    /// The version that the caller read, when it said so.
    pub if_version: Option<i32>,
    /// What to do.
    pub change: T,
}

/// The choice of a bid, for [`award`](crate::award). The caller has authorised the owner.
#[derive(Debug, Clone)]
pub struct Award {
    /// The bid.
    pub bid: BidId,
    /// The revision that the owner read, when it said so.
    pub revision: Option<i32>,
    /// Who chooses.
    pub owner: PartyId,
    /// The request that this is part of.
    pub request_id: String,
}

/// What was agreed by an award: all that a contract is made from.
#[derive(Debug, Clone)]
pub struct Awarded {
    /// The job.
    pub job_id: JobId,
    /// Its owner.
    pub homeowner: PartyId,
    /// Who was chosen.
    pub contractor: PartyId,
    /// By which bid.
    pub bid_id: BidId,
    /// What the job is called.
    pub title: String,
    /// What is to be done.
    pub description: String,
    /// The trade's slug.
    pub category: String,
    /// Where, exactly.
    pub address: Address,
    /// The price.
    pub amount: Money,
    /// The stages proposed; empty, or summing to the price.
    pub milestones: Vec<BidMilestone>,
    /// What the bid promised and asked for.
    pub terms: Option<String>,
    /// The day on which work would start.
    pub start_date: Option<NaiveDate>,
    /// How many days it would take.
    pub duration_days: Option<i32>,
}

/// Turning a bid down.
#[derive(Debug, Clone, Default)]
pub struct Rejection {
    /// Why, for the bidder to read.
    pub reason: Option<Reason>,
}

/// What proves that a bid was not changed after it was handed in: the receipt is the SHA-256 of the two together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The bid as canonical JSON (RFC 8785).
    pub canonical: String,
    /// 64 hexadecimal characters, new for every revision.
    pub salt: String,
}

super::words! {
    /// How a bid's job went out for its bidder.
    OutcomeResult {
        /// This bid was chosen.
        Won = "WON",
        /// Another was.
        Lost = "LOST",
        /// None was.
        NoAward = "NO_AWARD",
    }
}

/// What a bidder learns once the job has left OPEN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Won, lost, or nobody chosen.
    pub result: OutcomeResult,
    /// How many bids stood.
    pub bids: i64,
    /// In which third of the prices this one was, 1 being the lowest; only from five bids up.
    pub third: Option<i64>,
}

/// Who made a bid, for the owner.
#[derive(Debug, Clone, PartialEq)]
pub struct BidderCard {
    /// The party.
    pub id: PartyId,
    /// The name.
    pub name: String,
    /// Whether an administrator has verified licence and insurance, and neither has run out.
    pub verified: bool,
    /// What its published reviews come to.
    pub rating: RatingSummary,
}

/// A bid as its bidder, or from the reveal on its job's owner, sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct BidDetail {
    /// Its id.
    pub id: BidId,
    /// Its job.
    pub job_id: JobId,
    /// Whose it is.
    pub contractor: PartyId,
    /// Where it stands.
    pub status: BidStatus,
    /// How often it was handed in: 1 the first time.
    pub revision: i32,
    /// Counts revisions and changes of state.
    pub version: i32,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// What it says.
    pub parts: BidParts,
    /// Why it was turned down.
    pub reason: Option<String>,
    /// When this revision was handed in.
    pub submitted_at: Instant,
    /// When the first one was.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// When its bidder last confirmed it as it was.
    pub confirmed_at: Option<Instant>,
    /// What its bidder is asked to confirm it for, because its job was edited; in lists.
    pub confirmation: Option<Confirmation>,
    /// Hexadecimal SHA-256 of canonical text and salt.
    pub receipt: String,
    /// From the reveal on.
    pub proof: Option<Proof>,
    /// For the bidder, once the job has left OPEN.
    pub outcome: Option<Outcome>,
}

/// What a bid said before it was revised.
#[derive(Debug, Clone, PartialEq)]
pub struct FormerRevision {
    /// Which.
    pub revision: i32,
    /// What it said.
    pub parts: BidParts,
    /// When it was handed in.
    pub submitted_at: Instant,
    /// Hexadecimal SHA-256 of canonical text and salt.
    pub receipt: String,
    /// From the reveal on.
    pub proof: Option<Proof>,
}

/// A bid in a list: for the owner with its bidder, for the bidder with its job.
#[derive(Debug, Clone, PartialEq)]
pub struct BidOfJob {
    /// The bid.
    pub bid: BidDetail,
    /// Who made it; for the owner.
    pub bidder: Option<BidderCard>,
    /// What it is for; for the bidder.
    pub job: Option<JobSummary>,
    /// Its former revisions, the newest first; the last few.
    pub former: Vec<FormerRevision>,
}

/// As much of a job as decides on its bids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobFacts {
    /// The job.
    pub id: JobId,
    /// Its owner.
    pub homeowner: PartyId,
    /// Where it stands.
    pub status: JobStatus,
    /// When the owner sees bids.
    pub reveal: Reveal,
    /// When bidding ends; a draft may have none yet.
    pub bidding_deadline: Option<Instant>,
    /// From when on no bid can be chosen; a draft has none yet.
    pub accept_until: Option<Instant>,
    /// The currency of every bid.
    pub currency: Currency,
}

/// The fault of a bid in another currency than its job's.
pub(crate) fn wrong_currency(needed: Currency) -> Fault {
    Fault::new("/currency", "currency_mismatch", format!("has to be the job's currency, {needed}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(amount: i64) -> BidParts {
        BidParts {
            amount,
            lines: vec![],
            milestones: vec![],
            terms: None,
            start_date: None,
            duration_days: None,
            valid_until: None,
        }
    }

    fn milestone(amount: i64) -> BidMilestone {
        BidMilestone::new("Stage", None, amount, None).unwrap()
    }

    /// The state machine as a table: only a submitted bid moves.
    #[test]
    fn a_bid_is_decided_once() {
        let possible = [
            (BidAction::Revise, "SUBMITTED"),
            (BidAction::Withdraw, "WITHDRAWN"),
            (BidAction::Accept, "ACCEPTED"),
            (BidAction::Reject, "REJECTED"),
            (BidAction::Expire, "EXPIRED"),
        ];
        for status in BidStatus::ALL {
            for (action, to) in possible {
                let expected = (*status == BidStatus::Submitted).then_some(to);
                assert_eq!(status.after(action).map(BidStatus::as_str), expected, "{status} {action:?}");
            }
        }
    }

    #[test]
    fn every_fault_of_a_bid_is_found_at_once() {
        let mut bid = parts(500);
        bid.milestones = vec![milestone(200), milestone(299)];
        bid.lines = vec![Line::new(LineKind::Labour, "Work", 501).unwrap()];
        bid.duration_days = Some(0);
        bid.terms = Some("nul\0".to_owned());
        let places: Vec<_> =
            bid.checked().unwrap_err().into_vec().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(places, ["/lines", "/milestones", "/durationDays", "/terms"]);
    }

    #[test]
    fn sums_do_not_wrap() {
        let mut bid = parts(0);
        bid.milestones = vec![milestone(i64::MAX), milestone(i64::MAX), milestone(2)];
        assert!(bid.checked().is_err());
    }

    #[test]
    fn a_patch_leaves_what_it_does_not_name_and_is_judged_as_a_whole() {
        let mut bid = parts(500);
        bid.terms = Some("As agreed".to_owned());
        bid.milestones = vec![milestone(500)];
        let taken = BidPatch { terms: Some(None), ..BidPatch::default() }.applied(bid.clone()).unwrap();
        assert_eq!((taken.terms, taken.milestones.len()), (None, 1));
        assert!(BidPatch { amount: Some(400), ..BidPatch::default() }.applied(bid.clone()).is_err());
        let both =
            BidPatch { amount: Some(400), milestones: Some(vec![milestone(400)]), ..BidPatch::default() };
        assert_eq!(both.applied(bid).unwrap().amount, 400);
    }

    proptest! {
        #[test]
        fn milestones_sum_to_the_amount_or_are_refused(amounts in prop::collection::vec(1_i64..1_000_000, 1..30), off in -3_i64..=3) {
            let mut bid = parts(amounts.iter().sum::<i64>() + off);
            bid.milestones = amounts.into_iter().map(milestone).collect();
            prop_assert_eq!(bid.checked().is_ok(), off == 0);
        }
    }
}
