//! `kill -9`: of the server under money traffic, and of a worker in the middle of a task.

mod client;
mod journal;
mod proofs;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use journal::{Deed, Entry, Journal, Pages};
use rand::seq::IndexedRandom;
use serde_json::json;
use tests::{Installation, TestApp};

/// The fairtrade command.
const PROGRAM: &str = env!("CARGO_BIN_EXE_fairtrade-tested");
/// How often the server is killed; another number can be asked for with `FAIRTRADE_CRASH_ROUNDS`.
const ROUNDS: u32 = 30;
/// Pairs of people at work at the same time.
const CLIENTS: usize = 4;
/// For how long a server lives at most, from when it is ready.
const LIFE_MILLIS: std::ops::Range<u64> = 20..700;
/// Answers that are asked for once more after each start.
const REPLAYS: usize = 5;
/// How long things may take that only have to wait for a lease to run out.
const PATIENCE: Duration = Duration::from_secs(60);

/// The shortest lease that a worker may have.
const LEASE: (&str, &str) = ("FAIRTRADE__WORKERS__LEASE_SECONDS", "10");
const POLL: (&str, &str) = ("FAIRTRADE__WORKERS__POLL_MILLIS", "50");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_happens_twice_however_often_the_server_is_killed() {
    let rounds = std::env::var("FAIRTRADE_CRASH_ROUNDS").ok().and_then(|asked| asked.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS);
    let mut home = Installation::of(PROGRAM);
    let app = home.app().await;
    let home = home
        .with(LEASE.0, LEASE.1)
        .with(POLL.0, POLL.1)
        .with("FAIRTRADE__SIMULATED_PROVIDER__PROCESSING_SECONDS", "1");
    let (journal, stop) = (Journal::default(), Arc::new(AtomicBool::new(false)));
    let mut clients = Vec::new();
    for number in 1..=CLIENTS {
        let client = client::Client {
            name: format!("client-{number}"),
            homeowner: app.homeowner().await.at(&home.base()),
            contractor: app.verified_contractor().await.at(&home.base()),
            journal: journal.clone(),
            stop: stop.clone(),
            keys: 0,
        };
        clients.push(tokio::spawn(client.run()));
    }

    let began = Instant::now();
    for round in 1..=rounds {
        one_life(&home, &journal).await;
        let told = journal.read();
        proofs::nothing_lost_nothing_twice(&app, &told);
        verify_books(&home, round);
        as_if_the_lease_had_run_out(&app);
        assert!(!clients.iter().any(|client| client.is_finished()), "a client gave up in round {round}");
    }
    let killed_for = began.elapsed();

    let mut server = home.start(&["serve"]);
    server.ready();
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        if let Err(error) = client.await {
            panic!("{error}");
        }
    }
    until(&app, "simulated_provider.webhooks WHERE delivered_at IS NULL", |rows| rows == 0).await;
    until_quiet(&app).await;
    let told = journal.read();
    replay_some(&told.entries, REPLAYS * 20).await;
    proofs::what_happened_is_what_was_told(&app, &told);
    verify_books(&home, rounds + 1);
    server.kill();
    report(rounds, killed_for, began.elapsed(), &told);
}

/// A server from its start to a death at a random moment, now and then before it serves at all.
async fn one_life(home: &Installation, journal: &Journal) {
    let mut server = home.start(&["serve"]);
    let life = Duration::from_millis(rand::random_range(LIFE_MILLIS));
    if rand::random_ratio(9, 10) {
        tokio::task::block_in_place(|| server.ready());
        let dies = Instant::now() + life;
        replay_some(&journal.read().entries, REPLAYS).await;
        tokio::time::sleep(dies.saturating_duration_since(Instant::now())).await;
    } else {
        tokio::time::sleep(life).await;
    }
    server.kill();
}

/// What was acknowledged before a crash is acknowledged with the same bytes after it.
async fn replay_some(entries: &[Entry], most: usize) {
    let some: Vec<Entry> = entries.sample(&mut rand::rng(), most).cloned().collect();
    for entry in some {
        let again = entry.who.post_keyed(&entry.path, &entry.key, entry.body).await;
        assert_eq!(again.bytes, entry.answer.bytes, "{} and before {}", again.text(), entry.answer.text());
        assert_eq!((again.status, again.header("idempotency-replayed")), (entry.answer.status, Some("true")));
    }
}

