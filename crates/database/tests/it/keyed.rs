//! Commands with an Idempotency-Key: one effect, equal bytes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use database::{Claim, Error, Keep, KeyedCommand, Once, Ticket};
use diesel::connection::SimpleConnection;
use testing::TestDatabase;

const LEASE: Duration = Duration::from_secs(60);
const KEYS: &str = "app.idempotency_keys";

fn database() -> TestDatabase {
    let database = TestDatabase::with_connections(40);
    database.execute(
        "CREATE TABLE public.effects (id int); GRANT SELECT, INSERT ON public.effects TO fairtrade_app",
    );
    database
}

fn command(key: &str) -> KeyedCommand {
    KeyedCommand {
        scope: KeyedCommand::hash(&[b"per_1", b"POST", b"/api/escrow/deposit"]),
        key: key.to_owned(),
        fingerprint: KeyedCommand::hash(&[b"{}"]),
        keep: Keep::Forever,
    }
}

/// Writes a row, as a service would: in a transaction of its own that joins.
fn effect(database: &TestDatabase) -> Result<Vec<u8>, Error> {
    database.db.transaction(|tx| {
        Ok::<_, Error>(tx.conn().batch_execute("INSERT INTO public.effects VALUES (1)")?)
    })?;
    Ok(format!("answer {}", database.count("public.effects")).into_bytes())
}

fn granted(claim: Claim) -> Ticket {
    match claim {
        Claim::Granted(ticket) => ticket,
        other => panic!("not granted: {other:?}"),
    }
}

#[test]
fn the_second_time_the_same_bytes_come_back() {
    let database = database();
    let first = database.db.once(&command("a"), || effect(&database)).unwrap();
    let Once::Done(answer) = first else { panic!("{first:?}") };
    let second = database.db.once(&command("a"), || effect(&database)).unwrap();
    assert_eq!(second, Once::Replayed(answer));
    assert_eq!(database.count("public.effects"), 1);
}

#[test]
fn what_became_of_a_command_can_be_asked_without_doing_it() {
    let database = database();
    let ask = |command: &KeyedCommand| database.db.seen(command).unwrap();
    assert_eq!(ask(&command("a")), None);
    let Once::Done(answer) = database.db.once(&command("a"), || effect(&database)).unwrap() else {
        panic!("it was to be done")
    };
    assert_eq!(ask(&command("a")), Some(Once::Replayed(answer)));
    assert_eq!(ask(&KeyedCommand { fingerprint: [9; 32], ..command("a") }), Some(Once::KeyReused));
    let ticket = granted(database.db.claim(&command("b"), LEASE).unwrap());
    assert_eq!(ask(&command("b")), Some(Once::InProgress));
    database.db.release(&ticket).unwrap();
    assert_eq!(ask(&command("b")), None);
    assert_eq!((database.count("public.effects"), database.count(KEYS)), (1, 1));
}

#[test]
fn another_key_or_another_scope_is_another_command() {
    let database = database();
    let elsewhere = KeyedCommand { scope: [9; 32], ..command("a") };
    for command in [command("a"), command("b"), elsewhere] {
        assert!(matches!(database.db.once(&command, || effect(&database)).unwrap(), Once::Done(_)));
    }
    assert_eq!(database.count("public.effects"), 3);
}

#[test]
fn a_key_used_for_something_else_is_refused() {
    let database = database();
    database.db.once(&command("a"), || effect(&database)).unwrap();
    let other = KeyedCommand { fingerprint: [7; 32], ..command("a") };
    assert_eq!(database.db.once(&other, || effect(&database)).unwrap(), Once::KeyReused);
    assert_eq!(database.db.claim(&other, LEASE).unwrap(), Claim::KeyReused);
    assert_eq!(database.count("public.effects"), 1);
}

#[test]
fn a_claim_that_was_given_up_is_gone_on_with_at_once_by_one_who_asks_the_same() {
    let database = database();
    let first = granted(database.db.claim(&command("a"), LEASE).unwrap());
    database.db.give_up(&first).unwrap();
    let other = KeyedCommand { fingerprint: [7; 32], ..command("a") };
    assert_eq!(database.db.claim(&other, LEASE).unwrap(), Claim::KeyReused);
    let second = granted(database.db.claim(&command("a"), LEASE).unwrap());
    assert_eq!((second.reference, second.resumed), (first.reference, true));
    // Who was overtaken has nothing left to give up.
    database.db.give_up(&first).unwrap();
    assert_eq!(database.db.claim(&command("a"), LEASE).unwrap(), Claim::InProgress);
    database.db.complete(&second, b"done").unwrap();
}

#[test]
fn failed_work_leaves_nothing_and_frees_the_key() {
    let database = database();
    let failed = database.db.once(&command("a"), || {
        effect(&database)?;
        Err::<Vec<u8>, _>(Error::Corrupt("as asked".to_owned()))
    });
    assert!(matches!(failed, Err(Error::Corrupt(_))));
    assert_eq!((database.count("public.effects"), database.count(KEYS)), (0, 0));
    assert!(matches!(database.db.once(&command("a"), || effect(&database)).unwrap(), Once::Done(_)));
}

