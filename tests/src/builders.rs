//! What stands between people, ready for a test to go on from. Made through the services, so that every row is as the product
//! makes it; a test's own subject goes over HTTP.

use contracts::{ContractId, ContractView, MilestoneRef};
use escrow::EscrowId;
use gateway::demo::stage::{Player, Posting, Stage, StageError};
use marketplace::{BidId, JobId, PublishAs, Reveal};

use crate::{Person, TestApp, settings};

/// Two milestones of the usual price.
pub const PARTS: [(&str, i64); 2] = [("First half", 60_000), ("Second half", 40_000)];

/// A job between two people, as far as a builder took it.
#[derive(Debug, Clone)]
pub struct Deal {
    /// Who pays.
    pub homeowner: Person,
    /// Who works.
    pub contractor: Person,
    /// `job_…`
    pub job: String,
    /// The accepted bid, `bid_…`
    pub bid: String,
    /// `ctr_…`
    pub contract: String,
    /// `mst_…`, in their order: [`PARTS`].
    pub milestones: Vec<String>,
    /// `esc_…`; empty until it is funded.
    pub escrow: String,
    contract_id: ContractId,
    places: Vec<MilestoneRef>,
}

impl TestApp {
    /// An open job, worth [`PARTS`]; bids are seen as they come.
    pub async fn open_job(&self, homeowner: &Person) -> String {
        self.job(homeowner, Reveal::OnArrival, PublishAs::Open).await.to_string()
    }

    /// An open job whose bids nobody sees before the deadline.
    pub async fn sealed_job(&self, homeowner: &Person) -> String {
        self.job(homeowner, Reveal::AtClose, PublishAs::Open).await.to_string()
    }

    /// A job that only its owner sees.
    pub async fn draft_job(&self, homeowner: &Person) -> String {
        self.job(homeowner, Reveal::OnArrival, PublishAs::Draft).await.to_string()
    }

    /// A bid of the usual price, in two milestones.
    pub async fn bid(&self, contractor: &Person, job: &str) -> String {
        self.bid_of(contractor, job, &PARTS).await
    }

    /// A bid of so much in one milestone.
    pub async fn bid_for(&self, contractor: &Person, job: &str, amount: i64) -> String {
        self.bid_of(contractor, job, &[("All of it", amount)]).await
    }

    /// A contract that waits for both signatures.
    pub async fn contract(&self) -> Deal {
        let homeowner = self.homeowner().await;
        let contractor = self.verified_contractor().await;
        self.contract_between(&homeowner, &contractor).await
    }

    /// A contract between these two that waits for both signatures.
    pub async fn contract_between(&self, homeowner: &Person, contractor: &Person) -> Deal {
        let job = self.open_job(homeowner).await;
        let bid = self.bid(contractor, &job).await;
        self.accept(homeowner, contractor, &job, &bid).await
    }

    /// The contract that accepting this bid makes.
    pub async fn accept(&self, homeowner: &Person, contractor: &Person, job: &str, bid: &str) -> Deal {
        let (owner, id) = (homeowner.player().clone(), parse::<BidId>(bid));
        let (contract, places) = self
            .on_stage(move |stage| {
                let contract = stage.accept(&owner, id)?;
                let places = stage.milestones(&owner, contract.contract.id)?;
                Ok((contract, places))
            })
            .await;
        Deal {
            homeowner: homeowner.clone(),
            contractor: contractor.clone(),
            job: job.to_owned(),
            bid: bid.to_owned(),
            contract: contract.contract.id.to_string(),
            milestones: places.iter().map(|place| place.milestone.to_string()).collect(),
            escrow: String::new(),
            contract_id: contract.contract.id,
            places,
        }
    }

    /// An active contract: both have signed, nothing is paid.
    pub async fn signed_contract(&self) -> Deal {
        let deal = self.contract().await;
        self.sign(&deal).await;
        deal
    }

    /// Both sign.
    pub async fn sign(&self, deal: &Deal) {
        let (homeowner, contractor) = (deal.homeowner.player().clone(), deal.contractor.player().clone());
        let id = deal.contract_id;
        self.on_stage(move |stage| {
            let contract: ContractView = stage.contract(&homeowner, id)?;
            stage.sign(&homeowner, &contract)?;
            stage.sign(&contractor, &contract)
        })
        .await;
    }

    /// An active contract whose price is held in full.
    pub async fn funded_contract(&self) -> Deal {
        let deal = self.contract().await;
        self.fund(deal).await
    }

    /// Both sign, and the price is held in full.
    async fn fund(&self, mut deal: Deal) -> Deal {
        self.sign(&deal).await;
        let (homeowner, id) = (deal.homeowner.player().clone(), deal.contract_id);
        let escrow: EscrowId = self.on_stage(move |stage| stage.fund(&homeowner, id)).await;
        deal.escrow = escrow.to_string();
        deal
    }

