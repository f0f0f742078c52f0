//! Brings a job of the demo to where it is to be, from wherever it stands: a start that was broken off goes on and makes nothing twice.

use contracts::{
    ContractFilter, ContractId, ContractStatus, ContractView, MilestoneRef, MilestoneStatus, MilestoneView,
};
use escrow::EscrowId;
use kernel::Limit;
use marketplace::{JobChange, JobFilter, JobId, JobList, JobScope, JobStatus, PageRequest};

use super::scenes::{Goal, Scene, Until};
use super::stage::{Player, Stage, StageError, told};

/// More than anybody of the demo has of anything.
fn all() -> Limit {
    Limit::new(100).unwrap_or_default()
}

/// A scene with its people.
pub(super) struct Play<'a> {
    /// The services.
    pub stage: &'a Stage,
    /// The same, where nobody has time to sign.
    pub hasty: &'a Stage,
    /// What is to be played.
    pub scene: &'a Scene,
    /// Who posts the job.
    pub owner: &'a Player,
    /// Who bids, in the order of the scene's bids.
    pub bidders: Vec<&'a Player>,
}

impl Play<'_> {
    /// Plays what has not been played yet.
    ///
    /// # Errors
    /// [`StageError`].
    pub(super) fn run(&self) -> Result<(), StageError> {
        let (job, status) = self.job()?;
        if status == JobStatus::Open {
            self.show(job)?;
            self.bid(job)?;
        }
        match self.scene.until {
            Until::Posted => Ok(()),
            Until::CalledOff if status == JobStatus::Open => {
                self.stage.call_off(self.owner, JobChange { job_id: job, if_version: None, change: () })
            }
            Until::CalledOff => Ok(()),
            Until::Lapsed => self.contract(self.hasty, job).map(|_| ()),
            Until::HalfSigned => {
                let contract = self.contract(self.stage, job)?;
                self.sign(self.owner, &contract).map(|_| ())
            }
            Until::Signed => self.signed(job).map(|_| ()),
            Until::Paid(goals) => self.paid(job, goals).map(|_| ()),
            Until::Reviewed(goals) => {
                let contract = self.paid(job, goals)?;
                self.stage.review(self.owner, contract, 5)?;
                self.stage.review(self.chosen()?, contract, 4)
            }
        }
    }

    fn job(&self) -> Result<(JobId, JobStatus), StageError> {
        let list = JobList {
            filter: JobFilter { scope: JobScope::Mine, ..JobFilter::default() },
            page: PageRequest { after: None, limit: all() },
        };
        let own = self.stage.commands().marketplace.list_jobs(Some(&self.owner.actor), &list);
        let own = own.map_err(told("one's jobs"))?.items;
        if let Some(job) = own.into_iter().find(|job| job.title == self.scene.posting.title) {
            return Ok((job.id, job.status));
        }
        let posted = self.stage.post(self.owner, &self.scene.posting)?.job;
        Ok((posted.id, posted.status))
    }

    fn show(&self, job: JobId) -> Result<(), StageError> {
        let names =
            if self.scene.photos.is_empty() { Vec::new() } else { self.stage.attached(self.owner, job)? };
        for photo in self.scene.photos {
            if !names.iter().any(|name| name == photo.name()) {
                self.stage.attach(self.owner, job, photo.name(), &photo.draw()?)?;
            }
        }
        Ok(())
    }

    fn bid(&self, job: JobId) -> Result<(), StageError> {
        for (bid, bidder) in self.scene.bids.iter().zip(&self.bidders) {
            if self.own_bid(bidder, job)?.is_none() {
                self.stage.bid(bidder, job, bid.parts)?;
            }
        }
        Ok(())
    }

    fn own_bid(&self, bidder: &Player, job: JobId) -> Result<Option<marketplace::BidId>, StageError> {
        let contractor = bidder.actor.contractor().map_err(told("one's bids"))?;
        let page = PageRequest { after: None, limit: all() };
        let own = self.stage.commands().marketplace.list_own_bids(contractor, None, page);
        let own = own.map_err(told("one's bids"))?.items;
        Ok(own.into_iter().find(|found| found.bid.job_id == job).map(|found| found.bid.id))
    }

    fn chosen(&self) -> Result<&Player, StageError> {
        self.bidders.first().copied().ok_or_else(|| StageError::missing("a bidder"))
    }

    /// The contract of the job, made if there is none yet.
    fn contract(&self, stage: &Stage, job: JobId) -> Result<ContractView, StageError> {
        let listed = stage.commands().contracts.list_contracts(
            &self.owner.actor,
            ContractFilter::default(),
            all(),
            None,
        );
        let listed = listed.map_err(told("one's contracts"))?.items;
        if let Some(card) = listed.into_iter().find(|card| card.contract.job_id == job) {
            return stage.contract(self.owner, card.contract.id);
        }
        let bid = self.own_bid(self.chosen()?, job)?.ok_or_else(|| StageError::missing("a bid"))?;
        stage.accept(self.owner, bid)
    }

    fn signed(&self, job: JobId) -> Result<ContractView, StageError> {
        let contract = self.contract(self.stage, job)?;
        let contract = self.sign(self.owner, &contract)?;
        self.sign(self.chosen()?, &contract)
    }

    fn sign(&self, party: &Player, contract: &ContractView) -> Result<ContractView, StageError> {
        let signed = contract.signatures.iter().any(|signature| signature.party == party.party);
        if signed || contract.contract.status != ContractStatus::PendingSignatures {
            return Ok(contract.clone());
        }
        self.stage.sign(party, contract)
    }

    fn paid(&self, job: JobId, goals: &[Goal]) -> Result<ContractId, StageError> {
        let contract = self.signed(job)?.contract.id;
        let escrow = self.stage.fund(self.owner, contract)?;
        for (place, goal) in goals.iter().enumerate() {
            while self.advance(escrow, contract, place, *goal)? {}
        }
        Ok(contract)
    }

    /// One step of a milestone towards its goal; false when it is there.
    fn advance(
        &self,
        escrow: EscrowId,
        contract: ContractId,
        place: usize,
        goal: Goal,
    ) -> Result<bool, StageError> {
        let milestone = self.milestone(contract, place)?;
        let at = MilestoneRef { contract, milestone: milestone.milestone.id, if_version: None };
        match milestone.milestone.status {
            MilestoneStatus::Funded if goal > Goal::Funded => self.stage.start(self.chosen()?, &at)?,
            MilestoneStatus::InProgress if goal > Goal::Started => self.stage.submit(self.chosen()?, &at)?,
            MilestoneStatus::Submitted if goal == Goal::SentBack => {
                self.stage.send_back(self.owner, &at, "The condensate line has to slope.")?
            }
            MilestoneStatus::Submitted if goal > Goal::SentBack => self.stage.approve(self.owner, &at)?,
            MilestoneStatus::Approved => return self.release(escrow, &at, goal),
            _ => return Ok(false),
        };
        Ok(true)
    }

    fn release(&self, escrow: EscrowId, at: &MilestoneRef, goal: Goal) -> Result<bool, StageError> {
        let part = match goal {
            Goal::Released => None,
            Goal::Partly(_) if self.stage.escrow(self.owner, escrow)?.figures.released > 0 => {
                return Ok(false);
            }
            Goal::Partly(part) => Some(part),
            Goal::Funded | Goal::Started | Goal::Submitted | Goal::SentBack | Goal::Approved => {
                return Ok(false);
            }
        };
        self.stage.release(self.owner, escrow, at.milestone, part)?;
        Ok(true)
    }

    fn milestone(&self, contract: ContractId, place: usize) -> Result<MilestoneView, StageError> {
        let listed =
            self.stage.commands().contracts.list_milestones(&self.owner.actor, contract, all(), None);
        let listed = listed.map_err(told("milestones"))?.items;
        listed.into_iter().nth(place).ok_or_else(|| StageError::missing("a milestone"))
    }
}
