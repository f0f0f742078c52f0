//! What becomes of a review after it was handed in.

use std::time::Duration;

use kernel::{Actor, Classify, Limit};
use marketplace::{
    Decision, DecisionOutcome, DecisionReason, Error, NewReply, NewReport, PageRequest, ReplyText, Report,
    ReportNote, ReportReason, Review, ReviewCase, ReviewChange, ReviewCommands, ReviewId, ReviewPatch,
    ReviewQueries, ReviewQueue, ReviewStatus, ReviewText, ReviewVerdict, Settings, Stars,
};

use testing::TestDatabase;

use crate::reviews::{finish, review};
use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn change<T>(review_id: ReviewId, change: T) -> ReviewChange<T> {
    ReviewChange { review_id, if_version: None, change }
}

impl World {
    fn edit(&self, author: &Actor, id: ReviewId, rating: i64) -> Result<Review, Error> {
        let patch = ReviewPatch { rating: Some(Stars::new(rating).unwrap()), ..ReviewPatch::default() };
        self.market.edit_review(author, change(id, patch))
    }

    fn reply(&self, subject: &Actor, id: ReviewId, text: &str) -> Result<Review, Error> {
        self.market.reply_to_review(subject, change(id, NewReply { text: ReplyText::new(text).unwrap() }))
    }

    pub(crate) fn report(&self, reporter: &Actor, id: ReviewId) -> Result<Report, Error> {
        let note = Some(ReportNote::new("It says what was not so, says Wisteria").unwrap());
        self.market.report_review(reporter, change(id, NewReport { reason: ReportReason::Untrue, note }))
    }

    pub(crate) fn decide(
        &self,
        admin: &Actor,
        id: ReviewId,
        decision: Decision,
    ) -> Result<ReviewCase, Error> {
        let reason = DecisionReason::new("Not about the work of Wisteria").unwrap();
        self.market.decide_review(admin.admin().unwrap(), change(id, ReviewVerdict { decision, reason }))
    }

    fn cases(&self, admin: &Actor, queue: ReviewQueue) -> Vec<ReviewCase> {
        self.market.list_review_cases(admin.admin().unwrap(), queue, None, Limit::default()).unwrap().items
    }
}

/// Two reviews of a finished contract that are published: of the contractor, and of the homeowner.
struct Published {
    world: World,
    ada: Actor,
    bob: Actor,
    admin: Actor,
    of_bob: ReviewId,
}

fn published() -> Published {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Wisteria Quillfeather"), world.contractor("Bob Builder"));
    let contract = finish(&world, &ada, &bob);
    let of_bob = world.market.submit_review(&ada, review(contract, 2)).unwrap().id;
    world.market.submit_review(&bob, review(contract, 5)).unwrap();
    let admin = world.admin();
    Published { world, ada, bob, admin, of_bob }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn a_review_is_its_authors_to_change_until_it_is_published() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada Lovelace"), world.contractor("Bob Builder"));
    let contract = finish(&world, &ada, &bob);
    let first = world.market.submit_review(&ada, review(contract, 5)).unwrap();
    let edited = world.edit(&ada, first.id, 3).unwrap();
    assert_eq!((edited.rating, edited.quality, edited.version), (3, 5, 2));
    assert!(edited.edited_at.is_some());
    // What changes nothing is no edit.
    assert_eq!(world.edit(&ada, first.id, 3).unwrap(), edited);
    let words = ReviewPatch { text: Some(None), ..ReviewPatch::default() };
    assert_eq!(world.market.edit_review(&ada, change(first.id, words)).unwrap().text, None);
    let stale = ReviewChange { if_version: Some(1), ..change(first.id, ReviewPatch::default()) };
    assert_eq!(code(world.market.edit_review(&ada, stale)), "stale_precondition");
    // To everybody else there is no such review yet.
    for other in [&bob, &world.homeowner("Eve"), &world.admin()] {
        assert_eq!(code(world.edit(other, first.id, 1)), "review_not_found");
        assert_eq!(code(world.market.review(Some(other), first.id)), "review_not_found");
    }
    assert_eq!(code(world.market.review(None, first.id)), "review_not_found");
    assert_eq!(world.events("review.edited"), 2);

    world.market.submit_review(&bob, review(contract, 4)).unwrap();
    assert_eq!(code(world.edit(&ada, first.id, 1)), "review_state");
    assert_eq!(code(world.edit(&bob, first.id, 1)), "wrong_party");
    // What counts is what it said last.
    let page = world.market.list_reviews(bob.party, None, PageRequest::default()).unwrap();
    assert_eq!((page.items[0].rating, page.summary.mean), (3, Some(3.0)));
    assert_eq!(world.market.review(None, first.id).unwrap().rating, 3);
}

#[test]
fn nothing_is_changed_once_the_window_has_closed_even_before_its_task_has_run() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let first = world.market.submit_review(&ada, review(finish(&world, &ada, &bob), 5)).unwrap();
    world.database.clock.advance(14 * DAY);
    assert_eq!(code(world.edit(&ada, first.id, 1)), "review_closed");
    world.run_due();
    assert_eq!(world.market.review(None, first.id).unwrap().status, ReviewStatus::Published);
}

