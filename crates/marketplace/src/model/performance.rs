//! How a contractor did: what is counted, and what it comes to.

use kernel::PartyId;

use super::RatingSummary;

super::words! {
    /// What is counted of a contractor.
    Measure {
        /// Contracts that ended: carried to their end, or not for want of the contractor's signature.
        Completion = "COMPLETION",
        /// Milestones handed in: for the first time by the end of their due day, or later.
        Punctuality = "PUNCTUALITY",
        /// Awards: how long until the contractor had signed the contract.
        Response = "RESPONSE",
        /// Jobs bid on, and not withdrawn from, that somebody was chosen for.
        Wins = "WINS",
    }
}

/// How often something went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// How often it did.
    pub good: i32,
    /// Of how often.
    pub of: i32,
}

/// How long something takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// Half took no longer than this, in seconds.
    pub median_seconds: i64,
    /// Of how often.
    pub of: i32,
}

/// What is told of a contractor. Each part stands only where there is something to tell, and for others only where it is of enough jobs and
/// people.
#[derive(Debug, Clone, PartialEq)]
pub struct Performance {
    /// The contractor.
    pub contractor: PartyId,
    /// Whether it is everything by now, as the contractor itself sees it.
    pub is_own: bool,
    /// Contracts completed, of those that ended.
    pub completion: Option<Share>,
    /// Milestones first handed in on time, of those handed in.
    pub punctuality: Option<Share>,
    /// From an award to the contractor's signature.
    pub response: Option<Pace>,
    /// Jobs won, of those bid on that somebody was chosen for.
    pub wins: Option<Share>,
    /// What the published reviews come to. Each of them can be read by everybody, so nothing of it is withheld.
    pub rating: RatingSummary,
}
