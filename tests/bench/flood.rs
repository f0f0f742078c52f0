//! A flood of sign-ins: what it does to everybody else, and how it is answered itself. Hashing costs what it costs in production, every
//! account has a password of its own hash, and every sign-in comes from an address of its own: nothing but hashing is in their way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::client::{Connection, Request, forwarded};
use crate::load::{Load, Report};
use crate::rows;
use crate::world::{PASSWORD, SIGN_IN_EMAIL, World};

/// Sign-ins at once, each to an account of its own.
const SIGN_INS: usize = 500;
/// Connections of everybody else.
const OTHERS: usize = 16;
/// What everybody else's p95 may become, as a multiple of what it was.
const AIM: f64 = 2.0;

/// What those do who are told to come back later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// They wait as long as `Retry-After` says.
    Wait,
    /// They ask again at once.
    Push,
}

/// How often each status was answered.
type Answers = BTreeMap<u16, usize>;

/// Measures it and prints a table of its own.
pub(crate) fn measure(world: &World, seconds: u64) {
    people(world);
    let duration = Duration::from_secs(seconds);
    let busy = ("as fast as it goes", None);
    let usual = ("10–30 ms of thought", Some((Duration::from_millis(10), Duration::from_millis(30))));
    println!(
        "\n| job by id at {OTHERS} connections | {SIGN_INS} sign-ins at once, cost {} | requests/s | p50 ms | p95 ms | of quiet | sign-ins answered | aim |",
        world.bcrypt_cost
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | --- | --- |");
    for (pace, pause) in [usual, busy] {
        let others = || others(world, duration, pause);
        let quiet = others();
        print(pace, "none", &quiet, &quiet, &Answers::new());
        for (manners, name) in [(Manners::Wait, "wait as told"), (Manners::Push, "do not wait as told")] {
            let until = Instant::now() + duration + Duration::from_millis(500);
            let address = world.server.address.clone();
            // On a thread of its own, so that what is measured is the server's time and not this tool's.
            let flood = std::thread::spawn(move || sign_in(&address, manners, until));
            // All of them are under way by then.
            std::thread::sleep(Duration::from_millis(250));
            let report = others();
            let answers = flood.join().unwrap();
            print(pace, name, &report, &quiet, &answers);
        }
    }
}

fn print(pace: &str, flood: &str, report: &Report, quiet: &Report, answers: &Answers) {
    let Report { rate, p50, p95, errors, first_error, .. } = report;
    let times = p95 / quiet.p95;
    let told: Vec<String> = answers
        .iter()
        .map(|(status, count)| match status {
            0 => format!("{count} broken"),
            status => format!("{count} × {status}"),
        })
        .collect();
    let (told, aim) = match answers.is_empty() {
        true => ("–".to_owned(), String::new()),
        false => {
            (told.join(", "), format!("≤ {AIM}: {}", if times <= AIM { "reached" } else { "**missed**" }))
        }
    };
    println!("| {pace} | {flood} | {rate:.0} | {p50:.2} | {p95:.2} | {times:.2} | {told} | {aim} |");
    if *errors > 0 {
        eprintln!("{errors} of the others failed, first: {}", first_error.as_deref().unwrap_or_default());
    }
}

/// What everybody else does meanwhile.
fn others(world: &World, duration: Duration, pause: Option<(Duration, Duration)>) -> Report {
    let load =
        Load { address: world.server.address.clone(), connections: OTHERS, duration, pause, good: &[200] };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // What is read or prepared the first time is not what is measured.
        Load { duration: Duration::from_millis(500), ..load.clone() }.run(rows::jobs(world)).await;
        load.run(rows::jobs(world)).await
    })
}

/// Every second one knows the password.
fn form(connection: usize, turn: usize) -> Request {
    let password = if connection.is_multiple_of(2) { PASSWORD } else { "not the right one" };
    let form = json!({ "email": email(connection), "password": password });
    let from = format!("10.{}.{}.{}", connection / 250, connection % 250, 1 + turn % 250);
    forwarded(&from, "POST", "/api/auth/login", &form)
}

fn sign_in(address: &str, manners: Manners, until: Instant) -> Answers {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..SIGN_INS)
            .map(|index| tokio::spawn(sign_in_again(address.to_owned(), index, manners, until)))
            .collect();
        let mut all = Answers::new();
        for task in tasks {
            for (status, count) in task.await.unwrap() {
                *all.entry(status).or_default() += count;
            }
        }
        all
    })
}

async fn sign_in_again(address: String, index: usize, manners: Manners, until: Instant) -> Answers {
    let mut answers = Answers::new();
    let mut open = None;
    let mut turn = 0;
    while Instant::now() < until {
        if open.is_none() {
            open = Connection::open(&address).await.ok();
        }
        let Some(connection) = open.as_mut() else {
            *answers.entry(0).or_default() += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let sent = tokio::time::timeout_at(until.into(), connection.send(&form(index, turn))).await;
        turn += 1;
        match sent {
            Ok(Ok(answer)) => {
                *answers.entry(answer.status).or_default() += 1;
                if let (Manners::Wait, Some(seconds)) = (manners, answer.retry_after) {
                    tokio::time::sleep_until(
                        (Instant::now() + Duration::from_secs(seconds)).min(until).into(),
                    )
                    .await;
                }
            }
            Ok(Err(_)) => {
                *answers.entry(0).or_default() += 1;
                open = None;
            }
            // Still waiting when the time was over.
            Err(_) => break,
        }
    }
    answers
}

fn email(n: usize) -> String {
    format!("flood{n}@bench.example")
}

/// Accounts to sign in at, with the password and the hash of one that was registered: hashing five hundred anew would take minutes.
fn people(world: &World) {
    let mut superuser = database::establish(&world.superuser_url).unwrap();
    superuser
        .batch_execute(&format!(
            "INSERT INTO identity.people (id, role, email, email_canonical, email_verified_at, password_hash, pepper_id, full_name,
                 time_zone, version, created_at, updated_at, password_set_at)
             SELECT gen_random_uuid(), role, 'flood' || n || '@bench.example', 'flood' || n || '@bench.example', email_verified_at,
                 password_hash, pepper_id, full_name, time_zone, version, created_at, updated_at, password_set_at
             FROM identity.people, generate_series(0, {SIGN_INS} - 1) n WHERE email_canonical = '{SIGN_IN_EMAIL}'"
        ))
        .unwrap();
}
