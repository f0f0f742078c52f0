//! A marketplace of a test's own, with people in it.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, Currency, PartyId, PersonId, Role, SessionId};
use marketplace::{
    Address, Award, Awarded, BidDetail, BidId, BidParts, Budget, Category, Country, Description, JobDetail,
    JobId, MarketplaceCommands, MarketplaceService, NewBid, NewJob, Place, PublishAs, Reveal, Settings,
    Skills, Title, Urgency,
};
use outbox::Registry;
use testing::TestDatabase;

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) market: MarketplaceService,
    registry: Registry,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(TestDatabase::new())
    }

    pub(crate) fn over(database: TestDatabase) -> Self {
        let market = MarketplaceService::new(
            database.db.clone(),
            Arc::new(database.clock.clone()),
            Settings::default(),
        );
        let mut registry = Registry::new();
        marketplace::register(&mut registry, Arc::new(market.clone()));
        Self { database, market, registry }
    }

    /// Somebody with an account.
    fn person(&self, name: &str, role: Role) -> Actor {
        let id = PersonId::new();
        let (uuid, role_word) = (id.uuid(), role.as_str());
        self.database.execute(&format!(
            "INSERT INTO identity.people (id, role, email, email_canonical, password_hash, pepper_id, full_name, time_zone, created_at, updated_at)
             VALUES ('{uuid}', '{role_word}', '{uuid}@example.org', '{uuid}@example.org', '', '', '{name}', 'UTC', app.clock(), app.clock())"
        ));
        Actor::person(id, role, SessionId::new(), true, "test")
    }

    pub(crate) fn homeowner(&self, name: &str) -> Actor {
        self.person(name, Role::Homeowner)
    }

    pub(crate) fn admin(&self) -> Actor {
        self.person("Root", Role::Admin)
    }

    pub(crate) fn unverified_contractor(&self, name: &str) -> Actor {
        self.person(name, Role::Contractor)
    }

    /// A contractor who may bid for ten years.
    pub(crate) fn contractor(&self, name: &str) -> Actor {
        let contractor = self.unverified_contractor(name);
        let (id, party) = (PersonId::new().uuid(), contractor.party.uuid());
        self.database.execute(&format!(
            "INSERT INTO identity.verifications (id, contractor_id, state, submitted_at, decided_at, valid_until)
             VALUES ('{id}', '{party}', 'APPROVED', app.clock(), app.clock(), app.clock() + interval '10 years')"
        ));
        contractor
    }

    pub(crate) fn post(&self, owner: &Actor, job: NewJob) -> JobDetail {
        self.market.post_job(owner.homeowner().unwrap(), job).unwrap()
    }

    /// An open job whose owner sees bids as they come.
    pub(crate) fn open_job(&self, owner: &Actor) -> JobId {
        self.post(owner, bathroom()).job.id
    }

    /// An open job whose bids are sealed until the deadline.
    pub(crate) fn sealed_job(&self, owner: &Actor) -> JobId {
        self.post(owner, NewJob { reveal: Reveal::AtClose, ..bathroom() }).job.id
    }

    pub(crate) fn bid(&self, contractor: &Actor, job: JobId, amount: i64) -> BidDetail {
        self.market.submit_bid(contractor.contractor().unwrap(), bid_of(job, amount)).unwrap()
    }

    pub(crate) fn award(&self, owner: &Actor, bid: BidId) -> Result<Awarded, marketplace::Error> {
        self.database.db.transaction(|tx| marketplace::award(tx, choice(bid, owner.party)))
    }

    pub(crate) fn advance_days(&self, days: u64) {
        self.database.clock.advance(Duration::from_secs(days * 24 * 60 * 60));
    }

    /// What time it is here.
    pub(crate) fn now(&self) -> kernel::Instant {
        use chrono::SubsecRound;
        kernel::Clock::now(&self.database.clock).trunc_subsecs(6)
    }

    /// Everything that is due by now.
    pub(crate) fn run_due(&self) -> usize {
        outbox::run_due(&self.database.db, &self.registry).unwrap()
    }

    pub(crate) fn count(&self, from: &str) -> i64 {
        self.database.count(from)
    }

    /// How many events of this name were written, about anything.
    pub(crate) fn events(&self, name: &str) -> i64 {
        self.count(&format!("outbox.events WHERE name = '{name}'"))
    }
}

pub(crate) fn choice(bid: BidId, owner: PartyId) -> Award {
    Award { bid, revision: None, owner, request_id: "test".to_owned() }
}

pub(crate) fn bid_of(job_id: JobId, amount: i64) -> NewBid {
    let parts = BidParts {
        amount,
        lines: vec![],
        milestones: vec![],
        terms: Some(format!("For {amount} in all")),
        start_date: None,
        duration_days: Some(5),
        valid_until: None,
    };
    NewBid { job_id, currency: None, parts }
}

pub(crate) fn bathroom() -> NewJob {
    let place = |text| Place::new(text).unwrap();
    NewJob {
        title: Title::new("Tile the bathroom").unwrap(),
        description: Description::new("Floor and walls, 12 square metres").unwrap(),
        category: Category::new("tiling").unwrap(),
        skills: Skills::new(&["tiling", "grout"]).unwrap(),
        address: Address {
            street: place("12 Oak Street"),
            unit: None,
            city: place("Austin"),
            region: Some(place("TX")),
            postal_code: Some(place("78701")),
            country: Country::new("US").unwrap(),
            point: Some(identity::geo::GeoPoint::new(30.267_153, -97.743_057).unwrap()),
        },
        budget: Budget::new(Some(100_000), Some(250_000)).unwrap(),
        currency: Currency::USD,
        urgency: Urgency::Normal,
        wanted_start: None,
        bidding_deadline: None,
        reveal: Reveal::OnArrival,
        publish_as: PublishAs::Open,
    }
}
