//! Consumers: each event once, in order, its effect with the note of it or not at all.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use database::Error;
use diesel::connection::SimpleConnection;
use outbox::{Event, EventRun, Registry, TaskError};
use testing::TestDatabase;
use uuid::Uuid;

use crate::bench::{Book, committed, happened, text};

/// A registry with one consumer that writes the events' numbers into a book.
fn listening(book: &Book) -> Registry {
    let mut registry = Registry::new();
    let book = book.clone();
    registry.on("thing.made", "listener", move |_, event| {
        book.write(u32::try_from(event.number("number")?).unwrap());
        Ok(())
    });
    registry
}

fn tell(database: &TestDatabase, thing: Uuid, numbers: &[i64]) {
    committed(database, |tx| {
        numbers.iter().for_each(|n| outbox::publish(tx, happened("thing.made", thing, *n)))
    });
}

#[test]
fn a_consumer_gets_the_event_as_it_was_published() {
    let database = TestDatabase::new();
    let seen: Arc<Mutex<Vec<Event>>> = Arc::default();
    let mut registry = Registry::new();
    let into = Arc::clone(&seen);
    registry.on("thing.made", "listener", move |run: &EventRun, event| {
        assert_eq!((run.event(), run.consumer(), run.attempt()), (event.id, "listener", 1));
        into.lock().unwrap().push(event.clone());
        Ok(())
    });
    let thing = Uuid::now_v7();
    outbox::run_due(&database.db, &registry).unwrap();
    tell(&database, thing, &[7, 8]);
    outbox::run_due(&database.db, &registry).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].position, seen[0].aggregate_sequence), (1, 1));
    assert_eq!((seen[1].position, seen[1].aggregate_sequence), (2, 2));
    assert_eq!(
        (seen[0].name.as_str(), seen[0].version, seen[0].number("number").unwrap()),
        ("thing.made", 1, 7)
    );
    assert_eq!((seen[0].aggregate_kind.as_str(), seen[0].aggregate_id), ("thing", thing));
    assert_eq!((seen[0].request_id.as_str(), seen[0].trace_id.as_str()), ("req-1", "req-1"));
    let again = database.db.read(|conn| outbox::find_event(conn, seen[0].id)).unwrap();
    assert_eq!(again.as_ref(), Some(&seen[0]));
}

#[test]
fn each_consumer_hears_each_event_once_and_others_do_not() {
    let database = TestDatabase::new();
    let (one, two) = (Book::default(), Book::default());
    let mut registry = listening(&one);
    let book = two.clone();
    registry.on("thing.made", "second", move |_, event| {
        book.write(u32::try_from(event.number("number")?).unwrap());
        Ok(())
    });
    outbox::run_due(&database.db, &registry).unwrap();
    tell(&database, Uuid::now_v7(), &[1, 2, 3]);
    committed(&database, |tx| outbox::publish(tx, happened("thing.lost", Uuid::now_v7(), 9)));
    for _ in 0..3 {
        outbox::run_due(&database.db, &registry).unwrap();
    }
    assert_eq!((one.read(), two.read()), (vec![1, 2, 3], vec![1, 2, 3]));
    assert_eq!(database.count("outbox.events WHERE position IS NOT NULL"), 4);
    assert_eq!(database.count("outbox.consumed"), 6);
}

#[test]
fn an_event_handed_over_twice_takes_effect_once() {
    let database = TestDatabase::new();
    let book = Book::default();
    let registry = listening(&book);
    outbox::run_due(&database.db, &registry).unwrap();
    tell(&database, Uuid::now_v7(), &[1]);
    outbox::run_due(&database.db, &registry).unwrap();
    database.execute("UPDATE outbox.tasks SET state = 'QUEUED', finished_at = NULL");
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 1);
    assert_eq!(book.read(), [1]);
    assert_eq!(database.count("outbox.tasks WHERE state = 'DONE'"), 1);
}

#[test]
fn the_effect_of_a_handler_that_fails_is_undone_with_its_events_and_tried_again() {
    let database = TestDatabase::new();
    database.execute("CREATE TABLE effects (number bigint)");
    database.execute("GRANT INSERT ON effects TO PUBLIC");
    let tries = Arc::new(AtomicU32::new(0));
    let mut registry = Registry::new();
    let counted = Arc::clone(&tries);
    registry.on("thing.made", "listener", move |run, event| {
        // As a service over the same database would: its own transaction, which joins.
        run.db().transaction::<_, TaskError>(|tx| {
            tx.conn().batch_execute("INSERT INTO effects VALUES (1)").map_err(Error::from)?;
            outbox::publish(tx, happened("thing.seen", event.aggregate_id, 1));
            Ok(())
        })?;
        match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Err(TaskError::Retry("first_time".to_owned())),
            1 => panic!("for the test"),
            _ => Ok(()),
        }
    });
    outbox::run_due(&database.db, &registry).unwrap();
    tell(&database, Uuid::now_v7(), &[1]);
    for (tried, reason) in [(1, "first_time"), (2, "panicked")] {
        outbox::run_due(&database.db, &registry).unwrap();
        assert_eq!(tries.load(Ordering::SeqCst), tried);
        assert_eq!((database.count("effects"), database.count("outbox.consumed")), (0, 0));
        assert_eq!(database.count("outbox.events WHERE name = 'thing.seen'"), 0);
        assert_eq!(text(&database, "SELECT reason FROM outbox.tasks WHERE state = 'QUEUED'"), reason);
        database.clock.advance(Duration::from_secs(10));
    }
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!((database.count("effects"), database.count("outbox.consumed")), (1, 1));
    assert_eq!(database.count("outbox.events WHERE name = 'thing.seen' AND position = 2"), 1);
}