fn verify_books(home: &Installation, round: u32) {
    let said = home.run(&["ledger", "verify"]);
    let told = || (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "after round {round}: {:?}", told());
}

/// Nobody is at it any more, so nobody has to wait for the half-minute that a claim on a key lasts.
fn as_if_the_lease_had_run_out(app: &TestApp) {
    app.database
        .execute("UPDATE app.idempotency_keys SET lease_until = clock_timestamp() WHERE state = 'CLAIMED'");
}

/// Waits until nothing is left to be done, the tasks included whose workers died.
async fn until_quiet(app: &TestApp) {
    for rows in [
        "outbox.events WHERE position IS NULL",
        "outbox.tasks WHERE state IN ('QUEUED', 'RUNNING') AND due_at <= app.clock() + interval '5 seconds'
            AND kind NOT IN ('escrow.prove_books', 'escrow.take_snapshots')",
        "escrow.payouts WHERE status <> 'PAID'",
    ] {
        until(app, rows, |rows| rows == 0).await;
    }
}

fn report(rounds: u32, killed_for: Duration, whole: Duration, told: &Pages) {
    let counted = Deed::ALL.map(|deed| format!("{} {deed:?}", told.of(deed).count())).join(", ");
    eprintln!(
        "{rounds} kills in {:.1} s, {:.1} s with the rest; {} acknowledged ({counted}, {} Approval); {} tries without an answer; \
         the longest wait for an answer {:.1} s",
        killed_for.as_secs_f64(),
        whole.as_secs_f64(),
        told.entries.len() + told.approvals.len(),
        told.approvals.len(),
        told.doubts,
        told.longest.as_secs_f64(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payout_whose_worker_dies_before_the_provider_has_moved_it_is_made_once_by_another() {
    // The provider has not moved anything yet: it waits for its balance.
    killed_over_a_payout("LOCK TABLE simulated_provider.balances IN SHARE MODE", 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payout_whose_worker_dies_after_the_provider_has_moved_it_is_recorded_once_by_another() {
    // The provider has moved it, and our books wait.
    killed_over_a_payout("LOCK TABLE escrow.transactions IN SHARE MODE", 1).await;
}

/// A worker takes a payout up, is held where this lock holds it, and dies; another one carries on when the lease has run out.
async fn killed_over_a_payout(lock: &str, moved: i64) {
    let mut home = Installation::of(PROGRAM);
    let app = home.app().await;
    let home = home.with(LEASE.0, LEASE.1).with(POLL.0, POLL.1);
    let deal = app.approved_contract().await;
    let path = format!("/api/payments/escrow/{}/release/milestone", deal.escrow);
    deal.contractor.pay(&path, json!({ "milestoneId": deal.milestone(0) })).await.expect(200);

    let mut holder = app.database.owner_connection();
    let held = holder.batch_execute(&format!("BEGIN; {lock}"));
    assert!(held.is_ok(), "{held:?}");
    let mut first = home.start(&["worker"]);
    first.ready();
    let waits = "pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()";
    until(&app, waits, |rows| rows > 0).await;
    first.kill();
    let transfers = "simulated_provider.balance_movements WHERE kind = 'transfer'";
    assert_eq!(app.database.count(transfers), moved);
    assert_eq!(app.database.count("outbox.tasks WHERE kind = 'escrow.send_payout' AND state = 'RUNNING'"), 1);
    assert!(holder.batch_execute("ROLLBACK").is_ok());

    let mut second = home.start(&["worker"]);
    second.ready();
    until(&app, "escrow.payouts WHERE status = 'PAID'", |rows| rows == 1).await;
    until_quiet(&app).await;
    for (rows, count) in [
        (transfers, 1),
        ("escrow.transactions WHERE kind = 'PAYOUT'", 1),
        ("outbox.events WHERE name = 'payout.paid'", 1),
        ("outbox.tasks WHERE kind = 'escrow.send_payout' AND state = 'DONE' AND attempts = 2", 1),
        ("notifications.notifications WHERE template = 'payout_paid'", 1),
        ("escrow.payouts", 1),
    ] {
        assert_eq!(app.database.count(rows), count, "{rows}");
    }
    verify_books(&home, 1);
    second.kill();
}

async fn until(app: &TestApp, rows: &str, enough: impl Fn(i64) -> bool) {
    let began = Instant::now();
    while !enough(app.database.count(rows)) {
        assert!(began.elapsed() < PATIENCE, "still not so: {rows}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
