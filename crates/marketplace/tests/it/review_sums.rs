//! What reviews come to is kept; here it is made anew after every step of random histories, and has to be the same.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Uuid as SqlUuid};
use kernel::Actor;
use marketplace::rules::{self, RatingSums};
use marketplace::{
    Decision, PageRequest, ReviewChange, ReviewCommands, ReviewId, ReviewPatch, ReviewQueries, Settings,
    Stars,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::reviews::{finish, review};
use crate::world::World;

/// A step of a history; which review or contract it means is taken modulo those that there are.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A contract between these two comes to its end.
    Finish(usize, usize),
    Submit {
        contract: usize,
        by_contractor: bool,
        stars: i64,
    },
    Edit {
        review: usize,
        stars: i64,
    },
    Report {
        review: usize,
        reporter: usize,
    },
    Remove(usize),
    Keep(usize),
    /// So many days pass, and what is due is done.
    Days(u64),
    Erase(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let one = 0..64_usize;
    let stars = 1..=5_i64;
    prop_oneof![
        3 => (one.clone(), one.clone()).prop_map(|(ada, bob)| Step::Finish(ada, bob)),
        8 => (one.clone(), any::<bool>(), stars.clone())
            .prop_map(|(contract, by_contractor, stars)| Step::Submit { contract, by_contractor, stars }),
        3 => (one.clone(), stars).prop_map(|(review, stars)| Step::Edit { review, stars }),
        2 => (one.clone(), one.clone()).prop_map(|(review, reporter)| Step::Report { review, reporter }),
        4 => one.clone().prop_map(Step::Remove),
        4 => one.clone().prop_map(Step::Keep),
        2 => (1..10_u64).prop_map(Step::Days),
        1 => one.prop_map(Step::Erase),
    ]
}

struct History {
    world: World,
    homeowners: Vec<Actor>,
    contractors: Vec<Actor>,
    admin: Actor,
    contracts: Vec<(Uuid, Actor, Actor)>,
    reviews: Vec<(ReviewId, Actor)>,
    /// Who was erased does nothing any more.
    gone: Vec<Actor>,
}

impl History {
    fn begin() -> Self {
        let world = World::new();
        let homeowners = ["Ada", "Eve"].map(|name| world.homeowner(name)).to_vec();
        let contractors = ["Bob", "Cid"].map(|name| world.contractor(name)).to_vec();
        for contractor in &contractors {
            world.database.execute(&format!(
                "INSERT INTO marketplace.directory (party_id, listed, display_name, trades, skills, member_since, reviews, rating_rank, checked, named, told)
                 VALUES ('{}', true, 'Bob', '{{}}', '{{}}', app.clock(), 0, 400, '[]', '', '')",
                contractor.party.uuid()
            ));
        }
        let admin = world.admin();
        let (contracts, reviews, gone) = (Vec::new(), Vec::new(), Vec::new());
        Self { world, homeowners, contractors, admin, contracts, reviews, gone }
    }

    fn is_gone(&self, actor: &Actor) -> bool {
        self.gone.iter().any(|gone| gone.party == actor.party)
    }

    /// Refusals are part of every history; what matters is what is kept afterwards.
    fn take(&mut self, step: Step) {
        match step {
            Step::Finish(ada, bob) => {
                let ada = nth(&self.homeowners, ada).unwrap();
                let bob = nth(&self.contractors, bob).unwrap();
                if !self.is_gone(&ada) && !self.is_gone(&bob) {
                    self.contracts.push((finish(&self.world, &ada, &bob), ada, bob));
                }
            }
            Step::Submit { contract, by_contractor, stars } => {
                let Some((id, ada, bob)) = nth(&self.contracts, contract) else { return };
                let author = if by_contractor { bob } else { ada };
                if self.is_gone(&author) {
                    return;
                }
                if let Ok(review) = self.world.market.submit_review(&author, review(id, stars)) {
                    self.reviews.push((review.id, author));
                }
            }
            Step::Edit { review, stars } => {
                let Some((review_id, author)) = nth(&self.reviews, review) else { return };
                let stars = Stars::new(stars).unwrap();
                let change =
                    ReviewPatch { rating: Some(stars), quality: Some(stars), ..ReviewPatch::default() };
                let _ = self
                    .world
                    .market
                    .edit_review(&author, ReviewChange { review_id, if_version: None, change });
            }
            Step::Report { review, reporter } => {
                let Some((review, _)) = nth(&self.reviews, review) else { return };
                let _ = self.world.report(&self.somebody(reporter), review);
            }
            Step::Remove(review) => self.decide(review, Decision::Remove),
            Step::Keep(review) => self.decide(review, Decision::Keep),
            Step::Days(days) => {
                self.world.database.clock.advance(Duration::from_secs(days * 24 * 60 * 60));
                self.world.run_due();
            }
            Step::Erase(who) => {
                let person = self.somebody(who);
                // One of each has to go on.
                if self.gone.is_empty() {
                    self.world.erase(&person).unwrap();
                    self.gone.push(person);
                }
            }
        }
    }

    fn somebody(&self, n: usize) -> Actor {
        let everybody: Vec<Actor> = self.homeowners.iter().chain(&self.contractors).cloned().collect();
        nth(&everybody, n).unwrap()
    }

    fn decide(&self, review: usize, decision: Decision) {
        if let Some((review, _)) = nth(&self.reviews, review) {
            let _ = self.world.decide(&self.admin, review, decision);
        }
    }

    /// What is kept, what is listed and what is shown are what the published reviews come to, made anew.
    fn check(&self) {
        let anew = sums(&self.world, "SELECT subject_id, count(*)::integer AS reviews, sum(rating)::bigint AS rating,
             sum(quality)::bigint AS quality, sum(timeliness)::bigint AS timeliness, sum(communication)::bigint AS communication
             FROM marketplace.reviews WHERE status = 'PUBLISHED' GROUP BY subject_id");
        let kept = sums(&self.world, "SELECT subject_id, reviews, rating_sum AS rating, quality_sum AS quality,
             timeliness_sum AS timeliness, communication_sum AS communication FROM marketplace.ratings WHERE reviews > 0");
        assert_eq!(kept, anew);
        assert_eq!(
            self.world.count("marketplace.ratings WHERE reviews = 0 AND rating_sum + quality_sum + timeliness_sum + communication_sum <> 0"),
            0
        );
        let settings = Settings::default();
        for subject in self.homeowners.iter().chain(&self.contractors) {
            let sums = anew.get(&subject.party.uuid()).copied().unwrap_or_default();
            let page = self.world.market.list_reviews(subject.party, None, PageRequest::default()).unwrap();
            assert_eq!(page.summary, rules::summarise(&settings, sums));
            assert_eq!(page.items.len(), usize::try_from(sums.reviews).unwrap());
        }
        for contractor in self.contractors.iter().filter(|contractor| !self.is_gone(contractor)) {
            let sums = anew.get(&contractor.party.uuid()).copied().unwrap_or_default();
            let rank = rules::rank(&settings, sums);
            let mean = rank.mean.map_or("IS NULL".to_owned(), |mean| format!("= {mean}"));
            let listed = self.world.count(&format!(
                "marketplace.directory WHERE party_id = '{}' AND reviews = {} AND rating_rank = {} AND rating_mean {mean}",
                contractor.party.uuid(), rank.reviews, rank.bayesian
            ));
            assert_eq!(listed, 1, "the directory says of {} something else than {rank:?}", contractor.party);
        }
        let waiting = self.world.count(
            "marketplace.reviews WHERE open_reports <> (SELECT count(*) FROM marketplace.review_reports
             WHERE review_id = reviews.id AND decided_at IS NULL)",
        );
        assert_eq!(waiting, 0);
    }
}

fn nth<T: Clone>(of: &[T], n: usize) -> Option<T> {
    if of.is_empty() { None } else { of.get(n % of.len()).cloned() }
}

#[derive(QueryableByName)]
struct Sums {
    #[diesel(sql_type = SqlUuid)]
    subject_id: Uuid,
    #[diesel(sql_type = Integer)]
    reviews: i32,
    #[diesel(sql_type = BigInt)]
    rating: i64,
    #[diesel(sql_type = BigInt)]
    quality: i64,
    #[diesel(sql_type = BigInt)]
    timeliness: i64,
    #[diesel(sql_type = BigInt)]
    communication: i64,
}

fn sums(world: &World, sql: &str) -> BTreeMap<Uuid, RatingSums> {
    let rows: Vec<Sums> =
        world.database.db.read(|conn| Ok::<_, database::Error>(diesel::sql_query(sql).load(conn)?)).unwrap();
    rows.into_iter()
        .map(|row| {
            let Sums { subject_id, reviews, rating, quality, timeliness, communication } = row;
            (subject_id, RatingSums { reviews, rating, quality, timeliness, communication })
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_reviews_come_to_is_right_after_every_step(steps in prop::collection::vec(step(), 20..60)) {
        let mut history = History::begin();
        for step in steps {
            history.take(step);
            history.check();
        }
    }
}
