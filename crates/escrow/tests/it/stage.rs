//! Where the tests play: a database, the services, the simulated provider beside it, and people with contracts.

use std::sync::Arc;
use std::time::Duration;

use contracts::{
    AcceptBid, ContractId, ContractsCommands, ContractsQueries, ContractsService, MilestoneId, MilestoneRef,
    SignContract,
};
use database::{Db, PoolConfig};
use escrow::provider::{NewTransfer, PaymentMethod, SignatureSecret, SimulatedProvider, SimulatedSettings};
use escrow::{
    Confirm, Deposit, DepositOutcome, Error, Escrow, EscrowCommands, EscrowId, EscrowQueries, EscrowService,
    LedgerReport, NewEscrow, Payment, PaymentId, PaymentProvider, Release, ReleaseOutcome, Settings,
    TrialBalance,
};
use identity::{Keys, Secrets, Vault};
use kernel::{Actor, Currency, Limit, Money, PersonId, Role, SessionId};
use marketplace::{
    Address, BidMilestone, BidParts, Budget, Category, Country, Description, MarketplaceCommands,
    MarketplaceService, NewBid, NewJob, Place, PublishAs, Reveal, Skills, Title, Urgency,
};
use outbox::Registry;
use testing::TestDatabase;

pub(crate) const VISA: &str = "pm_card_visa";

pub(crate) struct Stage {
    pub(crate) database: TestDatabase,
    pub(crate) escrow: Arc<EscrowService>,
    pub(crate) provider: Arc<SimulatedProvider>,
    pub(crate) contracts: Arc<ContractsService>,
    marketplace: MarketplaceService,
    pub(crate) homeowner: Actor,
    pub(crate) contractor: Actor,
    registry: Registry,
}

