//! The executor: bounded, in time, and clean after a panic.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};

use database::{BatchReader, BatchSettings, Db, Error, Executor, ExecutorSettings, Rejected};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer};
use testing::TestDatabase;

/// Stands for the services, which are lent to units of work.
struct Things(Db);

impl Things {
    fn insert(&self, id: i32) -> Result<(), Error> {
        self.0.transaction(|tx| {
            Ok(tx.conn().batch_execute(&format!("INSERT INTO public.things VALUES ({id})"))?)
        })
    }

    fn count(&self) -> Result<i64, Error> {
        let count = diesel::dsl::sql::<BigInt>("(SELECT count(*) FROM public.things)");
        self.0.read(|conn| Ok(diesel::select(count.clone()).get_result(conn)?))
    }

    fn backend(&self) -> i32 {
        let pid = |conn: &mut PgConnection| -> Result<i32, Error> {
            Ok(diesel::select(diesel::dsl::sql::<Integer>("pg_backend_pid()")).get_result(conn)?)
        };
        self.0.read(pid).unwrap()
    }
}

type Front = Executor<Things, Things>;

fn database() -> TestDatabase {
    let database = TestDatabase::new();
    database.execute(
        "CREATE TABLE public.things (id int PRIMARY KEY); GRANT ALL ON public.things TO fairtrade_app",
    );
    database
}

fn one_each() -> ExecutorSettings {
    ExecutorSettings {
        readers: Some(1),
        writers: Some(1),
        heavy: Some(1),
        hashing: Some(1),
        reader_queue: 2,
        writer_queue: 2,
        heavy_queue: 2,
        hashing_queue: 2,
        ..ExecutorSettings::default()
    }
}

fn start(database: &TestDatabase, settings: &ExecutorSettings) -> Front {
    let things = Arc::new(Things(database.db.clone()));
    Executor::start(&database.db, settings, Arc::clone(&things), things).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// Keeps the one thread of a lane busy until the sender is dropped.
fn block(front: &Front) -> (mpsc::Sender<()>, database::Answer<()>) {
    let (release, released) = mpsc::channel::<()>();
    let running = Arc::new(Barrier::new(2));
    let begun = Arc::clone(&running);
    let answer = front.write(soon(), move |_| {
        begun.wait();
        let _ = released.recv();
    });
    running.wait();
    (release, answer)
}

#[test]
fn reads_and_writes_come_back_with_their_results() {
    let database = database();
    let front = start(&database, &one_each());
    front.write(soon(), |things| things.insert(1)).wait().unwrap().unwrap();
    assert_eq!(front.read(soon(), Things::count).wait().unwrap().unwrap(), 1);
    assert_eq!(front.heavy(soon(), Things::count).wait().unwrap().unwrap(), 1);
    let refused = front.write(soon(), |things| things.insert(1)).wait().unwrap();
    assert!(refused.unwrap_err().is_unique("things_pkey"));
}

#[test]
fn a_flood_of_passwords_fills_its_own_queue_and_nobody_else_s() {
    let database = database();
    let front = start(&database, &one_each());
    let (release, released) = mpsc::channel::<()>();
    let running = Arc::new(Barrier::new(2));
    let begun = Arc::clone(&running);
    let hashing = front.hashing(soon(), move |_| {
        begun.wait();
        let _ = released.recv();
    });
    running.wait();
    let mut waiting: Vec<_> = (0..50).map(|_| front.hashing(soon(), |_| ())).collect();
    // Everybody else is served while all that may wait does, and the rest is turned away at once.
    front.write(soon(), |things| things.insert(1)).wait().unwrap().unwrap();
    assert_eq!(front.read(soon(), Things::count).wait().unwrap().unwrap(), 1);
    assert_eq!(front.heavy(soon(), Things::count).wait().unwrap().unwrap(), 1);
    let turned_away = waiting.split_off(2).into_iter().map(database::Answer::wait);
    assert!(turned_away.into_iter().all(|answer| matches!(answer, Err(Rejected::Full { .. }))));
    drop(release);
    hashing.wait().unwrap();
    assert!(waiting.into_iter().all(|answer| answer.wait().is_ok()));
}

#[test]
fn an_answer_is_a_future_that_needs_no_runtime() {
    let database = database();
    let front = start(&database, &one_each());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let count = runtime.block_on(async { front.read(soon(), Things::count).await });
    assert_eq!(count.unwrap().unwrap(), 0);
}

#[test]
fn a_thread_keeps_its_connection() {
    let database = database();
    let front = start(&database, &one_each());
    let ask = || front.read(soon(), Things::backend).wait().unwrap();
    let first = ask();
    assert!((0..20).all(|_| ask() == first));
    assert_ne!(front.write(soon(), Things::backend).wait().unwrap(), first, "writers have their own");
}

#[test]
fn after_a_panic_in_a_transaction_the_same_thread_writes_for_good() {
    let database = database();
    let front = start(&database, &one_each());
    let before = front.write(soon(), Things::backend).wait().unwrap();
    let panicked = front.write(soon(), |things| {
        things.0.transaction::<(), Error>(|tx| {
            tx.conn().batch_execute("INSERT INTO public.things VALUES (1)")?;
            panic!("as asked");
        })
    });
    assert_eq!(panicked.wait().unwrap_err(), Rejected::Panicked);
    front.write(soon(), |things| things.insert(2)).wait().unwrap().unwrap();
    assert_eq!(database.count("public.things WHERE id = 2"), 1, "read from another connection");
    assert_eq!(database.count("public.things WHERE id = 1"), 0);
    assert_ne!(front.write(soon(), Things::backend).wait().unwrap(), before, "the connection was dropped");
}

#[test]
fn after_a_transaction_left_open_by_hand_the_connection_is_replaced() {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};
    let database = database();
    let front = start(&database, &one_each());
    let left_open = front.write(soon(), |things| {
        things.0.read(|conn| {
            AnsiTransactionManager::begin_transaction(conn)?;
            Ok::<_, Error>(())
        })
    });
    left_open.wait().unwrap().unwrap();
    front.write(soon(), |things| things.insert(1)).wait().unwrap().unwrap();
    assert_eq!(database.count("public.things"), 1);
}

