//! What is held about somebody, and what is left of somebody who is forgotten.

use std::sync::Barrier;

use database::Tx;
use identity::{Blocker, PersonalData};
use kernel::{Actor, Classify, PersonId};
use marketplace::{
    BidChange, BidId, BidParts, BidPatch, BidStatus, Description, JobId, Line, LineKind, MarketplaceCommands,
    MarketplaceQueries, NewBid, NewJob, NewReview, OpenReview, PageRequest, PublishAs, Rejection, Reveal,
    ReviewCommands, ReviewQueries, ReviewText, Stars, Title,
};
use serde_json::Value;
use uuid::Uuid;

use crate::world::{World, bathroom, bid_of};

impl World {
    /// As an erasure does it: the person's row is locked first.
    pub(crate) fn erase(&self, actor: &Actor) -> Result<(), identity::Error> {
        let person = actor.person.unwrap();
        self.database.db.transaction(|tx| {
            lock_out(tx, person);
            let blockers = self.market.blockers(tx, person)?;
            assert_eq!(blockers, [], "nothing is in the way");
            self.market.erase(tx, person)
        })
    }

    fn blockers(&self, actor: &Actor) -> Vec<Blocker> {
        let person = actor.person.unwrap();
        self.database.db.transaction(|tx| self.market.blockers(tx, person)).unwrap()
    }

    fn held_about(&self, actor: &Actor) -> Value {
        let person = actor.person.unwrap();
        self.database.db.read(|conn| self.market.held_about(conn, person)).unwrap().data
    }

    /// How many rows of the marketplace have this in any of their texts.
    fn traces(&self, text: &str) -> i64 {
        ["jobs", "job_addresses", "bids", "bid_revisions", "reviews"]
            .map(|table| self.count(&format!("marketplace.{table} one WHERE one::text ILIKE '%{text}%'")))
            .into_iter()
            .sum()
    }

    fn review(&self, author: &Actor, contract_id: Uuid, text: &str) {
        let stars = |stars| Stars::new(stars).unwrap();
        let review = NewReview {
            contract_id,
            rating: stars(5),
            quality: stars(4),
            timeliness: stars(3),
            communication: stars(2),
            text: Some(ReviewText::new(text).unwrap()),
        };
        self.market.submit_review(author, review).unwrap();
    }

    /// A job between these two that has come to its end.
    fn done(&self, owner: &Actor, contractor: &Actor, job: JobId, bid: BidId) -> Uuid {
        let contract_id = Uuid::now_v7();
        self.award(owner, bid).unwrap();
        self.database
            .db
            .transaction(|tx| {
                marketplace::record_work_started(tx, job)?;
                marketplace::record_completion(tx, job)?;
                let (homeowner, contractor) = (owner.party, contractor.party);
                let ended_at = tx.now()?;
                marketplace::open_review(
                    tx,
                    OpenReview { contract_id, job_id: job, homeowner, contractor, ended_at },
                )
            })
            .unwrap();
        contract_id
    }
}

/// What identity does before it asks anybody.
fn lock_out(tx: &mut Tx<'_>, person: PersonId) {
    use diesel::prelude::*;
    let lock = format!("SELECT 1 FROM identity.people WHERE id = '{}' FOR UPDATE", person.uuid());
    diesel::sql_query(lock).execute(tx.conn()).unwrap();
}

/// A job that tells who posted it.
fn telling_job() -> NewJob {
    NewJob {
        title: Title::new("Wisteria's bathroom").unwrap(),
        description: Description::new("Ask for Wisteria Quillfeather at 12 Oak Street").unwrap(),
        ..bathroom()
    }
}

/// A bid that tells whom it is for, and from whom.
fn telling_bid(job_id: JobId) -> NewBid {
    let line = Line::new(LineKind::Labour, "For Mrs Quillfeather", 150_000).unwrap();
    let parts = BidParts {
        lines: vec![line],
        terms: Some("Dear Wisteria Quillfeather, I come to 12 oak street. Yours, Ozymandias".to_owned()),
        ..bid_of(job_id, 150_000).parts
    };
    NewBid { job_id, currency: None, parts }
}