#[test]
fn whom_a_review_is_about_replies_once_and_in_time() {
    let Published { world, ada, bob, of_bob, .. } = published();
    assert_eq!(code(world.reply(&ada, of_bob, "Mine")), "wrong_party");
    assert_eq!(code(world.reply(&world.contractor("Eve"), of_bob, "Mine")), "wrong_party");
    world.database.clock.advance(28 * DAY - Duration::from_secs(60));
    let replied = world.reply(&bob, of_bob, "The tiles were late").unwrap();
    let reply = replied.reply.unwrap();
    assert_eq!(
        (reply.text.as_deref(), reply.author_name.as_str()),
        (Some("The tiles were late"), "Bob Builder")
    );
    assert_eq!(code(world.reply(&bob, of_bob, "Again")), "already_replied");
    let page = world.market.list_reviews(bob.party, None, PageRequest::default()).unwrap();
    assert_eq!(page.items[0].reply.as_ref().unwrap().text, reply.text);
    assert_eq!(world.events("review.replied"), 1);
    // The other one has none, and the time is over at its very end.
    let of_ada = world.market.list_reviews(ada.party, None, PageRequest::default()).unwrap().items.remove(0);
    world.database.clock.advance(Duration::from_secs(60));
    assert_eq!(code(world.reply(&ada, of_ada.id, "Too late")), "reply_closed");
}

#[test]
fn reports_wait_in_the_order_in_which_the_first_of_each_came() {
    let Published { world, ada, bob, admin, of_bob } = published();
    assert_eq!(code(world.report(&ada, of_bob)), "own_review");
    let of_ada = world.market.list_reviews(ada.party, None, PageRequest::default()).unwrap().items[0].id;
    let eve = world.homeowner("Eve");
    let before = world.market.review(None, of_bob).unwrap();
    world.report(&bob, of_bob).unwrap();
    world.report(&bob, of_ada).unwrap_err();
    world.report(&ada, of_ada).unwrap();
    world.report(&eve, of_bob).unwrap();
    assert_eq!(code(world.report(&eve, of_bob)), "already_reported");
    assert_eq!(world.market.review(None, of_bob).unwrap(), before, "nobody sees that it was reported");
    let waiting = world.cases(&admin, ReviewQueue::Reported);
    let ids: Vec<_> = waiting.iter().map(|case| (case.review.id, case.open_reports)).collect();
    assert_eq!(ids, [(of_bob, 2), (of_ada, 1)]);
    let reporters: Vec<_> = waiting[0].reports.iter().map(|report| report.reporter).collect();
    assert_eq!(reporters, [bob.party, eve.party]);
    assert_eq!(world.events("review.reported"), 3);
    // Page by page it is the same.
    let limit = Limit::new(1).unwrap();
    let page = |after| {
        let queue = ReviewQueue::Reported;
        world.market.list_review_cases(admin.admin().unwrap(), queue, after, limit).unwrap()
    };
    let first = page(None);
    let second = page(first.next);
    assert_eq!((first.items[0].review.id, second.items[0].review.id), (of_bob, of_ada));
    assert!(second.next.is_none());
}

#[test]
fn nobody_reports_more_than_so_much_in_a_day() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let most = usize::from(Settings::default().review_reports_a_day);
    let ids: Vec<ReviewId> = (0..=most)
        .map(|_| {
            let contract = finish(&world, &ada, &bob);
            let id = world.market.submit_review(&ada, review(contract, 1)).unwrap().id;
            world.market.submit_review(&bob, review(contract, 1)).unwrap();
            id
        })
        .collect();
    for id in &ids[..most] {
        world.report(&bob, *id).unwrap();
    }
    let refused = world.report(&bob, ids[most]).unwrap_err();
    let Error::TooManyReports { retry_after } = refused else { panic!("{refused}") };
    assert!((86_390..=86_401).contains(&retry_after), "{retry_after}");
    // Another person may; and a day later so may this one.
    world.report(&world.homeowner("Eve"), ids[most]).unwrap();
    world.database.clock.advance(Duration::from_secs(retry_after.into()));
    world.report(&bob, ids[most]).unwrap();
}

#[test]
fn nor_by_reporting_many_at_the_same_time() {
    let most = usize::from(Settings::default().review_reports_a_day);
    let world = World::over(TestDatabase::with_connections(20));
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let ids: Vec<ReviewId> = (0..most + 5)
        .map(|_| {
            let contract = finish(&world, &ada, &bob);
            let id = world.market.submit_review(&ada, review(contract, 1)).unwrap().id;
            world.market.submit_review(&bob, review(contract, 1)).unwrap();
            id
        })
        .collect();
    let eve = world.homeowner("Eve");
    let start = std::sync::Barrier::new(ids.len());
    let (world, eve, start) = (&world, &eve, &start);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let report = |id: ReviewId| {
            scope.spawn(move || {
                start.wait();
                world.report(eve, id).map_err(|error| error.code())
            })
        };
        let reporting: Vec<_> = ids.iter().map(|id| report(*id)).collect();
        reporting.into_iter().map(|reported| reported.join().unwrap()).collect()
    });
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().filter(|answer| matches!(answer, Err("too_many_reports"))).count();
    assert_eq!((taken, refused), (most, 5));
    assert_eq!(world.count("marketplace.review_reports"), i64::try_from(most).unwrap());
}

