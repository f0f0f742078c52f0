//! One thread runs what is due: times, tries, lanes, and who may note what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use database::Error;
use kernel::Clock;
use outbox::{Registry, TaskError};
use testing::TestDatabase;

use crate::bench::{Book, Note, committed, enqueue, number, text};

#[test]
fn a_task_runs_when_the_clock_says_so() {
    let database = TestDatabase::new();
    let book = Book::default();
    let registry = book.registry();
    committed(&database, |tx| {
        outbox::enqueue_at(tx, &Note::new(1), database.clock.now() + Duration::from_secs(3_600))
    });
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 0);
    database.clock.advance(Duration::from_secs(3_599));
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 0);
    database.clock.advance(Duration::from_secs(2));
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 1);
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 0);
    assert_eq!(book.read(), [1]);
    assert_eq!(
        database.count("outbox.tasks WHERE state = 'DONE' AND attempts = 1 AND finished_at IS NOT NULL"),
        1
    );
}

#[test]
fn what_a_process_does_not_know_it_leaves_alone() {
    let database = TestDatabase::new();
    enqueue(&database, &[Note::new(1)]);
    assert_eq!(outbox::run_due(&database.db, &Registry::new()).unwrap(), 0);
    assert_eq!(database.count("outbox.tasks WHERE state = 'QUEUED' AND attempts = 0"), 1);
}

/// A registry whose notes fail in this way.
fn failing(how: impl Fn() -> TaskError + Send + Sync + 'static) -> Registry {
    let mut registry = Registry::new();
    registry.task::<Note>(move |_, _| Err(how()));
    registry
}

#[test]
fn a_failure_is_tried_again_after_a_pause_that_grows_and_then_parked() {
    let database = TestDatabase::new();
    let registry = failing(|| TaskError::Retry("not_yet".to_owned()));
    enqueue(&database, &[Note::new(1)]);
    let pause = "SELECT extract(epoch FROM due_at - app.clock()) * 1000 FROM outbox.tasks";
    for (tries, least, most) in [(1, 0, 1_000), (2, 500, 2_000)] {
        assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 1);
        assert_eq!(
            number(
                &database,
                "SELECT attempts FROM outbox.tasks WHERE state = 'QUEUED' AND reason = 'not_yet'"
            ),
            tries
        );
        let millis = number(&database, pause);
        assert!((least..=most).contains(&millis), "after {tries} tries {millis} ms");
        database.clock.advance(Duration::from_secs(2));
    }
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 1);
    assert_eq!(
        database.count("outbox.tasks WHERE state = 'PARKED' AND attempts = 3 AND reason = 'not_yet'"),
        1
    );
    database.clock.advance(Duration::from_secs(86_400));
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 0);
}

#[test]
fn a_failure_can_name_the_time_of_the_next_try() {
    let database = TestDatabase::new();
    let at = database.clock.now() + Duration::from_secs(7_200);
    let registry = failing(move || TaskError::RetryAt(at, "closed".to_owned()));
    enqueue(&database, &[Note::new(1)]);
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(
        number(&database, "SELECT round(extract(epoch FROM due_at - app.clock()) / 60) FROM outbox.tasks"),
        120
    );
}

#[test]
fn what_trying_again_would_not_mend_is_parked_at_once() {
    let database = TestDatabase::new();
    enqueue(&database, &[Note::new(1)]);
    outbox::run_due(&database.db, &failing(|| TaskError::Park("no_such_account".to_owned()))).unwrap();
    assert_eq!(
        database.count("outbox.tasks WHERE state = 'PARKED' AND attempts = 1 AND reason = 'no_such_account'"),
        1
    );

    database.execute(
        "UPDATE outbox.tasks SET state = 'QUEUED', finished_at = NULL, payload = '{\"number\": \"one\"}'",
    );
    outbox::run_due(&database.db, &Book::default().registry()).unwrap();
    let reason = text(&database, "SELECT reason FROM outbox.tasks WHERE state = 'PARKED'");
    assert!(reason.starts_with("cannot be read as tests.note"), "{reason}");
}

#[test]
fn a_panic_counts_as_a_failure_and_the_worker_lives_on() {
    let database = TestDatabase::new();
    let mut registry = Registry::new();
    let book = Book::default();
    let written = book.clone();
    registry.task::<Note>(move |run, note| {
        if note.number == 1 {
            let _: Result<(), Error> = run.db().transaction(|tx| {
                outbox::enqueue(tx, &Note::new(9));
                panic!("for the test");
            });
        }
        written.write(note.number);
        Ok(())
    });
    enqueue(&database, &[Note::new(1), Note::new(2)]);
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 2);
    assert_eq!(book.read(), [2]);
    assert_eq!(
        database.count("outbox.tasks WHERE state = 'QUEUED' AND reason = 'panicked' AND attempts = 1"),
        1
    );
    assert_eq!(database.count("outbox.tasks"), 2);
}