#[test]
fn an_owner_takes_jobs_addresses_and_words_along() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Wisteria Quillfeather"), world.contractor("Ozymandias Thornbury"));
    let done = world.post(&ada, telling_job()).job.id;
    let bid = world.market.submit_bid(bob.contractor().unwrap(), telling_bid(done)).unwrap();
    let contract = world.done(&ada, &bob, done, bid.id);
    world.review(&ada, contract, "Ozymandias came on time, says Wisteria");
    world.review(&bob, contract, "Wisteria was kind. A pleasure.");
    let open = world.post(&ada, NewJob { reveal: Reveal::AtClose, ..telling_job() }).job.id;
    let waiting = world.market.submit_bid(bob.contractor().unwrap(), telling_bid(open)).unwrap();
    world.post(&ada, NewJob { publish_as: PublishAs::Draft, ..telling_job() });
    world.erase(&ada).unwrap();

    for trace in ["Wisteria", "Quillfeather", "Oak Street", "Austin", "78701"] {
        assert_eq!(world.traces(trace), 0, "{trace}");
    }
    assert_eq!(world.count("marketplace.jobs"), 2, "the draft is gone");
    assert_eq!(world.count("marketplace.jobs WHERE public_latitude IS NOT NULL OR skills <> '{}'"), 0);
    let seen = world.market.job(Some(&bob), done).unwrap();
    assert_eq!((seen.job.title.as_str(), seen.job.description.as_str()), ("Removed job", "Removed"));
    assert_eq!(seen.address, None);
    assert_eq!(world.events("job.cancelled"), 1);
    assert_eq!(world.events("bid.expired"), 1, "the bidder is told as of any cancelled job");
    let own = world.market.list_bids_of_job(&bob, open, PageRequest::default()).unwrap().items.remove(0).bid;
    assert_eq!((own.id, own.status), (waiting.id, BidStatus::Expired));
    let terms = own.parts.terms.unwrap();
    assert_eq!(terms, "Dear Former member, I come to [removed]. Yours, Ozymandias");
    assert_eq!(own.proof, None, "what was changed cannot be proved");
    assert_eq!(own.receipt.len(), 64);
    let page = world.market.list_reviews(ada.party, None, PageRequest::default()).unwrap();
    assert_eq!(page.items[0].text.as_deref(), Some("Former member was kind. A pleasure."));
    let page = world.market.list_reviews(bob.party, None, PageRequest::default()).unwrap();
    assert_eq!((page.items[0].text.as_deref(), page.items[0].rating), (None, 5));
    assert_eq!((page.summary.count, page.summary.mean), (1, Some(5.0)));
}

#[test]
fn a_bidder_takes_its_words_along_and_leaves_its_figures() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Wisteria Quillfeather"), world.contractor("Ozymandias Thornbury"));
    let lost = world.open_job(&ada);
    let refused = world.market.submit_bid(bob.contractor().unwrap(), telling_bid(lost)).unwrap();
    let reason = Rejection { reason: marketplace::Reason::new("Not Ozymandias again").ok() };
    let change = BidChange { bid_id: refused.id, if_version: None, change: reason };
    world.market.reject_bid(ada.homeowner().unwrap(), change).unwrap();
    let job =
        world.post(&ada, NewJob { description: Description::new("Only Thornbury").unwrap(), ..bathroom() });
    let bid = world.market.submit_bid(bob.contractor().unwrap(), telling_bid(job.job.id)).unwrap();
    let contract = world.done(&ada, &bob, job.job.id, bid.id);
    world.review(&bob, contract, "Yours, Ozymandias");
    world.review(&ada, contract, "Mr. Thornbury is good");
    let live = world.open_job(&ada);
    let waiting = world.market.submit_bid(bob.contractor().unwrap(), telling_bid(live)).unwrap();
    let patch = BidPatch { amount: Some(140_000), lines: Some(vec![]), ..BidPatch::default() };
    let change = BidChange { bid_id: waiting.id, if_version: None, change: patch };
    world.market.revise_bid(bob.contractor().unwrap(), change).unwrap();
    world.erase(&bob).unwrap();

    for trace in ["Ozymandias", "Thornbury"] {
        assert_eq!(world.traces(trace), 0, "{trace}");
    }
    assert_eq!(world.count("marketplace.bids WHERE status = 'WITHDRAWN'"), 1);
    assert_eq!(world.events("bid.withdrawn"), 1);
    assert_eq!(
        world.count("marketplace.bid_revisions WHERE canonical <> '' OR salt ~ '[^0]' OR terms IS NOT NULL"),
        0
    );
    let seen = world.market.list_bids_of_job(&ada, live, PageRequest::default()).unwrap().items.remove(0).bid;
    assert_eq!((seen.status, seen.parts.amount, seen.revision), (BidStatus::Withdrawn, 140_000, 2));
    assert_eq!((seen.parts.terms, seen.proof), (None, None));
    let seen = world.market.job(Some(&ada), job.job.id).unwrap().job;
    assert_eq!(seen.description, "Only Former member");
    assert_eq!(seen.title, "Tile the bathroom", "the owner's own words stay");
    let page = world.market.list_reviews(bob.party, None, PageRequest::default()).unwrap();
    assert_eq!(page.items[0].text.as_deref(), Some("Mr. Former member is good"));
}

