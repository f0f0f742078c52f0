//! The service: authorises, opens a transaction, locks and loads, has the rules decide, stores, and tells of it.

mod analytics;
mod attachments;
mod bids;
mod comparison;
mod confirmation;
mod directory;
pub(crate) mod downhill;
mod events;
mod figures;
pub(crate) mod jobs;
pub(crate) mod personal;
mod recommendations;
mod reviews;
mod search;
mod trail;
mod trending;
mod views;

use std::sync::Arc;

use database::Db;
use kernel::{Actor, AdminActor, Clock, ContractorActor, HomeownerActor, Limit, Page, Position};

use crate::error::Error;
use crate::model::{
    BidChange, BidDetail, BidOfJob, BidPatch, BidStatus, ContractorCard, Deleted, DirectoryFilter, JobCard,
    JobChange, JobDetail, JobId, JobPatch, JobStatus, NewBid, NewJob, PublicJob, Rejection,
};
use crate::settings::Settings;
use crate::store;
use crate::{JobList, MarketplaceCommands, MarketplaceQueries, PageRequest};

/// The marketplace over one database.
#[derive(Clone)]
pub struct MarketplaceService {
    db: Db,
    clock: Arc<dyn Clock>,
    settings: Settings,
    learned: Arc<search::Learned>,
}

impl MarketplaceService {
    /// `clock` is for what is only shown; what is decided goes by the database's clock.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self { db, clock, settings, learned: Arc::default() }
    }
}

impl MarketplaceQueries for MarketplaceService {
    fn job(&self, viewer: Option<&Actor>, id: JobId) -> Result<JobDetail, Error> {
        self.find_job(viewer, id)
    }

    fn job_for(&self, viewer: Option<&Actor>, job: PublicJob) -> Result<JobDetail, Error> {
        self.show_job(viewer, job)
    }

    fn list_jobs(&self, viewer: Option<&Actor>, list: &JobList) -> Result<Page<JobCard>, Error> {
        self.page_of_jobs(viewer, list)
    }

    fn list_bids_of_job(
        &self,
        viewer: &Actor,
        job: JobId,
        page: PageRequest,
    ) -> Result<Page<BidOfJob>, Error> {
        self.bids_of_job(viewer, job, page)
    }

    fn list_own_bids(
        &self,
        contractor: ContractorActor<'_>,
        status: Option<BidStatus>,
        page: PageRequest,
    ) -> Result<Page<BidOfJob>, Error> {
        self.own_bids(contractor.party, None, status, page)
    }

    fn list_contractors(
        &self,
        filter: &DirectoryFilter,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<Page<ContractorCard, i64>, Error> {
        self.page_of_contractors(filter, after, limit)
    }

    fn job_figures(&self, _: AdminActor<'_>) -> Result<Vec<(JobStatus, i64)>, Error> {
        let counted = self.db.read(store::jobs::count_by_status)?;
        let of = |status: JobStatus| counted.get(status.as_str()).copied().unwrap_or_default();
        Ok(JobStatus::ALL.iter().map(|status| (*status, of(*status))).collect())
    }
}

impl MarketplaceCommands for MarketplaceService {
    fn post_job(&self, homeowner: HomeownerActor<'_>, job: NewJob) -> Result<JobDetail, Error> {
        self.create_job(homeowner, &job)
    }

    fn edit_job(
        &self,
        homeowner: HomeownerActor<'_>,
        change: JobChange<JobPatch>,
    ) -> Result<JobDetail, Error> {
        self.patch_job(homeowner, &change)
    }

    fn publish_job(&self, homeowner: HomeownerActor<'_>, change: JobChange<()>) -> Result<JobDetail, Error> {
        self.open_job(homeowner, &change)
    }

    fn delete_job(&self, homeowner: HomeownerActor<'_>, change: JobChange<()>) -> Result<Deleted, Error> {
        self.remove_job(homeowner, &change)
    }

    fn submit_bid(&self, contractor: ContractorActor<'_>, bid: NewBid) -> Result<BidDetail, Error> {
        self.create_bid(contractor, &bid)
    }

    fn revise_bid(
        &self,
        contractor: ContractorActor<'_>,
        change: BidChange<BidPatch>,
    ) -> Result<BidDetail, Error> {
        self.patch_bid(contractor, &change)
    }

    fn withdraw_bid(
        &self,
        contractor: ContractorActor<'_>,
        change: BidChange<()>,
    ) -> Result<BidDetail, Error> {
        self.take_back_bid(contractor, &change)
    }

    fn reject_bid(
        &self,
        homeowner: HomeownerActor<'_>,
        change: BidChange<Rejection>,
    ) -> Result<BidOfJob, Error> {
        self.turn_down_bid(homeowner, &change)
    }
}