#[test]
fn a_lane_runs_in_order_and_waits_for_a_failed_one() {
    let database = TestDatabase::new();
    let mut registry = Registry::new();
    let book = Book::default();
    let (written, tries) = (book.clone(), AtomicU32::new(0));
    registry.task::<Note>(move |_, note| {
        if note.number == 1 && tries.fetch_add(1, Ordering::SeqCst) < 1 {
            return Err(TaskError::Retry("first_time".to_owned()));
        }
        written.write(note.number);
        Ok(())
    });
    enqueue(
        &database,
        &[Note::in_lane(1, "a"), Note::in_lane(2, "a"), Note::in_lane(3, "b"), Note::in_lane(4, "a")],
    );
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(book.read(), [3]);
    database.clock.advance(Duration::from_secs(2));
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(book.read(), [3, 1, 2, 4]);
}

#[test]
fn a_parked_task_steps_out_of_its_lane() {
    let database = TestDatabase::new();
    let mut registry = Registry::new();
    let book = Book::default();
    let written = book.clone();
    registry.task::<Note>(move |_, note| {
        written.write(note.number);
        if note.number == 1 { Err(TaskError::Park("broken".to_owned())) } else { Ok(()) }
    });
    enqueue(&database, &[Note::in_lane(1, "a"), Note::in_lane(2, "a")]);
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(book.read(), [1, 2]);
}

#[test]
fn a_task_may_enqueue_its_own_successor() {
    let database = TestDatabase::new();
    let mut registry = Registry::new();
    let book = Book::default();
    let written = book.clone();
    registry.task::<Note>(move |run, note| {
        written.write(note.number);
        if note.number < 3 {
            run.db().transaction::<_, TaskError>(|tx| {
                outbox::enqueue(tx, &Note { number: note.number + 1, ..note.clone() });
                Ok(())
            })?;
        }
        Ok(())
    });
    enqueue(&database, &[Note::keyed(1, "chain")]);
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 3);
    assert_eq!(book.read(), [1, 2, 3]);
}

#[test]
fn a_failed_task_gives_way_to_the_same_work_that_waits() {
    let database = TestDatabase::new();
    let mut registry = Registry::new();
    let later = database.clock.now() + Duration::from_secs(600);
    registry.task::<Note>(move |run, note| {
        run.db().transaction::<_, TaskError>(|tx| {
            outbox::enqueue_at(tx, &note, later);
            Ok(())
        })?;
        Err(TaskError::Retry("not_yet".to_owned()))
    });
    enqueue(&database, &[Note::keyed(1, "same")]);
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(database.count("outbox.tasks WHERE state = 'DONE' AND reason = 'not_yet'"), 1);
    assert_eq!(database.count("outbox.tasks WHERE state = 'QUEUED' AND attempts = 0"), 1);
}

/// What a keeper does to a task whose worker has gone silent.
const TAKE_AWAY: &str = "UPDATE outbox.tasks SET state = 'QUEUED', lease_token = NULL, leased_until = NULL WHERE state = 'RUNNING'";

#[test]
fn a_worker_that_lost_its_lease_can_note_nothing() {
    let database = Arc::new(TestDatabase::new());
    database.execute("CREATE TABLE effects (number bigint)");
    database.execute("GRANT INSERT ON effects TO PUBLIC");
    let mut registry = Registry::new();
    let owner = Arc::clone(&database);
    registry.task::<Note>(move |run, _| {
        if run.attempt() == 1 {
            owner.execute(TAKE_AWAY);
        }
        run.db().transaction::<_, TaskError>(|tx| {
            run.fence(tx)?;
            diesel::connection::SimpleConnection::batch_execute(tx.conn(), "INSERT INTO effects VALUES (1)")
                .map_err(Error::from)?;
            Ok(())
        })?;
        assert!(run.renew().is_ok());
        Ok(())
    });
    enqueue(&database, &[Note::new(1)]);
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 2);
    assert_eq!(database.count("effects"), 1);
    assert_eq!(database.count("outbox.tasks WHERE state = 'DONE' AND attempts = 2"), 1);
}

#[test]
fn a_success_after_the_lease_was_lost_is_not_noted() {
    let database = Arc::new(TestDatabase::new());
    let mut registry = Registry::new();
    let owner = Arc::clone(&database);
    registry.task::<Note>(move |run, _| {
        // Somebody else has it now, under a newer token.
        owner.execute("UPDATE outbox.tasks SET lease_token = nextval('outbox.lease_tokens')");
        assert!(run.renew().is_err());
        Ok(())
    });
    enqueue(&database, &[Note::new(1)]);
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(database.count("outbox.tasks WHERE state = 'RUNNING'"), 1);
}

#[test]
fn work_that_comes_back_waits_once_for_each_period() {
    let database = TestDatabase::new();
    database.clock.set("2030-01-01T00:00:30Z".parse().unwrap());
    let book = Book::default();
    let mut registry = book.registry();
    registry.every(Duration::from_secs(3_600), Note::keyed(1, "hourly"));
    let other_process = registry.clone();
    for process in [&registry, &other_process, &registry] {
        assert_eq!(outbox::run_due(&database.db, process).unwrap(), 0);
    }
    assert_eq!(database.count("outbox.tasks WHERE due_at = '2030-01-01T01:00:00Z'"), 1);
    database.clock.advance(Duration::from_secs(3_600));
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 1);
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(database.count("outbox.tasks WHERE state = 'QUEUED' AND due_at = '2030-01-01T02:00:00Z'"), 1);
    assert_eq!(book.read(), [1]);
}
