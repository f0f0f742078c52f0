//! Many threads: each task once, dead workers' tasks again, and an orderly stop.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use outbox::{Listener, Registry, Waker, WorkerSettings, Workers};
use testing::TestDatabase;
use uuid::Uuid;

use crate::bench::{Book, Note, committed, enqueue, eventually, happened, number};

const PATIENCE: Duration = Duration::from_secs(10);

fn start(database: &TestDatabase, registry: Registry, threads: u16) -> Workers {
    let settings = WorkerSettings { threads, poll_millis: 50, ..WorkerSettings::default() };
    Workers::start(database.db.clone(), registry, settings).unwrap()
}

#[test]
fn each_task_runs_once_however_many_work() {
    let database = TestDatabase::new();
    let book = Book::default();
    let two_processes = [start(&database, book.registry(), 4), start(&database, book.registry(), 4)];
    for batch in 0..10 {
        enqueue(&database, &(batch * 40..(batch + 1) * 40).map(Note::new).collect::<Vec<_>>());
    }
    eventually("all is done", || database.count("outbox.tasks WHERE state = 'DONE'") == 400);
    for workers in two_processes {
        assert!(workers.stop(PATIENCE));
    }
    let mut done = book.read();
    done.sort_unstable();
    assert_eq!(done, (0..400).collect::<Vec<_>>());
    assert_eq!(database.count("outbox.tasks WHERE attempts <> 1"), 0);
}

#[test]
fn lanes_keep_their_order_however_many_work() {
    let database = TestDatabase::new();
    let (book, busy) = (Book::default(), Arc::new([const { AtomicBool::new(false) }; 3]));
    let mut registry = Registry::new();
    let written = book.clone();
    registry.task::<Note>(move |_, note| {
        let lane = usize::try_from(note.number % 3).unwrap();
        assert!(!busy[lane].swap(true, Ordering::SeqCst), "two at once in lane {lane}");
        std::thread::sleep(Duration::from_millis(1));
        written.write(note.number);
        busy[lane].store(false, Ordering::SeqCst);
        Ok(())
    });
    let workers = start(&database, registry, 6);
    for n in 0..60 {
        enqueue(&database, &[Note::in_lane(n, &format!("lane {}", n % 3))]);
    }
    eventually("all is done", || database.count("outbox.tasks WHERE state = 'DONE' AND attempts = 1") == 60);
    assert!(workers.stop(PATIENCE));
    for lane in 0..3 {
        let order: Vec<_> = book.read().into_iter().filter(|n| n % 3 == lane).collect();
        assert!(order.is_sorted(), "{order:?}");
    }
}

#[test]
fn events_reach_their_consumers_and_a_commit_wakes_the_workers() {
    let database = TestDatabase::new();
    let book = Book::default();
    let mut registry = Registry::new();
    let written = book.clone();
    registry.on("thing.made", "listener", move |_, event| {
        written.write(u32::try_from(event.number("number")?).unwrap());
        Ok(())
    });
    // Polls so rarely that only the bell can explain what follows.
    let settings = WorkerSettings { threads: 2, poll_millis: 60_000, ..WorkerSettings::default() };
    let workers = Workers::start(database.db.clone(), registry, settings).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let thing = Uuid::now_v7();
    for n in 1..=3 {
        committed(&database, |tx| outbox::publish(tx, happened("thing.made", thing, n)));
        let heard = usize::try_from(n).unwrap();
        eventually("it is heard", || book.read().len() == heard);
    }
    assert!(workers.stop(PATIENCE));
    assert_eq!(book.read(), [1, 2, 3]);
}

#[test]
fn what_another_process_commits_is_found_by_polling() {
    let database = TestDatabase::new();
    let book = Book::default();
    let workers = start(&database, book.registry(), 1);
    std::thread::sleep(Duration::from_millis(100));
    // As from elsewhere: no bell rings.
    database.execute(&format!(
        "SELECT outbox.close('[]', '[{{\"id\": \"{}\", \"kind\": \"tests.note\", \"attempts\": 3,
            \"payload\": {{\"number\": 5, \"key\": null, \"lane\": null}}}}]', 'elsewhere')",
        Uuid::now_v7()
    ));
    eventually("it is done", || book.read() == [5]);
    assert!(workers.stop(PATIENCE));
}

#[test]
fn a_commit_of_another_process_wakes_the_workers_and_a_lost_connection_is_made_anew() {
    let database = TestDatabase::new();
    let listens =
        || database.count("pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'");
    let listener = Listener::start(&database.url).unwrap();
    eventually("somebody listens", || listens() == 1);

    // A process's waker notifies after its commits; whoever listens hears of it.
    let mut ear = database.owner_connection();
    ear.batch_execute("LISTEN fairtrade_outbox").unwrap();
    let waker = Waker::start(database.db.clone()).unwrap();
    enqueue(&database, &[Note::new(1)]);
    eventually("it is heard", || ear.notifications_iter().count() > 0);
    drop(waker);

    // The listener rings for what this process has not committed: its workers poll too rarely to explain it.
    let book = Book::default();
    let settings = WorkerSettings { threads: 1, poll_millis: 60_000, ..WorkerSettings::default() };
    let workers = Workers::start(database.db.clone(), book.registry(), settings).unwrap();
    eventually("the first is done", || book.read() == [1]);
    let elsewhere = |number: u32| {
        database.execute(&format!(
            "SELECT outbox.close('[]', '[{{\"id\": \"{}\", \"kind\": \"tests.note\", \"attempts\": 3,
                \"payload\": {{\"number\": {number}, \"key\": null, \"lane\": null}}}}]', 'elsewhere')",
            Uuid::now_v7()
        ));
        database.execute("NOTIFY fairtrade_outbox");
    };
    elsewhere(2);
    eventually("the second is done", || book.read() == [1, 2]);

    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND usename <> current_user");
    elsewhere(3);
    eventually("the third is done once somebody listens again", || book.read() == [1, 2, 3]);
    drop(listener);
    assert!(workers.stop(PATIENCE));
}