    /// A funded contract whose first milestone is being worked on.
    pub async fn started_contract(&self) -> Deal {
        let deal = self.funded_contract().await;
        let (contractor, at) = (deal.contractor.player().clone(), deal.place(0));
        self.on_stage(move |stage| stage.start(&contractor, &at)).await;
        deal
    }

    /// A funded contract whose first milestone waits for inspection.
    pub async fn submitted_contract(&self) -> Deal {
        let deal = self.started_contract().await;
        let (contractor, at) = (deal.contractor.player().clone(), deal.place(0));
        self.on_stage(move |stage| stage.submit(&contractor, &at)).await;
        deal
    }

    /// A funded contract whose first milestone is approved: its money can be released.
    pub async fn approved_contract(&self) -> Deal {
        let deal = self.submitted_contract().await;
        let (homeowner, at) = (deal.homeowner.player().clone(), deal.place(0));
        self.on_stage(move |stage| stage.approve(&homeowner, &at)).await;
        deal
    }

    /// A contract with every milestone released: it and its job are completed, reviews are open.
    pub async fn completed_contract(&self) -> Deal {
        let deal = self.contract().await;
        self.complete(deal).await
    }

    /// A contract that waits for signatures is gone through with, to the last release.
    pub async fn complete(&self, deal: Deal) -> Deal {
        let deal = self.fund(deal).await;
        let (homeowner, contractor) = (deal.homeowner.player().clone(), deal.contractor.player().clone());
        let (places, escrow) = (deal.places.clone(), parse::<EscrowId>(&deal.escrow));
        self.on_stage(move |stage| {
            for at in &places {
                stage.start(&contractor, at)?;
                stage.submit(&contractor, at)?;
                stage.approve(&homeowner, at)?;
                stage.release(&contractor, escrow, at.milestone, None)?;
            }
            Ok(())
        })
        .await;
        // The contract hears of its last release by an event.
        self.settle().await;
        deal
    }

    async fn job(&self, homeowner: &Person, reveal: Reveal, publish_as: PublishAs) -> JobId {
        let player = homeowner.player().clone();
        let posted = self
            .on_stage(move |stage| {
                let posting = Posting {
                    title: "Paint the fence",
                    description: "Forty feet of cedar, both sides, two coats.",
                    category: "painting",
                    budget_max: 150_000,
                    reveal,
                    publish_as,
                    bidding_deadline: None,
                };
                stage.post(&player, &posting)
            })
            .await;
        posted.job.id
    }

    async fn bid_of(&self, contractor: &Person, job: &str, parts: &[(&'static str, i64)]) -> String {
        let (player, job, parts) = (contractor.player().clone(), parse::<JobId>(job), parts.to_vec());
        self.on_stage(move |stage| stage.bid(&player, job, &parts)).await.id.to_string()
    }

    /// Runs blocking work on the services, beside the test's own async thread.
    pub(crate) async fn on_stage<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&Stage) -> Result<T, StageError> + Send + 'static,
    {
        let stage = Stage::new(&self.platform, settings());
        match tokio::task::spawn_blocking(move || work(&stage)).await {
            Ok(Ok(value)) => value,
            Ok(Err(error)) => panic!("the stage could not be set: {error}"),
            Err(error) => panic!("the stage could not be set: {error}"),
        }
    }
}

impl Deal {
    /// The path of the contract.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/api/contracts/{}", self.contract)
    }

    /// The path of its milestone at that place, from 0.
    ///
    /// # Panics
    /// When it has not so many.
    #[must_use]
    pub fn milestone_path(&self, index: usize) -> String {
        format!("/api/contracts/{}/milestones/{}", self.contract, self.milestone(index))
    }

    /// The id of its milestone at that place, from 0.
    ///
    /// # Panics
    /// When it has not so many.
    #[must_use]
    pub fn milestone(&self, index: usize) -> &str {
        match self.milestones.get(index) {
            Some(milestone) => milestone,
            None => panic!("the contract has {} milestones", self.milestones.len()),
        }
    }

    fn place(&self, index: usize) -> MilestoneRef {
        match self.places.get(index) {
            Some(place) => *place,
            None => panic!("the contract has {} milestones", self.places.len()),
        }
    }
}

impl Person {
    /// As services see this person.
    ///
    /// # Panics
    /// For somebody signed out.
    #[must_use]
    pub fn player(&self) -> &Player {
        match &self.player {
            Some(player) => player,
            None => panic!("nobody is signed in"),
        }
    }
}

fn parse<T: kernel::TypedId>(id: &str) -> T {
    match id.parse() {
        Ok(id) => id,
        Err(error) => panic!("{id}: {error}"),
    }
}
