//! What the marketplace deals in: jobs, bids, reviews, their states and the commands that change them.

mod analytics;
mod attachments;
mod bid;
mod category;
mod comparison;
mod confirmation;
mod day;
mod directory;
mod job;
mod market;
mod performance;
mod recommendations;
mod review;
pub(crate) mod search;
mod text;
mod views;

pub use analytics::{AgreedPrices, BidTally, FirstBid, JobAnalytics, OwnBids, OwnJobs};
pub(crate) use attachments::ATTACHED_TYPES;
pub use attachments::{
    AttachedFile, AttachedTo, Attachment, AttachmentId, AttachmentKind, AttachmentPlan, PhotoSize,
};
pub(crate) use bid::wrong_currency;
pub use bid::{
    Award, Awarded, BidAction, BidChange, BidDetail, BidId, BidMilestone, BidOfJob, BidParts, BidPatch,
    BidStatus, BidderCard, FormerRevision, JobFacts, Line, LineKind, NewBid, Outcome, OutcomeResult, Proof,
    Rejection,
};
pub use category::Category;
pub use comparison::{
    BidAnalytics, BidOffer, BidRecommendations, BidderFacts, ComparedBid, ComparedBy, ComparedRow,
    Comparison, JobWithBestBids, Mark,
};
pub use confirmation::{Confirmation, JobField};
pub use day::Day;
pub use directory::{
    CheckedPapers, Circle, ContractorCard, DirectoryFilter, DirectoryForm, DirectoryOrder, Rank,
};
pub use job::{
    Address, Area, Budget, Deleted, JobAction, JobCard, JobChange, JobDetail, JobFilter, JobId, JobPatch,
    JobScope, JobStatus, JobSummary, NewJob, PublicJob, PublishAs, Reveal, Urgency,
};
pub(crate) use job::{fixed, patched_budget};
pub use market::{Demand, MarketFilter, MarketForm, MarketPage, MarketRow, Month};
pub use performance::{Measure, Pace, Performance, Share};
pub use recommendations::{ScoredJob, TrendingFilter};
pub use review::{
    Decided, Decision, DecisionOutcome, NewReply, NewReport, NewReview, OpenReview, RatingSummary, Removal,
    Reply, Report, ReportReason, Review, ReviewAction, ReviewCase, ReviewChange, ReviewDecisionId, ReviewId,
    ReviewPage, ReviewPatch, ReviewQueue, ReviewReportId, ReviewStatus, ReviewVerdict, Stars,
};
pub use search::{
    BudgetBand, Count, Facet, Facets, FoundJob, Highlights, JobFacets, JobOrder, JobSearch, JobSearchForm,
    JobsFound, Region, SearchKey, Understood,
};
pub use text::{
    BidTerms, Country, DecisionReason, Description, LineText, Place, Reason, ReplyText, ReportNote,
    ReviewText, Skills, Title,
};
pub use views::JobLook;

/// An enum written as fixed words, in the database and outside.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All of them, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                Self::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("`{word}` is not a {}", stringify!($name))))
            }
        }
    };
}
pub(crate) use words;