#[test]
fn a_decision_answers_every_report_and_is_counted_at_once() {
    let Published { world, ada, bob, admin, of_bob } = published();
    let eve = world.homeowner("Eve");
    world.report(&bob, of_bob).unwrap();
    world.report(&eve, of_bob).unwrap();
    let sum = || world.market.list_reviews(bob.party, None, PageRequest::default()).unwrap();
    assert_eq!(sum().summary.count, 1);

    let kept = world.decide(&admin, of_bob, Decision::Keep).unwrap();
    assert_eq!((kept.open_reports, kept.reports.len(), kept.review.status), (0, 0, ReviewStatus::Published));
    assert_eq!((kept.decisions[0].outcome, kept.decisions[0].reports), (DecisionOutcome::Kept, 2));
    assert_eq!(world.events("review_report.dismissed"), 2);
    assert_eq!(code(world.decide(&admin, of_bob, Decision::Keep)), "not_reported");

    let removed = world.decide(&admin, of_bob, Decision::Remove).unwrap();
    assert_eq!(removed.review.status, ReviewStatus::Removed);
    assert_eq!(removed.review.removal.unwrap().reason, "Not about the work of Wisteria");
    assert_eq!((sum().items.len(), sum().summary.count, sum().summary.mean), (0, 0, None));
    assert_eq!(code(world.decide(&admin, of_bob, Decision::Remove)), "review_state");
    // It is gone for everybody but its author and administrators.
    for stranger in [None, Some(&bob), Some(&eve)] {
        assert_eq!(code(world.market.review(stranger, of_bob)), "review_not_found");
    }
    assert_eq!(code(world.reply(&bob, of_bob, "But")), "review_not_found");
    assert_eq!(code(world.report(&world.homeowner("Mallory"), of_bob)), "review_not_found");
    assert_eq!(world.market.review(Some(&ada), of_bob).unwrap().status, ReviewStatus::Removed);
    assert_eq!(world.market.review(Some(&admin), of_bob).unwrap().status, ReviewStatus::Removed);
    assert_eq!(world.cases(&admin, ReviewQueue::Removed)[0].review.id, of_bob);
    assert_eq!(world.cases(&admin, ReviewQueue::Reported), []);

    let restored = world.decide(&admin, of_bob, Decision::Keep).unwrap();
    assert_eq!((restored.review.status, restored.review.removal), (ReviewStatus::Published, None));
    assert_eq!((sum().items.len(), sum().summary.mean), (1, Some(2.0)));
    let outcomes: Vec<_> = restored.decisions.iter().map(|decided| decided.outcome).collect();
    assert_eq!(outcomes, [DecisionOutcome::Restored, DecisionOutcome::Removed, DecisionOutcome::Kept]);
    assert_eq!((world.events("review.removed"), world.events("review.restored")), (1, 1));
    let missing = world.decide(&admin, ReviewId::new(), Decision::Keep);
    assert_eq!(code(missing), "review_not_found");
}

#[test]
fn who_is_forgotten_takes_replies_and_notes_along() {
    let Published { world, ada, bob, admin, of_bob } = published();
    world.reply(&bob, of_bob, "Wisteria was not at home").unwrap();
    world.report(&bob, of_bob).unwrap();
    world.decide(&admin, of_bob, Decision::Remove).unwrap();
    let held = |name: &str| {
        ["reviews", "review_reports", "review_decisions"]
            .map(|table| world.count(&format!("marketplace.{table} one WHERE one::text ILIKE '%{name}%'")))
    };
    assert_eq!(held("Wisteria"), [1, 1, 1]);
    world.erase(&ada).unwrap();
    assert_eq!(held("Wisteria"), [0, 0, 0]);
    assert_eq!(world.count("marketplace.reviews WHERE reply = 'Former member was not at home'"), 1);
    world.erase(&bob).unwrap();
    assert_eq!(world.count("marketplace.reviews WHERE reply IS NOT NULL OR body IS NOT NULL"), 0);
    assert_eq!(world.count("marketplace.reviews WHERE replied_at IS NOT NULL"), 1);
    assert_eq!(world.count("marketplace.review_reports WHERE note IS NULL"), 1);
}

#[test]
fn a_review_in_words_survives_a_change_of_its_stars() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let first = world.market.submit_review(&ada, review(finish(&world, &ada, &bob), 5)).unwrap();
    let text = Some(Some(ReviewText::new("Better than well").unwrap()));
    let words = ReviewPatch { text, ..ReviewPatch::default() };
    world.market.edit_review(&ada, change(first.id, words)).unwrap();
    let edited = world.edit(&ada, first.id, 4).unwrap();
    assert_eq!((edited.text.as_deref(), edited.rating, edited.version), (Some("Better than well"), 4, 3));
}