#[test]
fn a_consumer_hears_of_one_thing_in_order_even_when_one_event_fails_at_first() {
    let database = TestDatabase::new();
    let book = Book::default();
    let tries = AtomicU32::new(0);
    let mut registry = Registry::new();
    let written = book.clone();
    registry.on("thing.made", "listener", move |_, event| {
        let number = event.number("number")?;
        if number == 1 && tries.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(TaskError::Retry("first_time".to_owned()));
        }
        written.write(u32::try_from(number).unwrap());
        Ok(())
    });
    outbox::run_due(&database.db, &registry).unwrap();
    tell(&database, Uuid::now_v7(), &[1, 2]);
    tell(&database, Uuid::now_v7(), &[3]);
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(book.read(), [3]);
    database.clock.advance(Duration::from_secs(10));
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(book.read(), [3, 1, 2]);
}

#[test]
fn a_worker_that_lost_its_lease_undoes_what_its_handler_did() {
    let database = Arc::new(TestDatabase::new());
    database.execute("CREATE TABLE effects (number bigint)");
    database.execute("GRANT INSERT ON effects TO PUBLIC");
    let mut registry = Registry::new();
    let owner = Arc::clone(&database);
    registry.on("thing.made", "listener", move |run, _| {
        run.db().transaction::<_, TaskError>(|tx| {
            tx.conn().batch_execute("INSERT INTO effects VALUES (1)").map_err(Error::from)?;
            Ok(())
        })?;
        if run.attempt() == 1 {
            owner
                .execute("UPDATE outbox.tasks SET state = 'QUEUED', lease_token = NULL, leased_until = NULL");
        }
        Ok(())
    });
    outbox::run_due(&database.db, &registry).unwrap();
    tell(&database, Uuid::now_v7(), &[1]);
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(database.count("effects"), 1);
    assert_eq!(database.count("outbox.tasks WHERE state = 'DONE' AND attempts = 2"), 1);
}

#[test]
fn an_event_without_what_its_consumer_needs_is_parked() {
    let database = TestDatabase::new();
    let mut registry = Registry::new();
    registry.on("thing.made", "listener", |_, event| event.id::<kernel::PartyId>("homeownerId").map(drop));
    outbox::run_due(&database.db, &registry).unwrap();
    tell(&database, Uuid::now_v7(), &[1]);
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(
        text(&database, "SELECT reason FROM outbox.tasks WHERE state = 'PARKED'"),
        "event thing.made has no usable `homeownerId`"
    );
}

#[test]
fn what_an_event_leads_to_carries_its_trace() {
    let database = TestDatabase::new();
    let mut registry = Registry::new();
    registry.on("thing.made", "listener", |run, event| {
        run.db().transaction::<_, TaskError>(|tx| {
            let own = outbox::NewEvent {
                request_id: "another".to_owned(),
                ..happened("thing.seen", event.aggregate_id, 1)
            };
            outbox::publish(tx, own);
            Ok(())
        })
    });
    outbox::run_due(&database.db, &registry).unwrap();
    tell(&database, Uuid::now_v7(), &[1]);
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(
        database.count(
            "outbox.events WHERE name = 'thing.seen' AND trace_id = 'req-1' AND request_id = 'another'"
        ),
        1
    );
}

#[test]
fn a_consumer_hears_from_its_first_start_on_and_can_stop_listening() {
    let database = TestDatabase::new();
    let book = Book::default();
    let registry = listening(&book);
    tell(&database, Uuid::now_v7(), &[1]);
    outbox::run_due(&database.db, &Registry::new()).unwrap();
    outbox::run_due(&database.db, &registry).unwrap();
    assert!(book.read().is_empty());
    // An older release that does not know the consumer numbers an event; the consumer hears of it all the same.
    tell(&database, Uuid::now_v7(), &[2]);
    outbox::run_due(&database.db, &Registry::new()).unwrap();
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(book.read(), [2]);

    let mut without = Registry::new();
    without.on("thing.lost", "listener", |_, _| Ok(()));
    outbox::run_due(&database.db, &without).unwrap();
    tell(&database, Uuid::now_v7(), &[3]);
    outbox::run_due(&database.db, &without).unwrap();
    assert_eq!(text(&database, "SELECT string_agg(event, ' ') FROM outbox.subscriptions"), "thing.lost");
    assert_eq!(database.count("outbox.tasks WHERE state <> 'DONE'"), 0);
}
