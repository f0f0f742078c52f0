//! Transactions: joined, retried, and never half committed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use database::{Db, Error, Tx};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use testing::TestDatabase;

fn database() -> TestDatabase {
    let database = TestDatabase::new();
    database.execute(
        "CREATE TABLE public.things (id int PRIMARY KEY, n int NOT NULL DEFAULT 0,
                                     twin int CONSTRAINT things_twin REFERENCES public.things DEFERRABLE INITIALLY DEFERRED);
         CREATE INDEX ON public.things (twin);
         GRANT ALL ON public.things TO fairtrade_app",
    );
    database
}

fn run(tx: &mut Tx<'_>, sql: &str) -> Result<(), Error> {
    Ok(tx.conn().batch_execute(sql)?)
}

fn insert(db: &Db, id: i32) -> Result<(), Error> {
    db.transaction(|tx| run(tx, &format!("INSERT INTO public.things (id) VALUES ({id})")))
}

/// Which server process this thread's connection has.
fn backend(db: &Db) -> i32 {
    let pid = |conn: &mut PgConnection| -> Result<i32, Error> {
        Ok(diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("pg_backend_pid()"))
            .get_result(conn)?)
    };
    db.read(pid).unwrap()
}

#[test]
fn nested_transactions_and_reads_join_the_outer_one() {
    let database = database();
    let db = &database.db;
    let seen = db
        .unit(|| {
            insert(db, 1)?;
            insert(db, 2)?;
            db.read(|conn| {
                let count: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
                    "(SELECT count(*) FROM public.things)",
                ))
                .get_result(conn)?;
                Ok::<_, Error>(count)
            })
        })
        .unwrap();
    assert_eq!(seen, 2);
    assert_eq!(database.count("public.things"), 2);
}

#[test]
fn the_outer_failure_takes_the_inner_writes_along() {
    let database = database();
    let failed = database.db.unit(|| {
        insert(&database.db, 1)?;
        Err::<(), _>(Error::Corrupt("as asked".to_owned()))
    });
    assert!(failed.is_err());
    assert_eq!(database.count("public.things"), 0);
}

#[test]
fn a_swallowed_failure_of_a_part_is_not_committed() {
    let database = database();
    let db = &database.db;
    for nested_as_unit in [false, true] {
        let refused = db.unit(|| {
            insert(db, 1)?;
            let fail = || Err::<(), _>(Error::Corrupt("as asked".to_owned()));
            let _ = if nested_as_unit { db.unit(fail) } else { db.transaction(|_| fail()) };
            Ok::<_, Error>(())
        });
        assert!(matches!(refused, Err(Error::Poisoned)), "{refused:?}");
    }
    assert_eq!(database.count("public.things"), 0);
}

#[test]
fn a_swallowed_failure_of_a_statement_is_not_told_as_committed() {
    let database = database();
    let refused = database.db.transaction(|tx| {
        run(tx, "INSERT INTO public.things (id) VALUES (1)")?;
        // Postgres has given the transaction up; its answer to COMMIT would be a ROLLBACK without an error.
        let _ = run(tx, "SELECT 1 / 0");
        Ok::<_, Error>(())
    });
    assert!(matches!(refused, Err(Error::Poisoned)), "{refused:?}");
    assert_eq!(database.count("public.things"), 0);
    insert(&database.db, 1).unwrap();
}

#[test]
fn a_failure_inside_a_savepoint_may_be_swallowed() {
    let database = database();
    database
        .db
        .transaction(|tx| {
            run(tx, "INSERT INTO public.things (id) VALUES (1)")?;
            let failed: Result<(), diesel::result::Error> =
                tx.conn().transaction(|conn| conn.batch_execute("INSERT INTO public.things (id) VALUES (1)"));
            assert!(failed.is_err());
            Ok::<_, Error>(())
        })
        .unwrap();
    assert_eq!(database.count("public.things"), 1);
}

#[test]
fn a_constraint_that_fails_at_commit_is_named_and_keeps_the_held_connection() {
    let database = database();
    let db = &database.db;
    db.hold().unwrap();
    let before = backend(db);
    let refused = db.transaction(|tx| run(tx, "INSERT INTO public.things (id, twin) VALUES (1, 99)"));
    assert!(
        matches!(&refused, Err(Error::ForeignKey { constraint }) if constraint == "things_twin"),
        "{refused:?}"
    );
    assert_eq!(backend(db), before);
    insert(db, 1).unwrap();
    assert_eq!(database.count("public.things"), 1);
}

#[test]
fn a_db_used_inside_its_own_transaction_is_told_so() {
    let database = database();
    let refused = database.db.transaction(|_| insert(&database.db, 1));
    assert!(matches!(refused, Err(Error::Reentrant)));
}

#[test]
fn constraints_come_back_by_name() {
    let database = database();
    insert(&database.db, 1).unwrap();
    assert!(insert(&database.db, 1).unwrap_err().is_unique("things_pkey"));
    database.execute("ALTER TABLE public.things ADD CONSTRAINT n_is_small CHECK (n < 10)");
    let refused = database.db.transaction(|tx| run(tx, "UPDATE public.things SET n = 10"));
    assert!(refused.unwrap_err().is_check("n_is_small"));
}