#[test]
fn a_hundred_at_once_have_one_effect() {
    let database = database();
    let (done, replayed, busy) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                // Once the first is done everybody else gets its answer; until then they are told to come back.
                loop {
                    match database.db.once(&command("a"), || effect(&database)).unwrap() {
                        Once::Done(answer) => {
                            assert_eq!(
                                answer, b"answer 0",
                                "counted on another connection, before the commit"
                            );
                            done.fetch_add(1, Ordering::Relaxed);
                            break;
                        }
                        Once::Replayed(answer) => {
                            assert_eq!(answer, b"answer 0");
                            replayed.fetch_add(1, Ordering::Relaxed);
                            break;
                        }
                        Once::InProgress => {
                            busy.fetch_add(1, Ordering::Relaxed);
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        Once::KeyReused => panic!("the same body"),
                    }
                }
            });
        }
    });
    assert_eq!((done.into_inner(), replayed.into_inner()), (1, 99));
    assert_eq!(database.count("public.effects"), 1);
}

#[test]
fn whoever_comes_while_it_runs_does_not_wait() {
    let database = database();
    let meanwhile = database.db.once(&command("a"), || {
        let other = std::thread::scope(|scope| {
            scope.spawn(|| database.db.once(&command("a"), || effect(&database)).unwrap()).join().unwrap()
        });
        assert_eq!(other, Once::InProgress);
        effect(&database)
    });
    assert!(matches!(meanwhile.unwrap(), Once::Done(_)));
}

#[test]
fn keys_that_are_kept_for_days_expire_by_the_database_clock() {
    let database = database();
    let week = KeyedCommand { keep: Keep::Days(7), ..command("week") };
    database.db.once(&week, || effect(&database)).unwrap();
    database.db.once(&command("ever"), || effect(&database)).unwrap();
    database.clock.advance(Duration::from_secs(6 * 86_400));
    assert_eq!(database.db.purge_keys(100).unwrap(), 0);
    assert!(matches!(database.db.once(&week, || effect(&database)).unwrap(), Once::Replayed(_)));
    database.clock.advance(Duration::from_secs(2 * 86_400));
    assert!(
        matches!(database.db.once(&week, || effect(&database)).unwrap(), Once::Done(_)),
        "free, though not swept"
    );
    database.clock.advance(Duration::from_secs(8 * 86_400));
    assert_eq!(database.db.purge_keys(100).unwrap(), 1);
    assert_eq!(database.count(KEYS), 1, "money's key stays");
}

#[test]
fn a_claimed_command_is_completed_with_its_result() {
    let database = database();
    let ticket = granted(database.db.claim(&command("a"), LEASE).unwrap());
    assert!(!ticket.resumed);
    assert_eq!(database.db.claim(&command("a"), LEASE).unwrap(), Claim::InProgress);
    assert_eq!(database.db.once(&command("a"), || effect(&database)).unwrap(), Once::InProgress);
    database
        .db
        .unit(|| {
            effect(&database)?;
            database.db.complete(&ticket, b"paid")
        })
        .unwrap();
    assert_eq!(database.db.claim(&command("a"), LEASE).unwrap(), Claim::Replayed(b"paid".to_vec()));
    assert_eq!(
        database.db.once(&command("a"), || effect(&database)).unwrap(),
        Once::Replayed(b"paid".to_vec())
    );
    assert_eq!(database.count("public.effects"), 1);
}

#[test]
fn a_released_claim_frees_the_key() {
    let database = database();
    let ticket = granted(database.db.claim(&command("a"), LEASE).unwrap());
    database.db.release(&ticket).unwrap();
    assert_eq!(database.count(KEYS), 0);
    assert!(!granted(database.db.claim(&command("a"), LEASE).unwrap()).resumed);
}

#[test]
fn after_the_lease_another_goes_on_and_the_first_counts_for_nothing() {
    let database = database();
    let first = granted(database.db.claim(&command("a"), Duration::from_millis(1)).unwrap());
    std::thread::sleep(Duration::from_millis(20));
    let second = granted(database.db.claim(&command("a"), LEASE).unwrap());
    assert!(second.resumed);
    assert_eq!(second.reference, first.reference, "what the first made is found again by the second");
    let late = database.db.unit(|| {
        effect(&database)?;
        database.db.complete(&first, b"first")
    });
    assert!(matches!(late, Err(Error::LeaseLost)));
    database.db.release(&first).unwrap();
    assert_eq!(database.count("public.effects"), 0);
    database.db.complete(&second, b"second").unwrap();
    assert_eq!(database.db.claim(&command("a"), LEASE).unwrap(), Claim::Replayed(b"second".to_vec()));
}

#[test]
fn a_claim_joins_the_transaction_that_notes_the_intent() {
    let database = database();
    let failed = database.db.unit(|| {
        granted(database.db.claim(&command("a"), LEASE)?);
        Err::<(), _>(Error::Corrupt("the intent is refused".to_owned()))
    });
    assert!(failed.is_err());
    assert_eq!(database.count(KEYS), 0);
}
