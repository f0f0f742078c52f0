//! Bids beside each other, for the owner of their job.

use kernel::{Currency, PartyId};

use super::bid::{BidDetail, BidId};
use super::directory::Rank;
use super::job::{JobId, JobSummary};
use crate::rules::market::MarketFigure;
use crate::rules::{Ranked, Spread};

super::words! {
    /// What bids are compared by.
    ComparedBy {
        /// The price.
        Price = "price",
        /// What of it is for work.
        Labour = "labour",
        /// What of it is for material.
        Material = "material",
        /// What of it is for anything else.
        Other = "other",
        /// The day on which work would start.
        StartDate = "startDate",
        /// How many days it would take.
        DurationDays = "durationDays",
        /// By how many stages it is to be paid.
        Stages = "stages",
        /// How much of the price the first of them is.
        FirstPayment = "firstPaymentPercent",
        /// Until when the offer stands.
        ValidUntil = "validUntil",
        /// The Bayesian mean of the bidder's reviews.
        Rating = "rating",
        /// Whether the bidder's papers were checked and hold.
        Verified = "verified",
        /// Whether a licence for this trade is among them.
        Licensed = "licensed",
        /// How many jobs of this trade the bidder has finished here.
        FinishedJobs = "finishedJobs",
        /// How far the bidder is from the job.
        Distance = "distanceKm",
        /// What the bid promises and asks for.
        Terms = "terms",
    }
}

super::words! {
    /// What stands out in a row.
    Mark {
        /// No figure in the row is lower.
        Lowest = "lowest",
        /// No figure in the row is higher.
        Highest = "highest",
        /// No day or instant in the row is earlier.
        Earliest = "earliest",
        /// No day or instant in the row is later.
        Latest = "latest",
    }
}

/// What is known of a bidder when its bid is judged: nothing of it depends on bids for jobs that are still open.
#[derive(Debug, Clone, PartialEq)]
pub struct BidderFacts {
    /// The party.
    pub id: PartyId,
    /// The name.
    pub name: String,
    /// What its published reviews come to.
    pub rank: Rank,
    /// Whether licence and insurance were checked and hold.
    pub verified: bool,
    /// Whether a licence for the job's trade is among them, and holds.
    pub licensed: bool,
    /// How many jobs of this trade it has finished here; not counted beyond a thousand.
    pub finished_jobs: i64,
    /// From its public point to the job's, in metres; none when one of them has none.
    pub metres: Option<i32>,
}

/// A bid with its bidder.
#[derive(Debug, Clone, PartialEq)]
pub struct BidOffer {
    /// The bid.
    pub bid: BidDetail,
    /// Who made it.
    pub bidder: BidderFacts,
}

/// A bid as a column of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedBid {
    /// The bid with its bidder.
    pub offer: BidOffer,
    /// The sum of its lines for work; none when it has no lines at all.
    pub labour: Option<i64>,
    /// For material.
    pub material: Option<i64>,
    /// For anything else.
    pub other: Option<i64>,
    /// By how many stages it would be paid; without any of its own by one.
    pub stages: i64,
    /// The first stage in percent of the price.
    pub first_payment_percent: i64,
}

/// A row of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedRow {
    /// What it compares.
    pub by: ComparedBy,
    /// Whether the bids differ in it.
    pub differs: bool,
    /// What stands out, where they differ.
    pub marks: Vec<(BidId, Mark)>,
}

/// Bids side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Their job.
    pub job: JobId,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The bids: those first that can be chosen, the lowest price first, of equal prices the earlier; after them those that wait for their bidder's word.
    pub bids: Vec<ComparedBid>,
    /// What they are compared by.
    pub rows: Vec<ComparedRow>,
    /// Whether there are more bids than are compared.
    pub more: bool,
}

/// How the prices of a job's bids lie.
#[derive(Debug, Clone, PartialEq)]
pub struct BidAnalytics {
    /// Their job.
    pub job: JobId,
    /// The currency of all amounts.
    pub currency: Currency,
    /// Their spread; none without bids. What waits for its bidder's word is an offer too.
    pub spread: Option<Spread>,
    /// How many of them wait for their bidder's word.
    pub unconfirmed: usize,
    /// What such jobs went for in the job's trade and place; none where too few did.
    pub market: Option<MarketFigure>,
}

/// Bids in the order in which they are recommended.
#[derive(Debug, Clone, PartialEq)]
pub struct BidRecommendations {
    /// Their job.
    pub job: JobId,
    /// The currency of all amounts.
    pub currency: Currency,
    /// Those that can be chosen, the best first.
    pub bids: Vec<(BidOffer, Ranked)>,
    /// Those that cannot until their bidder says a word, in the same order.
    pub unconfirmed: Vec<(BidOffer, Ranked)>,
    /// Whether there are more bids than were ranked.
    pub more: bool,
}

/// An open job with the best of its bids.
#[derive(Debug, Clone, PartialEq)]
pub struct JobWithBestBids {
    /// The job.
    pub job: JobSummary,
    /// The best of those that can be chosen.
    pub bids: Vec<(BidOffer, Ranked)>,
    /// How many more cannot until their bidder says a word.
    pub unconfirmed: usize,
}