#[test]
fn a_deadlock_is_tried_again_and_both_get_through() {
    let database = database();
    insert(&database.db, 1).unwrap();
    insert(&database.db, 2).unwrap();
    let (meet, tries) = (Barrier::new(2), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for (first, second) in [(1, 2), (2, 1)] {
            let (database, meet, tries) = (&database, &meet, &tries);
            scope.spawn(move || {
                let mut met = false;
                database
                    .db
                    .transaction(|tx| {
                        tries.fetch_add(1, Ordering::Relaxed);
                        run(tx, &format!("UPDATE public.things SET n = n + 1 WHERE id = {first}"))?;
                        if !std::mem::replace(&mut met, true) {
                            meet.wait();
                        }
                        run(tx, &format!("UPDATE public.things SET n = n + 1 WHERE id = {second}"))
                    })
                    .unwrap();
            });
        }
    });
    assert!(tries.into_inner() > 2, "one of them was the victim once");
    assert_eq!(database.count("public.things WHERE n = 2"), 2);
}

#[test]
fn serialization_failures_are_tried_again() {
    let database = database();
    insert(&database.db, 1).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                database
                    .db
                    .transaction(|tx| {
                        run(tx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
                        run(tx, "SELECT n FROM public.things; SELECT pg_sleep(0.01)")?;
                        run(tx, "UPDATE public.things SET n = n + 1 WHERE id = 1")
                    })
                    .unwrap();
            });
        }
    });
    assert_eq!(database.count("public.things WHERE n = 4"), 1);
}

#[test]
fn a_row_that_stays_locked_is_given_up_after_three_tries() {
    let database = database();
    insert(&database.db, 1).unwrap();
    let mut holder = database.owner_connection();
    holder.batch_execute("BEGIN; SELECT * FROM public.things FOR UPDATE").unwrap();
    let tries = Cell::new(0);
    let refused = database.db.transaction(|tx| {
        tries.set(tries.get() + 1);
        run(tx, "SELECT * FROM public.things WHERE id = 1 FOR UPDATE NOWAIT")
    });
    assert!(matches!(refused, Err(Error::LockNotAvailable)), "{refused:?}");
    assert_eq!(tries.get(), 3);
}

#[test]
fn a_lock_that_is_waited_for_too_long_is_not_tried_again() {
    let database = database();
    insert(&database.db, 1).unwrap();
    let mut holder = database.owner_connection();
    holder.batch_execute("BEGIN; SELECT * FROM public.things FOR UPDATE").unwrap();
    let (tries, began) = (Cell::new(0), Instant::now());
    let refused = database.db.transaction(|tx| {
        tries.set(tries.get() + 1);
        run(tx, "UPDATE public.things SET n = 1")
    });
    assert!(matches!(refused, Err(Error::LockTimeout)), "{refused:?}");
    assert_eq!(tries.get(), 1);
    assert!(began.elapsed() >= Duration::from_secs(2), "the runtime role's lock_timeout");
}

#[derive(Default)]
struct Names(Vec<i32>);

fn write_names(tx: &mut Tx<'_>, names: Names) -> Result<(), Error> {
    for id in names.0 {
        run(tx, &format!("INSERT INTO public.things (id) VALUES ({id})"))?;
    }
    Ok(())
}

#[test]
fn a_buffer_is_written_once_before_commit_and_forgotten_on_failure() {
    let database = database();
    let db = &database.db;
    let add = |id: i32| {
        db.transaction(|tx| {
            tx.buffer(write_names).0.push(id);
            Ok::<_, Error>(())
        })
    };
    db.unit(|| {
        add(1)?;
        assert_eq!(database.count("public.things"), 0);
        add(2)
    })
    .unwrap();
    assert_eq!(database.count("public.things"), 2);
    let failed = db.unit(|| {
        add(3)?;
        Err::<(), _>(Error::Corrupt("as asked".to_owned()))
    });
    assert!(failed.is_err());
    add(4).unwrap();
    assert_eq!(database.count("public.things WHERE id = 3"), 0);
}

#[test]
fn after_commit_runs_after_the_outermost_commit_only() {
    let database = database();
    let db = &database.db;
    let told = Rc::new(Cell::new(0));
    let tell = || {
        db.transaction(|tx| {
            let told = Rc::clone(&told);
            tx.after_commit(move || told.set(told.get() + 1));
            Ok::<_, Error>(())
        })
    };
    let failed = db.unit(|| {
        tell()?;
        Err::<(), _>(Error::Corrupt("as asked".to_owned()))
    });
    assert!(failed.is_err());
    assert_eq!(told.get(), 0);
    db.unit(|| {
        tell()?;
        assert_eq!(told.get(), 0);
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(told.get(), 1);
}

#[test]
fn a_panic_leaves_no_transaction_open() {
    let database = database();
    let db = &database.db;
    db.hold().unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        db.transaction::<(), Error>(|tx| {
            run(tx, "INSERT INTO public.things (id) VALUES (1)")?;
            panic!("as asked");
        })
    }));
    assert!(panicked.is_err());
    assert!(!db.joins());
    insert(db, 2).unwrap();
    assert_eq!(database.count("public.things WHERE id = 2"), 1, "seen from another connection");
    assert_eq!(database.count("public.things WHERE id = 1"), 0);
}

#[test]
fn a_panic_that_is_caught_inside_poisons_the_whole() {
    let database = database();
    let db = &database.db;
    let refused = db.unit(|| {
        let panicked = catch_unwind(AssertUnwindSafe(|| db.transaction::<(), Error>(|_| panic!("as asked"))));
        assert!(panicked.is_err());
        // Still inside: this must not be written on another connection, past the transaction.
        insert(db, 1)
    });
    assert!(matches!(refused, Err(Error::Poisoned)), "{refused:?}");
    assert_eq!(database.count("public.things"), 0);
}

#[test]
fn a_panic_after_the_commit_does_not_hide_it() {
    let database = database();
    let done = database.db.transaction(|tx| {
        tx.after_commit(|| panic!("as asked"));
        run(tx, "INSERT INTO public.things (id) VALUES (1)")
    });
    assert!(done.is_ok());
    assert_eq!(database.count("public.things"), 1);
}
