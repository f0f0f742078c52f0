#![doc = include_str!("../README.md")]

pub mod bulk;
mod error;
mod model;
pub mod rules;
#[rustfmt::skip]
mod schema;
mod service;
mod settings;
mod store;
mod tasks;
mod traits;

use kernel::{Actor, AdminActor, ContractorActor, HomeownerActor, Limit, Page, Position};

pub use error::Error;
pub use model::*;
pub use service::MarketplaceService;
pub use service::downhill::{
    award, open_review, owned_job, record_completion, record_unsigned, record_work_started,
};
pub use service::jobs::open_cards;
pub use service::personal::traces;
pub use settings::Settings;
pub use store::bids::live_bidders;
pub use store::jobs::{job_cards, job_titles, jobs_of_party, open_pages, public_jobs};
pub use store::personal::REMOVED_JOB;
pub use store::views::{count as job_view_count, counts as job_view_counts};
pub use tasks::{
    BidExpiry, BiddingClose, CONSUMER, CountWords, DecideMeanings, FIGURES_CONSUMER, FillDirectory,
    FillFigures, ForgetLooks, JobExpiry, PublishMarket, RefreshTrending, ReleasePerformance,
    ReviewPublication, register,
};
pub use traits::{
    AnalyticsQueries, AttachmentCommands, AttachmentQueries, ComparisonQueries, ConfirmationCommands,
    FigureQueries, RecommendationCommands, RecommendationQueries, ReviewCommands, ReviewQueries,
    SearchQueries, ViewCommands,
};

/// What can be read.
pub trait MarketplaceQueries:
    AnalyticsQueries
    + AttachmentQueries
    + ComparisonQueries
    + FigureQueries
    + RecommendationQueries
    + ReviewQueries
    + SearchQueries
    + Send
    + Sync
{
    /// One job as this viewer, or a stranger, sees it.
    ///
    /// # Errors
    /// [`Error::JobNotFound`] when there is none, or it is not for this viewer.
    fn job(&self, viewer: Option<&Actor>, id: JobId) -> Result<JobDetail, Error>;

    /// The same of a job that was read before, from [`public_jobs`]: asks the database only when what this viewer sees
    /// depends on more than the job.
    ///
    /// # Errors
    /// As [`MarketplaceQueries::job`].
    fn job_for(&self, viewer: Option<&Actor>, job: PublicJob) -> Result<JobDetail, Error>;

    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn list_jobs(&self, viewer: Option<&Actor>, list: &JobList) -> Result<Page<JobCard>, Error>;

    /// The bids of a job: for its owner all of them from the reveal on, for a contractor its own.
    ///
    /// # Errors
    /// [`Error::Sealed`] for the owner before the reveal; [`Error::JobNotFound`] for strangers.
    fn list_bids_of_job(
        &self,
        viewer: &Actor,
        job: JobId,
        page: PageRequest,
    ) -> Result<Page<BidOfJob>, Error>;

    /// A contractor's own bids, newest first.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn list_own_bids(
        &self,
        contractor: ContractorActor<'_>,
        status: Option<BidStatus>,
        page: PageRequest,
    ) -> Result<Page<BidOfJob>, Error>;

    /// A page of the directory, for everybody.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn list_contractors(
        &self,
        filter: &DirectoryFilter,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<Page<ContractorCard, i64>, Error>;

    /// Each state of jobs with how many there are, none left out. Nothing in it tells of bids.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn job_figures(&self, admin: AdminActor<'_>) -> Result<Vec<(JobStatus, i64)>, Error>;
}

/// What can be done, beside everything that can be read.
pub trait MarketplaceCommands:
    MarketplaceQueries
    + AttachmentCommands
    + ConfirmationCommands
    + RecommendationCommands
    + ReviewCommands
    + ViewCommands
{
    /// Posts a job, as a draft or at once for everybody.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the deadline is out of range.
    fn post_job(&self, homeowner: HomeownerActor<'_>, job: NewJob) -> Result<JobDetail, Error>;

    /// Changes what a draft or an open job says.
    ///
    /// # Errors
    /// [`Error::JobNotFound`], [`Error::JobState`], [`Error::Stale`], or [`Error::Invalid`] for what is fixed.
    fn edit_job(
        &self,
        homeowner: HomeownerActor<'_>,
        change: JobChange<JobPatch>,
    ) -> Result<JobDetail, Error>;

    /// Shows a draft to everybody.
    ///
    /// # Errors
    /// [`Error::JobNotFound`], [`Error::JobState`], [`Error::Stale`], or [`Error::Invalid`] when the deadline is out of range by now.
    fn publish_job(&self, homeowner: HomeownerActor<'_>, change: JobChange<()>) -> Result<JobDetail, Error>;

    /// Removes a draft, calls off an open job.
    ///
    /// # Errors
    /// [`Error::JobNotFound`], [`Error::JobState`] or [`Error::Stale`].
    fn delete_job(&self, homeowner: HomeownerActor<'_>, change: JobChange<()>) -> Result<Deleted, Error>;

    /// Hands in a bid.
    ///
    /// # Errors
    /// [`Error::JobNotFound`], [`Error::JobState`], [`Error::BiddingClosed`], [`Error::NotVerified`], [`Error::AlreadyBid`],
    /// [`Error::OwnJob`], or [`Error::Invalid`] for an amount or currency that cannot be.
    fn submit_bid(&self, contractor: ContractorActor<'_>, bid: NewBid) -> Result<BidDetail, Error>;

    /// Changes a bid; the former revision is kept.
    ///
    /// # Errors
    /// As [`MarketplaceCommands::submit_bid`], and [`Error::BidNotFound`], [`Error::BidState`], [`Error::Stale`].
    fn revise_bid(
        &self,
        contractor: ContractorActor<'_>,
        change: BidChange<BidPatch>,
    ) -> Result<BidDetail, Error>;

    /// Takes a bid back.
    ///
    /// # Errors
    /// [`Error::BidNotFound`], [`Error::BidState`] or [`Error::Stale`].
    fn withdraw_bid(
        &self,
        contractor: ContractorActor<'_>,
        change: BidChange<()>,
    ) -> Result<BidDetail, Error>;

    /// Turns a bid down.
    ///
    /// # Errors
    /// [`Error::BidNotFound`] (before the reveal too), [`Error::BidState`] or [`Error::Stale`].
    fn reject_bid(
        &self,
        homeowner: HomeownerActor<'_>,
        change: BidChange<Rejection>,
    ) -> Result<BidOfJob, Error>;
}

/// Where a page of a list starts and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PageRequest {
    /// After which row; none for the first page.
    pub after: Option<Position>,
    /// How many.
    pub limit: Limit,
}

/// A page of the list that everybody sees: open jobs, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct OpenPage {
    /// Only those of this trade.
    pub category: Option<Category>,
    /// Which page of them.
    pub page: PageRequest,
}

/// A page of jobs to read.
#[derive(Debug, Clone, Default)]
pub struct JobList {
    /// Which jobs.
    pub filter: JobFilter,
    /// Which page of them.
    pub page: PageRequest,
}
