//! Reviews: neither side sees the other's before both are in or the window has closed.

use std::time::Duration;

use kernel::{Actor, Classify, Clock, Role};
use marketplace::{
    Error, NewReview, OpenReview, PageRequest, Review, ReviewCommands, ReviewPage, ReviewQueries,
    ReviewStatus, ReviewText, Stars,
};
use uuid::Uuid;

use crate::world::World;

struct Finished {
    world: World,
    ada: Actor,
    bob: Actor,
    contract: Uuid,
}

/// A job that was carried to its end, just now.
fn finished() -> Finished {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada Lovelace"), world.contractor("Bob Builder"));
    let contract = finish(&world, &ada, &bob);
    Finished { world, ada, bob, contract }
}

pub(crate) fn finish(world: &World, ada: &Actor, bob: &Actor) -> Uuid {
    let job_id = world.open_job(ada);
    let bid = world.bid(bob, job_id, 150_000);
    world.award(ada, bid.id).unwrap();
    let contract_id = Uuid::now_v7();
    let ended_at = world.database.clock.now();
    let open = OpenReview { contract_id, job_id, homeowner: ada.party, contractor: bob.party, ended_at };
    let ended: Result<(), Error> = world.database.db.transaction(|tx| {
        marketplace::record_completion(tx, job_id)?;
        marketplace::open_review(tx, open)?;
        // A second end of the same contract changes nothing.
        marketplace::open_review(tx, open)
    });
    ended.unwrap();
    contract_id
}

pub(crate) fn review(contract_id: Uuid, rating: i64) -> NewReview {
    let stars = |stars| Stars::new(stars).unwrap();
    NewReview {
        contract_id,
        rating: stars(rating),
        quality: stars(5),
        timeliness: stars(4),
        communication: stars(3),
        text: Some(ReviewText::new("Well done").unwrap()),
    }
}

impl Finished {
    fn submit(&self, author: &Actor, rating: i64) -> Result<Review, Error> {
        self.world.market.submit_review(author, review(self.contract, rating))
    }

    fn of(&self, subject: &Actor) -> ReviewPage {
        self.world.market.list_reviews(subject.party, None, PageRequest::default()).unwrap()
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn the_second_review_publishes_both() {
    let finished = finished();
    let first = finished.submit(&finished.ada, 5).unwrap();
    assert_eq!((first.status, first.published_at), (ReviewStatus::Hidden, None));
    assert!(finished.of(&finished.bob).items.is_empty());
    assert_eq!(finished.of(&finished.bob).summary.count, 0);
    assert_eq!(finished.world.events("review.published"), 0);

    let second = finished.submit(&finished.bob, 2).unwrap();
    assert_eq!(second.status, ReviewStatus::Published);
    let (of_bob, of_ada) = (finished.of(&finished.bob), finished.of(&finished.ada));
    assert_eq!((of_bob.items[0].rating, of_bob.items[0].author_name.as_str()), (5, "Ada L."));
    assert_eq!((of_ada.items[0].rating, of_ada.items[0].author_name.as_str()), (2, "Bob Builder"));
    assert_eq!(
        (of_bob.summary.count, of_bob.summary.mean, of_bob.summary.bayesian_mean),
        (1, Some(5.0), 4.17)
    );
    assert_eq!(of_bob.summary.timeliness, Some(4.0));
    assert_eq!(
        (finished.world.events("review.submitted"), finished.world.events("review.published")),
        (2, 2)
    );
}

#[test]
fn the_end_of_the_window_publishes_a_single_one() {
    let finished = finished();
    finished.submit(&finished.ada, 4).unwrap();
    finished.world.run_due();
    finished.world.database.clock.advance(Duration::from_secs(14 * 24 * 60 * 60 - 60));
    finished.world.run_due();
    assert!(finished.of(&finished.bob).items.is_empty());
    finished.world.database.clock.advance(Duration::from_secs(60));
    finished.world.run_due();
    assert_eq!(finished.of(&finished.bob).summary.count, 1);
    assert_eq!(code(finished.submit(&finished.bob, 1)), "review_closed");
    finished.world.run_due();
    assert_eq!(finished.world.events("review.published"), 1);
}

#[test]
fn each_side_reviews_once_and_strangers_never() {
    let finished = finished();
    finished.submit(&finished.ada, 5).unwrap();
    assert_eq!(code(finished.submit(&finished.ada, 1)), "already_reviewed");
    let eve = finished.world.homeowner("Eve");
    assert_eq!(code(finished.submit(&eve, 1)), "contract_not_found");
    let nothing = finished.world.market.submit_review(&finished.ada, review(Uuid::now_v7(), 5));
    assert_eq!(code(nothing), "contract_not_found");
    assert_eq!(finished.world.count("marketplace.reviews"), 1);
}

#[test]
fn reviews_are_listed_newest_first_beside_what_they_come_to() {
    let finished = finished();
    let (ada, bob, world) = (&finished.ada, &finished.bob, &finished.world);
    for rating in [5, 4, 4] {
        let contract = finish(world, ada, bob);
        for author in [ada, bob] {
            world.market.submit_review(author, review(contract, rating)).unwrap();
        }
    }
    let limit = kernel::Limit::new(2).unwrap();
    let first = world
        .market
        .list_reviews(bob.party, Some(Role::Contractor), PageRequest { after: None, limit })
        .unwrap();
    let second =
        world.market.list_reviews(bob.party, None, PageRequest { after: first.next, limit }).unwrap();
    let ratings: Vec<i16> = first.items.iter().chain(&second.items).map(|review| review.rating).collect();
    assert_eq!((ratings, second.next), (vec![4, 4, 5], None));
    assert_eq!((first.summary.count, first.summary.mean), (3, Some(4.33)));
}

#[test]
fn nobody_there_has_no_reviews() {
    let finished = finished();
    let page = PageRequest::default();
    let market = &finished.world.market;
    assert_eq!(code(market.list_reviews(kernel::PartyId::new(), None, page)), "user_not_found");
    assert_eq!(code(market.list_reviews(finished.ada.party, Some(Role::Contractor), page)), "user_not_found");
    assert_eq!(market.list_reviews(finished.ada.party, None, page).unwrap().summary.bayesian_mean, 4.0);
}