/// A task as a worker leaves it that dies in the middle of it.
fn abandon(database: &TestDatabase, attempts: u16) {
    database.execute(&format!(
        "UPDATE outbox.tasks SET state = 'RUNNING', attempts = {attempts}, lease_token = nextval('outbox.lease_tokens'),
            leased_until = clock_timestamp() - interval '1 second'"
    ));
}

#[test]
fn what_a_dead_worker_left_is_run_again_when_its_lease_is_over() {
    let database = TestDatabase::new();
    let book = Book::default();
    enqueue(&database, &[Note::new(1)]);
    abandon(&database, 1);
    let workers = start(&database, book.registry(), 1);
    eventually("it is done", || database.count("outbox.tasks WHERE state = 'DONE' AND attempts = 2") == 1);
    assert!(workers.stop(PATIENCE));
    assert_eq!(book.read(), [1]);
}

#[test]
fn a_task_that_kills_its_workers_is_parked_in_the_end() {
    let database = TestDatabase::new();
    let book = Book::default();
    enqueue(&database, &[Note::new(1)]);
    abandon(&database, 3);
    let workers = start(&database, book.registry(), 1);
    eventually("it is parked", || {
        database.count("outbox.tasks WHERE state = 'PARKED' AND reason = 'lease_expired'") == 1
    });
    assert!(workers.stop(PATIENCE));
    assert!(book.read().is_empty());
}

#[test]
fn a_lease_that_still_runs_is_respected_whatever_the_clock_of_the_product_says() {
    let database = TestDatabase::new();
    let book = Book::default();
    enqueue(&database, &[Note::new(1)]);
    abandon(&database, 1);
    database.execute("UPDATE outbox.tasks SET leased_until = clock_timestamp() + interval '1 minute'");
    database.clock.advance(Duration::from_secs(86_400));
    let workers = start(&database, book.registry(), 2);
    std::thread::sleep(Duration::from_millis(300));
    assert!(workers.stop(PATIENCE));
    assert_eq!(database.count("outbox.tasks WHERE state = 'RUNNING'"), 1);
    assert!(book.read().is_empty());
}

#[test]
fn stopping_finishes_what_runs_and_takes_nothing_new() {
    let database = TestDatabase::new();
    let (begun, begins) = mpsc::channel();
    let mut registry = Registry::new();
    let finished = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&finished);
    registry.task::<Note>(move |_, _| {
        begun.send(()).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let workers = start(&database, registry, 1);
    enqueue(&database, &[Note::new(1), Note::new(2)]);
    begins.recv_timeout(PATIENCE).unwrap();
    assert!(workers.stop(PATIENCE));
    assert_eq!(finished.load(Ordering::SeqCst), 1);
    assert_eq!(
        number(
            &database,
            "SELECT count(*) FILTER (WHERE state = 'DONE') * 10 + count(*) FILTER (WHERE state = 'QUEUED') FROM outbox.tasks"
        ),
        11
    );
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let database = TestDatabase::new();
    let (begun, begins) = mpsc::channel();
    let (go_on, going_on) = mpsc::channel::<()>();
    let going_on = std::sync::Mutex::new(going_on);
    let mut registry = Registry::new();
    registry.task::<Note>(move |_, _| {
        begun.send(()).unwrap();
        let _ = going_on.lock().unwrap().recv_timeout(PATIENCE);
        Ok(())
    });
    let workers = start(&database, registry, 1);
    enqueue(&database, &[Note::new(1)]);
    begins.recv_timeout(PATIENCE).unwrap();
    let before = Instant::now();
    assert!(!workers.stop(Duration::from_millis(100)));
    assert!(before.elapsed() < Duration::from_secs(5));
    go_on.send(()).unwrap();
    eventually("it finishes all the same", || database.count("outbox.tasks WHERE state = 'DONE'") == 1);
}

#[test]
fn draining_works_off_what_is_due() {
    let database = TestDatabase::new();
    let book = Book::default();
    let workers = start(&database, book.registry(), 1);
    enqueue(&database, &(0..20).map(Note::new).collect::<Vec<_>>());
    workers.drain(PATIENCE).unwrap();
    assert_eq!(database.count("outbox.tasks WHERE state = 'DONE'"), 20);
    assert_eq!(book.read().len(), 20);
}

#[test]
fn finished_tasks_go_after_a_week_and_parked_ones_stay() {
    let database = TestDatabase::new();
    enqueue(&database, &(0..4).map(Note::new).collect::<Vec<_>>());
    database.execute(
        "UPDATE outbox.tasks SET finished_at = app.clock() - make_interval(days => 6 + 2 * (payload->>'number')::int % 4),
            state = CASE WHEN (payload->>'number')::int < 2 THEN 'DONE' ELSE 'PARKED' END, reason = 'for_the_test'",
    );
    let workers = start(&database, Registry::new(), 1);
    eventually("the old one is gone", || database.count("outbox.tasks") == 3);
    assert!(workers.stop(PATIENCE));
    assert_eq!(database.count("outbox.tasks WHERE state = 'PARKED'"), 2);
    assert_eq!(database.count("outbox.tasks WHERE state = 'DONE' AND payload->>'number' = '0'"), 1);
}
