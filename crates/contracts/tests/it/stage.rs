//! Where the tests play: a database, the two services, and people with jobs and bids.

use std::sync::Arc;

use chrono::NaiveDate;
use contracts::{
    AcceptBid, AddMilestone, ContractId, ContractView, ContractsCommands, ContractsQueries, ContractsService,
    Deliverables, DocumentHash, Milestone, MilestoneId, MilestoneRef, ReleasedHow, SignContract,
    TargetAmount, WorkDays,
};
use identity::{Keys, Secrets, Vault};
use kernel::{Actor, Currency, Limit, PersonId, Role, SessionId};
use marketplace::{
    Address, BidId, BidMilestone, BidParts, Budget, Category, Country, Description, JobId,
    MarketplaceCommands, MarketplaceService, NewBid, NewJob, Place, PublishAs, Reveal, Skills, Title,
    Urgency,
};
use outbox::Registry;
use testing::TestDatabase;

pub(crate) struct Stage {
    pub(crate) database: TestDatabase,
    pub(crate) contracts: Arc<ContractsService>,
    pub(crate) marketplace: MarketplaceService,
    pub(crate) homeowner: Actor,
    pub(crate) contractor: Actor,
    registry: Registry,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let database = TestDatabase::new();
        let keys = Keys::derive(&Secrets::random()).unwrap();
        let vault = Vault::new(keys, &identity::Settings::default());
        let marketplace = MarketplaceService::new(
            database.db.clone(),
            Arc::new(database.clock.clone()),
            marketplace::Settings::default(),
        );
        let contracts =
            Arc::new(ContractsService::new(database.db.clone(), vault, contracts::Settings::default()));
        let mut registry = Registry::new();
        contracts::register(&mut registry, Arc::clone(&contracts));
        let homeowner = person(&database, Role::Homeowner, "Ada Lovelace");
        let contractor = person(&database, Role::Contractor, "Grace Hopper");
        Self { database, contracts, marketplace, homeowner, contractor, registry }
    }

    pub(crate) fn person(&self, role: Role, name: &str) -> Actor {
        person(&self.database, role, name)
    }

    /// An open job of the homeowner.
    pub(crate) fn job(&self) -> JobId {
        let place = |text: &str| Place::new(text).unwrap();
        let job = NewJob {
            title: Title::new("New roof").unwrap(),
            description: Description::new("Old roof off, new roof on.").unwrap(),
            category: Category::new("appliances").unwrap(),
            skills: Skills::new::<&str>(&[]).unwrap(),
            address: Address {
                street: place("1 Elm Street"),
                unit: None,
                city: place("Springfield"),
                region: None,
                postal_code: None,
                country: Country::new("US").unwrap(),
                point: None,
            },
            budget: Budget::new(None, None).unwrap(),
            currency: Currency::USD,
            urgency: Urgency::Normal,
            wanted_start: None,
            bidding_deadline: None,
            reveal: Reveal::OnArrival,
            publish_as: PublishAs::Open,
        };
        self.marketplace.post_job(self.homeowner.homeowner().unwrap(), job).unwrap().job.id
    }

    /// A bid of this contractor, with milestones of these amounts.
    pub(crate) fn bid(&self, contractor: &Actor, job_id: JobId, amounts: &[i64]) -> BidId {
        self.bid_of(contractor, job_id, amounts.iter().sum(), amounts)
    }

    /// A bid of this price.
    pub(crate) fn bid_of(&self, contractor: &Actor, job_id: JobId, amount: i64, amounts: &[i64]) -> BidId {
        let milestones: Vec<BidMilestone> = (1..)
            .zip(amounts)
            .map(|(number, amount)| {
                BidMilestone::new(&format!("Part {number}"), None, *amount, None).unwrap()
            })
            .collect();
        let parts = BidParts {
            amount,
            lines: Vec::new(),
            milestones,
            terms: Some("Scaffold included.".to_owned()),
            start_date: None,
            duration_days: Some(10),
            valid_until: None,
        };
        let bid = NewBid { job_id, currency: None, parts };
        self.marketplace.submit_bid(contractor.contractor().unwrap(), bid).unwrap().id
    }

    /// Accepts a bid as the homeowner.
    pub(crate) fn accept(&self, bid: BidId) -> Result<ContractView, contracts::Error> {
        let command = AcceptBid { bid, revision: None, inspection_days: None };
        self.contracts.accept_bid(self.homeowner.homeowner().unwrap(), &command)
    }

    /// A contract that waits for signatures, with milestones of these amounts.
    pub(crate) fn unsigned(&self, amounts: &[i64]) -> ContractView {
        let job = self.job();
        self.accept(self.bid(&self.contractor, job, amounts)).unwrap()
    }

    /// A contract that both signed.
    pub(crate) fn signed(&self, amounts: &[i64]) -> ContractId {
        let id = self.unsigned(amounts).contract.id;
        self.sign(&self.homeowner, id).unwrap();
        self.sign(&self.contractor, id).unwrap();
        id
    }

    /// Signs what stands there to be signed.
    pub(crate) fn sign(&self, who: &Actor, id: ContractId) -> Result<ContractView, contracts::Error> {
        let hash = self.contracts.get_document(who, id)?.sha256;
        self.contracts.sign(who, &signature(id, hash))
    }

    pub(crate) fn milestones(&self, id: ContractId) -> Vec<Milestone> {
        let page =
            self.contracts.list_milestones(&self.homeowner, id, Limit::new(100).unwrap(), None).unwrap();
        page.items.into_iter().map(|view| view.milestone).collect()
    }

    pub(crate) fn milestone(&self, id: ContractId, place: usize) -> Milestone {
        self.milestones(id).swap_remove(place)
    }

    /// Does what escrow does when a deposit has arrived.
    pub(crate) fn fund(&self, id: ContractId) {
        let ids: Vec<MilestoneId> = self.milestones(id).iter().map(|milestone| milestone.id).collect();
        self.database.db.transaction(|tx| contracts::record_funded(tx, id, &ids)).unwrap();
    }

    /// Does what escrow does when all of a milestone's money was released.
    pub(crate) fn release(&self, id: ContractId, milestone: MilestoneId) -> Result<(), contracts::Error> {
        self.database.db.transaction(|tx| {
            contracts::lock_milestones(tx, id)?;
            contracts::record_released(tx, id, milestone, ReleasedHow::ByService, "test")
        })
    }

    /// A contract whose first milestone waits for the homeowner's word.
    pub(crate) fn submitted(&self, amounts: &[i64]) -> (ContractId, MilestoneRef) {
        let id = self.signed(amounts);
        self.fund(id);
        let at = at(id, self.milestone(id, 0).id);
        let contractor = self.contractor.contractor().unwrap();
        self.contracts.start_milestone(contractor, &at).unwrap();
        self.contracts.submit_milestone(contractor, &at).unwrap();
        (id, at)
    }

    /// Runs all that is due by the clock.
    pub(crate) fn run_due(&self) {
        outbox::run_due(&self.database.db, &self.registry).unwrap();
    }

    /// Turns the clock forward and runs all that is due then.
    pub(crate) fn after_hours(&self, hours: u64) {
        self.database.clock.advance(std::time::Duration::from_secs(hours * 3600));
        self.run_due();
    }

    /// How often an event was published.
    pub(crate) fn told(&self, name: &str) -> i64 {
        self.database.count(&format!("outbox.events WHERE name = '{name}'"))
    }
}