/// An escrow account with its milestones, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: EscrowId,
    pub(crate) contract: ContractId,
    pub(crate) milestones: Vec<MilestoneId>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(SimulatedSettings::default())
    }

    pub(crate) fn with(simulated: SimulatedSettings) -> Self {
        Self::over(TestDatabase::new(), simulated)
    }

    pub(crate) fn over(database: TestDatabase, simulated: SimulatedSettings) -> Self {
        let clock = Arc::new(database.clock.clone());
        let vault = Vault::new(Keys::derive(&Secrets::random()).unwrap(), &identity::Settings::default());
        let marketplace =
            MarketplaceService::new(database.db.clone(), clock.clone(), marketplace::Settings::default());
        let contracts =
            Arc::new(ContractsService::new(database.db.clone(), vault, contracts::Settings::default()));
        // Connections of its own: it is somebody else's system.
        let outside =
            Db::connect(&PoolConfig { max_connections: 8, ..PoolConfig::new(&database.url) }).unwrap();
        let secret = SignatureSecret::new("whsec_test");
        let provider = Arc::new(SimulatedProvider::new(outside, clock, secret, simulated));
        let escrow = Arc::new(EscrowService::new(database.db.clone(), provider.clone(), Settings::default()));
        let mut registry = Registry::new();
        contracts::register(&mut registry, Arc::clone(&contracts));
        escrow::register(&mut registry, &escrow);
        let homeowner = person(&database, Role::Homeowner, "Ada Lovelace");
        let contractor = person(&database, Role::Contractor, "Grace Hopper");
        Self { database, escrow, provider, contracts, marketplace, homeowner, contractor, registry }
    }

    pub(crate) fn person(&self, role: Role) -> Actor {
        person(&self.database, role, "Someone Else")
    }

    /// A contract that both signed, with milestones of these amounts.
    pub(crate) fn contract(&self, amounts: &[i64]) -> ContractId {
        let id = self.unsigned_contract(amounts);
        for who in [&self.homeowner, &self.contractor] {
            let document_sha256 = self.contracts.get_document(who, id).unwrap().sha256;
            let command = SignContract {
                contract: id,
                document_sha256,
                address: None,
                user_agent: None,
                if_version: None,
            };
            self.contracts.sign(who, &command).unwrap();
        }
        id
    }

    pub(crate) fn unsigned_contract(&self, amounts: &[i64]) -> ContractId {
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
        let job_id = self.marketplace.post_job(self.homeowner.homeowner().unwrap(), job).unwrap().job.id;
        let milestones = (1..)
            .zip(amounts)
            .map(|(number, amount)| {
                BidMilestone::new(&format!("Part {number}"), None, *amount, None).unwrap()
            })
            .collect();
        let parts = BidParts {
            amount: amounts.iter().sum(),
            lines: Vec::new(),
            milestones,
            terms: None,
            start_date: None,
            duration_days: Some(10),
            valid_until: None,
        };
        let bid = NewBid { job_id, currency: None, parts };
        let bid = self.marketplace.submit_bid(self.contractor.contractor().unwrap(), bid).unwrap().id;
        let accept = AcceptBid { bid, revision: None, inspection_days: None };
        self.contracts.accept_bid(self.homeowner.homeowner().unwrap(), &accept).unwrap().contract.id
    }

    /// An open escrow account of a new contract; nothing is paid in.
    pub(crate) fn account(&self, amounts: &[i64]) -> Account {
        let contract = self.contract(amounts);
        let escrow = self.open(contract).unwrap();
        let milestones = escrow.schedule.iter().map(|entry| entry.milestone_id).collect();
        Account { id: escrow.id, contract, milestones }
    }

    pub(crate) fn open(&self, contract_id: ContractId) -> Result<Escrow, Error> {
        self.escrow.create_escrow(self.homeowner.homeowner().unwrap(), NewEscrow { contract_id })
    }

    /// An escrow account with everything paid in.
    pub(crate) fn funded(&self, amounts: &[i64]) -> Account {
        let account = self.account(amounts);
        let outcome = self.deposit(&account, Some(VISA)).unwrap();
        assert_eq!(outcome.payment.status, escrow::PaymentStatus::Succeeded);
        account
    }

    /// An escrow account with everything paid in and every milestone approved.
    pub(crate) fn approved(&self, amounts: &[i64]) -> Account {
        let account = self.funded(amounts);
        for milestone in &account.milestones {
            self.approve(&account, *milestone);
        }
        account
    }

    pub(crate) fn approve(&self, account: &Account, milestone: MilestoneId) {
        let at = MilestoneRef { contract: account.contract, milestone, if_version: None };
        let contractor = self.contractor.contractor().unwrap();
        self.contracts.start_milestone(contractor, &at).unwrap();
        self.contracts.submit_milestone(contractor, &at).unwrap();
        self.contracts.approve_milestone(self.homeowner.homeowner().unwrap(), &at).unwrap();
    }

    pub(crate) fn deposit(&self, account: &Account, method: Option<&str>) -> Result<DepositOutcome, Error> {
        self.deposit_for(account, None, None, method)
    }

    pub(crate) fn deposit_for(
        &self,
        account: &Account,
        milestones: Option<Vec<MilestoneId>>,
        amount: Option<i64>,
        method: Option<&str>,
    ) -> Result<DepositOutcome, Error> {
        let method = method.map(|token| PaymentMethod::new(token).unwrap());
        let deposit = Deposit::new(PaymentId::new(), account.id, milestones, amount, method).unwrap();
        self.escrow.deposit(self.homeowner.homeowner().unwrap(), deposit)
    }

    pub(crate) fn confirm(&self, payment: &Payment, method: Option<&str>) -> Result<DepositOutcome, Error> {
        let payment_method = method.map(|token| PaymentMethod::new(token).unwrap());
        self.escrow.confirm_payment(
            self.homeowner.homeowner().unwrap(),
            Confirm { payment_id: payment.id, payment_method },
        )
    }

    pub(crate) fn release(
        &self,
        account: &Account,
        milestone: usize,
        amount: Option<i64>,
    ) -> Result<ReleaseOutcome, Error> {
        let command = Release::new(account.id, account.milestones[milestone], amount).unwrap();
        self.escrow.release_milestone(&self.homeowner, command)
    }

    pub(crate) fn escrow(&self, account: &Account) -> Escrow {
        self.escrow.escrow(&self.homeowner, account.id).unwrap()
    }

    /// How a milestone stands.
    pub(crate) fn state(&self, account: &Account, milestone: usize) -> &'static str {
        let limit = Limit::new(100).unwrap();
        let page = self.contracts.list_milestones(&self.homeowner, account.contract, limit, None).unwrap();
        let found = page.items.iter().find(|view| view.milestone.id == account.milestones[milestone]);
        found.unwrap().milestone.status.as_str()
    }

    pub(crate) fn payment(&self, account: &Account) -> Payment {
        let summary = self.escrow.contract_summary(&self.homeowner, account.contract).unwrap();
        summary.payments.into_iter().next().unwrap()
    }

    /// What the provider calls a payment.
    pub(crate) fn database_intent(&self, payment: &Payment) -> String {
        let summary = self.escrow.contract_summary(&self.homeowner, payment.contract_id).unwrap();
        let found = summary.payments.into_iter().find(|one| one.id == payment.id).unwrap();
        found.provider_intent_id.unwrap()
    }

    pub(crate) fn trial_balance(&self) -> TrialBalance {
        self.escrow.trial_balance(Actor::system("test").admin().unwrap()).unwrap()
    }

    /// The balance of a kind of account, a credit positive.
    pub(crate) fn balance(&self, kind: escrow::AccountKind) -> i64 {
        let lines = self.trial_balance().lines;
        lines.iter().filter(|line| line.kind == kind).map(|line| line.credit - line.debit).sum()
    }

    pub(crate) fn report(&self) -> LedgerReport {
        self.database.db.read(escrow::verify_ledger).unwrap()
    }

    /// What a proof finds after somebody who owns the tables changed rows with the guards switched off.
    pub(crate) fn report_after_tampering(&self, sql: &str) -> LedgerReport {
        for table in ["accounts", "transactions", "entries", "balances", "snapshots", "releases"] {
            self.database.execute(&format!("ALTER TABLE escrow.{table} DISABLE TRIGGER USER"));
        }
        self.database.execute(sql);
        self.report()
    }

    /// The books agree with themselves, with the contracts and with the provider.
    pub(crate) fn assert_books_are_right(&self) {
        assert_eq!(self.report().disagreements, []);
        assert_eq!(self.escrow.verify_provider().unwrap(), []);
        assert!(self.trial_balance().balanced);
    }

    /// The contractor owes this much, as after a refund that could not be recovered.
    pub(crate) fn owe(&self, amount: i64) {
        let owner = self.contractor.party.uuid();
        let house = uuid::Uuid::nil();
        self.database.execute(&format!(
            "SELECT escrow.post(gen_random_uuid(), 'REFUND', 'refund:test', NULL, NULL, 'test',
                 ARRAY[gen_random_uuid(), gen_random_uuid()], ARRAY['CONTRACTOR_DEBT', 'REFUND_CLEARING'],
                 ARRAY['USD', 'USD'], ARRAY['{owner}', '{house}']::uuid[], ARRAY[-{amount}, {amount}])"
        ));
    }

    /// Makes the transfer of a payout at the provider as the task would, without noting it.
    pub(crate) fn transfer_behind_our_back(&self, payout: &escrow::Payout) {
        let transfer = NewTransfer {
            reference: payout.id.to_string(),
            destination: self.provider.payee(payout.contractor).unwrap().unwrap(),
            amount: Money::new(payout.amount, Currency::USD).unwrap(),
            group: "test".to_owned(),
        };
        self.provider.transfer(&payout.id.to_string(), &transfer).unwrap();
    }

    /// Runs all that is due by the clock.
    pub(crate) fn run_due(&self) {
        outbox::run_due(&self.database.db, &self.registry).unwrap();
    }

    /// Turns the clock forward and runs all that is due then; what comes back is scheduled when workers look, so they look before.
    pub(crate) fn after(&self, duration: Duration) {
        self.run_due();
        self.database.clock.advance(duration);
        self.run_due();
    }

    /// Hands every webhook that is due to the service, as HTTP would, and says how many there were.
    pub(crate) fn deliver_webhooks(&self) -> usize {
        let webhooks = self.provider.take_due_webhooks().unwrap();
        for webhook in &webhooks {
            self.escrow.receive_webhook(&webhook.signature, &webhook.body).unwrap();
        }
        webhooks.len()
    }

    /// How often an event was published.
    pub(crate) fn told(&self, name: &str) -> i64 {
        self.database.count(&format!("outbox.events WHERE name = '{name}'"))
    }

    /// How many tasks gave up.
    pub(crate) fn parked(&self) -> i64 {
        self.database.count("outbox.tasks WHERE state = 'PARKED'")
    }
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// Somebody signed in, verified in every respect; registering is identity's matter.
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
