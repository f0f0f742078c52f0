//! The numbers: none missing, none out of the order in which they become visible.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use database::Error;
use diesel::connection::SimpleConnection;
use outbox::Registry;
use testing::TestDatabase;
use uuid::Uuid;

use crate::bench::{committed, happened, number, text};

const WRITERS: i64 = 4;
const ROUNDS: i64 = 60;

/// One writer: half of its transactions dawdle before they commit, and every fifth rolls back.
fn write(database: &TestDatabase, things: &[Uuid], writer: i64) {
    for round in 0..ROUNDS {
        let result: Result<(), Error> = database.db.transaction(|tx| {
            let thing = things[usize::try_from((writer + round) % 3).unwrap()];
            outbox::publish(tx, happened("thing.made", thing, round));
            outbox::publish(tx, happened("thing.moved", thing, round));
            if round % 5 == 4 {
                return Err(Error::Corrupt("for the test".to_owned()));
            }
            Ok(())
        });
        assert_eq!(result.is_ok(), round % 5 != 4);
    }
}

#[test]
fn numbers_have_no_gaps_and_appear_in_their_order_while_many_write() {
    let database = TestDatabase::new();
    let things = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    let writing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let sequencers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while writing.load(Ordering::SeqCst) {
                        outbox::run_due(&database.db, &Registry::new()).unwrap();
                    }
                })
            })
            .collect();
        // Whoever reads up to a number has read everything up to it.
        let reader = scope.spawn(|| {
            while writing.load(Ordering::SeqCst) {
                assert_eq!(
                    number(
                        &database,
                        "SELECT coalesce(max(position), 0) - count(position) FROM outbox.events"
                    ),
                    0
                );
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let (database, things) = (&database, &things);
                    move || write(database, things, writer)
                })
            })
            .collect();
        let failed = writers.into_iter().filter_map(|writer| writer.join().err()).count();
        writing.store(false, Ordering::SeqCst);
        assert_eq!(failed, 0);
        for thread in sequencers {
            thread.join().unwrap();
        }
        reader.join().unwrap();
    });
    outbox::run_due(&database.db, &Registry::new()).unwrap();
    let committed = WRITERS * ROUNDS / 5 * 4 * 2;
    assert_eq!(number(&database, "SELECT count(DISTINCT position) FROM outbox.events"), committed);
    assert_eq!(number(&database, "SELECT max(position) FROM outbox.events"), committed);
    // The same for each thing, and both orders agree.
    let wrong = "SELECT count(*) FROM (
        SELECT aggregate_sequence <> row_number() OVER (PARTITION BY aggregate_id ORDER BY position) AS wrong
        FROM outbox.events) AS numbered WHERE wrong";
    assert_eq!(number(&database, wrong), 0);
}

#[test]
fn what_commits_late_is_numbered_late_and_not_lost() {
    let database = TestDatabase::new();
    let (thing, other) = (Uuid::now_v7(), Uuid::now_v7());
    // Writes its event, and so draws its ticket, long before it commits.
    let mut slow = database.owner_connection();
    slow.batch_execute(&format!(
        "BEGIN; SELECT outbox.close('[{{\"id\": \"{}\", \"name\": \"thing.made\", \"version\": 1, \"kind\": \"thing\",
            \"aggregate\": \"{thing}\", \"request\": \"slow\", \"data\": {{}}}}]', '[]', 'slow')",
        Uuid::now_v7()
    ))
    .unwrap();
    committed(&database, |tx| outbox::publish(tx, happened("thing.made", other, 1)));
    outbox::run_due(&database.db, &Registry::new()).unwrap();
    assert_eq!(
        text(&database, "SELECT string_agg(request_id, ' ' ORDER BY position) FROM outbox.events"),
        "req-1"
    );
    slow.batch_execute("COMMIT").unwrap();
    outbox::run_due(&database.db, &Registry::new()).unwrap();
    assert_eq!(
        text(&database, "SELECT string_agg(request_id, ' ' ORDER BY position) FROM outbox.events"),
        "req-1 slow"
    );
    assert_eq!(
        text(&database, "SELECT string_agg(request_id, ' ' ORDER BY ticket) FROM outbox.events"),
        "slow req-1"
    );
}

#[test]
fn a_second_sequencer_steps_aside() {
    let database = TestDatabase::new();
    committed(&database, |tx| outbox::publish(tx, happened("thing.made", Uuid::now_v7(), 1)));
    let mut first = database.owner_connection();
    first.batch_execute("BEGIN; SELECT outbox.sequence(10)").unwrap();
    let before = std::time::Instant::now();
    outbox::run_due(&database.db, &Registry::new()).unwrap();
    assert!(before.elapsed() < Duration::from_secs(1));
    assert_eq!(database.count("outbox.events WHERE position IS NULL"), 1);
    first.batch_execute("ROLLBACK").unwrap();
    outbox::run_due(&database.db, &Registry::new()).unwrap();
    assert_eq!(database.count("outbox.events WHERE position = 1"), 1);
}

#[test]
fn an_event_is_not_shown_before_it_has_its_number() {
    let database = TestDatabase::new();
    committed(&database, |tx| outbox::publish(tx, happened("thing.made", Uuid::now_v7(), 1)));
    let id = text(&database, "SELECT id FROM outbox.events").parse().unwrap();
    assert_eq!(database.db.read(|conn| outbox::find_event(conn, id)).unwrap(), None);
    outbox::run_due(&database.db, &Registry::new()).unwrap();
    assert!(database.db.read(|conn| outbox::find_event(conn, id)).unwrap().is_some());
}
