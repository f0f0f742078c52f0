//! What somebody's own jobs, or own bids, come to.

use kernel::Currency;

use super::category::Category;
use super::job::JobStatus;

/// What an owner's jobs come to: the newest of them, as many as [`JobAnalytics::NEWEST`].
#[derive(Debug, Clone, PartialEq)]
pub struct OwnJobs {
    /// Each state with how many stand there, none left out.
    pub counts: Vec<(JobStatus, i64)>,
    /// How many were published.
    pub posted: i64,
    /// For how many of those somebody was chosen.
    pub awarded: i64,
    /// How many of those were completed.
    pub completed: i64,
    /// The part of those posted for which somebody was chosen; none without any.
    pub awarded_share: Option<f64>,
    /// The part of those awarded that were completed; none without any.
    pub completed_share: Option<f64>,
    /// How long the first bids took.
    pub first_bid: FirstBid,
    /// What was agreed, by trade and currency.
    pub prices: Vec<AgreedPrices>,
    /// How often they were looked at, each person once a day and job.
    pub views: i64,
}

/// How long it took from publication to the first bid. Only of jobs whose bids the owner may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FirstBid {
    /// Of how many jobs that have had a bid.
    pub jobs: i64,
    /// The median, in seconds.
    pub median_seconds: Option<i64>,
}

/// The accepted amounts of one trade in one currency, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedPrices {
    /// The trade.
    pub category: Category,
    /// The currency.
    pub currency: Currency,
    /// Of how many jobs.
    pub jobs: i64,
    /// Half were lower, half higher.
    pub median: i64,
    /// The lowest.
    pub min: i64,
    /// The highest.
    pub max: i64,
}

/// What a contractor's bids come to, by the jobs that they were for. A bid counts as won or lost once its job has left OPEN.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OwnBids {
    /// How many bids were handed in.
    pub sent: i64,
    /// For how many jobs.
    pub jobs: i64,
    /// Jobs that are open still.
    pub open: i64,
    /// Jobs for which this contractor was chosen.
    pub won: i64,
    /// Jobs for which somebody else was, and the bid had not been withdrawn.
    pub lost: i64,
    /// Jobs that ended without anybody being chosen.
    pub no_award: i64,
    /// Jobs that have left OPEN, from which every bid had been withdrawn.
    pub withdrawn: i64,
    /// The part of those won among won and lost; none without either.
    pub win_rate: Option<f64>,
}

/// What somebody's own jobs and bids come to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobAnalytics {
    /// For homeowners.
    pub jobs: Option<OwnJobs>,
    /// For contractors.
    pub bids: Option<OwnBids>,
}

impl JobAnalytics {
    /// As many of somebody's newest jobs, or bids, are looked at. The statements say it too.
    pub const NEWEST: u16 = 1_000;
}

/// How many of a contractor's jobs went out in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BidTally {
    /// Where these jobs stand.
    pub job: JobStatus,
    /// Whether this contractor was chosen.
    pub own: bool,
    /// Whether anybody was.
    pub awarded: bool,
    /// Whether every bid of this contractor's was withdrawn.
    pub withdrawn: bool,
    /// How many jobs.
    pub jobs: i64,
    /// How many bids.
    pub bids: i64,
}