#[test]
fn a_second_time_changes_nothing_more() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Wisteria Quillfeather"), world.contractor("Ozymandias Thornbury"));
    world
        .market
        .submit_bid(bob.contractor().unwrap(), telling_bid(world.post(&ada, telling_job()).job.id))
        .unwrap();
    world.erase(&bob).unwrap();
    world.erase(&ada).unwrap();
    let rows = || world.count("(SELECT sum(version) AS n FROM marketplace.jobs) s, generate_series(1, s.n)");
    let (before, events) = (rows(), world.count("outbox.events"));
    world.erase(&ada).unwrap();
    world.erase(&bob).unwrap();
    assert_eq!((rows(), world.count("outbox.events")), (before, events));
}

#[test]
fn a_job_under_way_holds_both_sides() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    assert_eq!(world.blockers(&ada), []);
    world.award(&ada, bid.id).unwrap();
    for party in [&ada, &bob] {
        let [blocker] = <[Blocker; 1]>::try_from(world.blockers(party)).unwrap();
        assert_eq!((blocker.code, blocker.kind, blocker.id), ("job_under_way", "job", job.to_string()));
    }
    assert_eq!(world.blockers(&world.contractor("Eve")), []);
}

#[test]
fn an_account_is_complete_and_tells_of_nobody_else() {
    let world = World::new();
    let (ada, bob, cid) = (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cid"));
    let sealed = world.sealed_job(&ada);
    let bid = world.bid(&bob, sealed, 150_000);
    world.bid(&cid, sealed, 140_000);
    let patch = BidPatch { amount: Some(145_000), ..BidPatch::default() };
    let change = BidChange { bid_id: bid.id, if_version: None, change: patch };
    world.market.revise_bid(bob.contractor().unwrap(), change).unwrap();

    let held = world.held_about(&bob);
    let amounts: Vec<_> = held["bids"].as_array().unwrap().iter().map(|bid| bid["amount"].clone()).collect();
    assert_eq!(amounts, [150_000, 145_000], "every revision, and nobody else's");
    assert!(held["bids"][0]["proof"].is_null(), "before the reveal the proof is for nobody");
    assert_eq!(held["bids"][0]["terms"], "For 150000 in all");
    assert_eq!(held["jobs"], serde_json::json!([]));
    let held = world.held_about(&ada);
    assert_eq!(held["jobs"][0]["address"]["street"], "12 Oak Street");
    assert_eq!(held["jobs"][0]["address"]["point"]["lat"], 30.267_153);
    assert_eq!(held["bids"], serde_json::json!([]));

    world.advance_days(15);
    let (proven, revised) = (&world.held_about(&bob)["bids"][0]["proof"], bid.receipt);
    let proof = marketplace::Proof {
        canonical: proven["canonical"].as_str().unwrap().to_owned(),
        salt: proven["salt"].as_str().unwrap().to_owned(),
    };
    assert!(marketplace::rules::matches(&revised, &proof));
}

#[test]
fn a_hidden_review_about_somebody_is_not_theirs_to_read() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000).id;
    let contract = world.done(&ada, &bob, job, bid);
    world.review(&ada, contract, "Good");
    assert_eq!(world.held_about(&ada)["reviewsWritten"][0]["text"], "Good");
    assert_eq!(world.held_about(&bob)["reviewsReceived"], serde_json::json!([]));
    world.review(&bob, contract, "Kind");
    assert_eq!(world.held_about(&bob)["reviewsReceived"][0]["text"], "Good");
    assert_eq!(world.held_about(&bob)["rating"]["count"], 1);
}

/// An erasure of the bidder and the award of its bid at the same moment: never is somebody chosen who is gone.
#[test]
fn nobody_is_chosen_who_is_being_erased() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let (mut erased, mut chosen) = (0, 0);
    for round in 0..20 {
        let bob = world.contractor("Bob");
        let job = world.open_job(&ada);
        let bid = world.bid(&bob, job, 150_000).id;
        let person = bob.person.unwrap();
        let start = Barrier::new(2);
        let (award, forgotten) = std::thread::scope(|scope| {
            let award = scope.spawn(|| {
                start.wait();
                world.award(&ada, bid)
            });
            let erasure = scope.spawn(|| {
                start.wait();
                world.database.db.transaction(|tx| {
                    lock_out(tx, person);
                    if !world.market.blockers(tx, person)?.is_empty() {
                        return Ok(false);
                    }
                    world.market.erase(tx, person)?;
                    Ok::<_, identity::Error>(true)
                })
            });
            (award.join().unwrap(), erasure.join().unwrap().unwrap())
        });
        assert_ne!(award.is_ok(), forgotten, "round {round}: one of the two");
        if let Err(refused) = award {
            assert_eq!(refused.code(), "bid_state", "round {round}");
            erased += 1;
        } else {
            chosen += 1;
        }
    }
    assert_eq!(erased + chosen, 20);
}