#[test]
fn a_full_queue_answers_at_once() {
    let database = database();
    let front = start(&database, &one_each());
    let (release, blocked) = block(&front);
    let queued: Vec<_> = (0..2).map(|id| front.write(soon(), move |things| things.insert(id))).collect();
    let refused = front.write(soon(), |things| things.insert(99)).wait().unwrap_err();
    assert_eq!(refused, Rejected::Full { retry_after: Duration::from_secs(1) });
    assert_eq!(front.read(soon(), Things::count).wait().unwrap().unwrap(), 0, "reads do not wait for writes");
    drop(release);
    blocked.wait().unwrap();
    for answer in queued {
        answer.wait().unwrap().unwrap();
    }
    assert_eq!(database.count("public.things"), 2);
}

#[test]
fn what_waited_past_its_deadline_is_not_started() {
    let database = database();
    let front = start(&database, &one_each());
    let (release, blocked) = block(&front);
    let late = front.write(Instant::now() + Duration::from_millis(10), |things| things.insert(1));
    std::thread::sleep(Duration::from_millis(30));
    drop(release);
    blocked.wait().unwrap();
    assert!(matches!(late.wait(), Err(Rejected::Late { .. })));
    front.write(soon(), |_| ()).wait().unwrap();
    assert_eq!(database.count("public.things"), 0);
}

#[test]
fn draining_finishes_what_is_queued_and_takes_nothing_new() {
    let database = database();
    let front = start(&database, &one_each());
    let (release, blocked) = block(&front);
    let queued: Vec<_> = (0..2).map(|id| front.write(soon(), move |things| things.insert(id))).collect();
    let draining = std::thread::spawn({
        let front = front.clone();
        move || front.drain(Duration::from_secs(20))
    });
    while !matches!(front.read(soon(), |_| ()).wait(), Err(Rejected::Stopping)) {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(release);
    assert!(draining.join().unwrap());
    blocked.wait().unwrap();
    for answer in queued {
        answer.wait().unwrap().unwrap();
    }
    assert_eq!(database.count("public.things"), 2);
    assert_eq!(front.write(soon(), |_| ()).wait().unwrap_err(), Rejected::Stopping);
}

#[test]
fn draining_gives_up_on_what_takes_too_long() {
    let database = database();
    let front = start(&database, &one_each());
    let (_release, _blocked) = block(&front);
    assert!(!front.drain(Duration::from_millis(30)));
}

#[test]
fn an_executor_that_the_pool_cannot_feed_does_not_start() {
    let database = database();
    let things = Arc::new(Things(database.db.clone()));
    let greedy = ExecutorSettings { writers: Some(100), ..one_each() };
    let error = Executor::start(&database.db, &greedy, Arc::clone(&things), things).unwrap_err();
    assert!(error.to_string().contains("raise database.max_connections"), "{error}");
}

fn squares(database: &TestDatabase, batches: &Arc<AtomicU32>) -> BatchReader<i32, i32, Error> {
    let (db, batches) = (database.db.clone(), Arc::clone(batches));
    BatchReader::start(&database.db, &BatchSettings::new("squares"), move |keys: &[i32]| {
        batches.fetch_add(1, Ordering::Relaxed);
        assert!(!keys.contains(&-1), "as asked");
        db.read(|conn| {
            let rows: Vec<Pair> = diesel::sql_query(
                "SELECT n AS key, n * n AS square FROM generate_series(1, 1000) n
                 WHERE CASE WHEN n = ANY ($1) THEN 1 / (n - 500) IS NOT NULL END",
            )
            .bind::<Array<Integer>, _>(keys)
            .load(conn)?;
            Ok::<HashMap<i32, i32>, Error>(rows.into_iter().map(|row| (row.key, row.square)).collect())
        })
    })
    .unwrap()
}

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Integer)]
    key: i32,
    #[diesel(sql_type = Integer)]
    square: i32,
}

#[test]
fn many_look_ups_become_few_queries() {
    let database = database();
    let batches = Arc::new(AtomicU32::new(0));
    let squares = squares(&database, &batches);
    let answers: Vec<_> = (1..=400).map(|n| (n, squares.get(soon(), n))).collect();
    for (n, answer) in answers {
        assert_eq!(answer.wait().unwrap().unwrap(), Some(n * n));
    }
    assert_eq!(squares.get(soon(), 5_000).wait().unwrap().unwrap(), None);
    let batches = batches.load(Ordering::Relaxed);
    assert!((8..200).contains(&batches), "at most 64 keys each, and seldom one: {batches}");
}

#[test]
fn a_failed_batch_fails_for_all_in_it_and_the_next_one_works() {
    let database = database();
    let squares = squares(&database, &Arc::default());
    let refused = squares.get(soon(), 500).wait().unwrap().unwrap_err();
    assert!(refused.to_string().contains("division by zero"), "{refused}");
    assert_eq!(squares.get(soon(), -1).wait().unwrap_err(), Rejected::Panicked);
    assert_eq!(squares.get(soon(), 3).wait().unwrap().unwrap(), Some(9));
    let late = squares.get(Instant::now() - Duration::from_secs(1), 3).wait();
    assert!(matches!(late, Err(Rejected::Late { .. })));
}