pub(crate) fn at(contract: ContractId, milestone: MilestoneId) -> MilestoneRef {
    MilestoneRef { contract, milestone, if_version: None }
}

/// A milestone to add, its amount taken from the last one.
pub(crate) fn add(contract: ContractId, title: &str, amount: i64, due: NaiveDate) -> AddMilestone {
    AddMilestone {
        contract,
        from: None,
        title: contracts::Title::new(title).unwrap(),
        description: None,
        deliverables: Deliverables::default(),
        amount: TargetAmount::new(amount).unwrap(),
        days: WorkDays::new(None, due).unwrap(),
        if_version: None,
    }
}

pub(crate) fn signature(contract: ContractId, document_sha256: DocumentHash) -> SignContract {
    SignContract {
        contract,
        document_sha256,
        address: Some("203.0.113.9".to_owned()),
        user_agent: Some("tests".to_owned()),
        if_version: None,
    }
}

/// Somebody signed in, verified in every respect. Registering is identity's matter and costs a password's hash each time; here
/// only the rows count.
fn person(database: &TestDatabase, role: Role, name: &str) -> Actor {
    let id = PersonId::new();
    let uuid = id.uuid();
    database.execute(&format!(
        "INSERT INTO identity.people (id, role, email, email_canonical, email_verified_at, password_hash, pepper_id, full_name,
            time_zone, created_at, updated_at)
         VALUES ('{uuid}', '{}', '{uuid}@example.com', '{uuid}@example.com', app.clock(), 'x', 'x', '{name}', 'UTC', app.clock(),
            app.clock())",
        role.as_str()
    ));
    if role == Role::Contractor {
        database.execute(&format!(
            "INSERT INTO identity.verifications (id, contractor_id, state, submitted_at, decided_at, decided_by, valid_until)
             VALUES (gen_random_uuid(), '{uuid}', 'APPROVED', app.clock(), app.clock(), '{uuid}', app.clock() + interval '1 year')"
        ));
    }
    Actor::person(id, role, SessionId::new(), true, "test")
}
