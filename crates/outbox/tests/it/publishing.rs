//! What a transaction leaves behind: all of it or nothing.

use std::time::Duration;

use database::Error;
use kernel::Clock;
use testing::TestDatabase;
use uuid::Uuid;

use crate::bench::{Book, Note, committed, enqueue, happened, number, text};

#[test]
fn schema_rs_is_what_the_catalogue_says() {
    testing::check_schema("outbox", include_str!("../../src/schema.rs"));
}

#[test]
fn events_and_tasks_of_a_transaction_share_its_trace_and_keep_their_order() {
    let database = TestDatabase::new();
    let thing = Uuid::now_v7();
    committed(&database, |tx| {
        outbox::publish(tx, happened("thing.made", thing, 1));
        outbox::enqueue(tx, &Note::new(1));
        outbox::publish(tx, happened("thing.moved", thing, 2));
        outbox::enqueue(tx, &Note::new(2));
    });
    assert_eq!(
        text(&database, "SELECT string_agg(name, ' ' ORDER BY ticket) FROM outbox.events"),
        "thing.made thing.moved"
    );
    assert_eq!(
        text(&database, "SELECT string_agg(payload->>'number', ' ' ORDER BY ticket) FROM outbox.tasks"),
        "1 2"
    );
    assert_eq!(database.count("outbox.events WHERE trace_id = 'req-1' AND position IS NULL"), 2);
    assert_eq!(database.count("outbox.tasks WHERE trace_id = 'req-1' AND state = 'QUEUED'"), 2);
}

#[test]
fn a_transaction_that_rolls_back_leaves_nothing() {
    let database = TestDatabase::new();
    let rolled_back: Result<(), Error> = database.db.transaction(|tx| {
        outbox::publish(tx, happened("thing.made", Uuid::now_v7(), 1));
        outbox::enqueue(tx, &Note::new(1));
        Err(Error::Corrupt("for the test".to_owned()))
    });
    assert!(rolled_back.is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        committed(&database, |tx| {
            outbox::enqueue(tx, &Note::new(1));
            panic!("for the test");
        });
    }));
    assert!(panicked.is_err());
    assert_eq!((database.count("outbox.events"), database.count("outbox.tasks")), (0, 0));
    // What those transactions had buffered is not flushed by the next one on this thread.
    committed(&database, |tx| outbox::enqueue(tx, &Note::new(2)));
    assert_eq!(text(&database, "SELECT string_agg(payload->>'number', ' ') FROM outbox.tasks"), "2");
}

#[test]
fn the_same_work_waits_once_and_at_its_earliest_time() {
    let database = TestDatabase::new();
    let at = |hours: u64| database.clock.now() + Duration::from_secs(hours * 3_600);
    committed(&database, |tx| outbox::enqueue_at(tx, &Note::keyed(1, "same"), at(5)));
    committed(&database, |tx| outbox::enqueue_at(tx, &Note::keyed(2, "same"), at(9)));
    committed(&database, |tx| {
        outbox::enqueue_at(tx, &Note::keyed(3, "same"), at(3));
        outbox::enqueue_at(tx, &Note::keyed(4, "same"), at(2));
        outbox::enqueue_at(tx, &Note::keyed(5, "other"), at(2));
    });
    assert_eq!(
        text(&database, "SELECT string_agg(payload->>'number', ' ' ORDER BY ticket) FROM outbox.tasks"),
        "1 5"
    );
    let hours =
        "SELECT round(extract(epoch FROM due_at - app.clock()) / 3600) FROM outbox.tasks WHERE key = 'same'";
    assert_eq!(number(&database, hours), 2);
}

#[test]
fn work_that_is_done_can_be_asked_for_again() {
    let database = TestDatabase::new();
    let book = Book::default();
    for n in [1, 2] {
        enqueue(&database, &[Note::keyed(n, "same")]);
        outbox::run_due(&database.db, &book.registry()).unwrap();
    }
    assert_eq!(book.read(), [1, 2]);
}

#[test]
fn wanting_the_same_keys_in_opposite_order_is_no_deadlock() {
    let database = TestDatabase::new();
    let rounds = |first: &str, second: &str| {
        for n in 0..50 {
            enqueue(&database, &[Note::keyed(n, first), Note::keyed(n, second)]);
        }
    };
    let before = deadlocks(&database);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| rounds("a", "b"));
            scope.spawn(|| rounds("b", "a"));
        }
    });
    assert_eq!(database.count("outbox.tasks"), 2);
    assert_eq!(deadlocks(&database), before);
}

fn deadlocks(database: &TestDatabase) -> i64 {
    number(database, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
}

#[test]
fn events_are_written_through_the_function_only_and_never_changed() {
    let database = TestDatabase::new();
    committed(&database, |tx| outbox::publish(tx, happened("thing.made", Uuid::now_v7(), 1)));
    let insert = "INSERT INTO outbox.events (id, aggregate_kind, aggregate_id, name, version, request_id, trace_id, data, occurred_at)
        SELECT gen_random_uuid(), aggregate_kind, aggregate_id, name, version, request_id, trace_id, data, occurred_at FROM outbox.events";
    for sql in [
        insert,
        "UPDATE outbox.events SET position = 7, aggregate_sequence = 7",
        "DELETE FROM outbox.events",
        "TRUNCATE outbox.events CASCADE",
    ] {
        let refused = database.try_execute_as_runtime(sql).unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{sql}: {refused}");
    }
    for sql in [
        "UPDATE outbox.events SET data = '{}'",
        "UPDATE outbox.events SET position = 7, aggregate_sequence = 1, name = 'thing.lost'",
        "DELETE FROM outbox.events",
        "TRUNCATE outbox.events CASCADE",
    ] {
        let refused = database.try_execute(sql).unwrap_err();
        assert!(refused.is_check("events_immutable"), "{sql}: {refused}");
    }
    outbox::run_due(&database.db, &outbox::Registry::new()).unwrap();
    let renumbered = database.try_execute("UPDATE outbox.events SET position = 7").unwrap_err();
    assert!(renumbered.is_check("events_immutable"), "{renumbered}");
    assert_eq!(database.count("outbox.events WHERE position = 1"), 1);
}

#[test]
fn an_event_whose_name_or_data_is_not_one_fails_its_transaction() {
    let database = TestDatabase::new();
    for event in [
        happened("Thing made", Uuid::now_v7(), 1),
        outbox::NewEvent { data: serde_json::json!([1]), ..happened("thing.made", Uuid::now_v7(), 1) },
        outbox::NewEvent { version: 0, ..happened("thing.made", Uuid::now_v7(), 1) },
    ] {
        let refused: Result<(), Error> = database.db.transaction(|tx| {
            outbox::publish(tx, event.clone());
            Ok(())
        });
        assert!(matches!(refused, Err(Error::Check { .. })), "{refused:?}");
    }
    assert_eq!(database.count("outbox.events"), 0);
}
