//! The throwaway database itself.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use kernel::Clock;
use testing::TestDatabase;

#[test]
fn two_databases_share_no_rows() {
    let (one, other) = (TestDatabase::new(), TestDatabase::new());
    one.execute("CREATE TABLE public.things (id int); INSERT INTO public.things VALUES (1)");
    other.execute("CREATE TABLE public.things (id int)");
    assert_eq!(one.count("public.things"), 1);
    assert_eq!(other.count("public.things"), 0);
}

#[test]
fn turning_the_clock_turns_both() {
    let database = TestDatabase::new();
    let before = database.db.now().unwrap();
    database.clock.advance(Duration::from_secs(86_400));
    let (in_postgres, in_rust) = (database.db.now().unwrap(), database.clock.now());
    assert!(in_postgres - before >= chrono::TimeDelta::days(1));
    assert!((in_postgres - in_rust).abs() < chrono::TimeDelta::seconds(5));
}

#[test]
fn the_runtime_role_may_not_turn_the_clock() {
    let database = TestDatabase::new();
    let refused = database.try_execute_as_runtime("UPDATE app.clock_offset SET shift = '1 day'").unwrap_err();
    assert!(refused.to_string().contains("permission denied"), "{refused}");
    let refused = database.try_execute_as_runtime("SELECT app.grant_runtime('app')").unwrap_err();
    assert!(refused.to_string().contains("permission denied"), "{refused}");
}

/// Not a test: a process that has a database until it is killed.
#[test]
#[ignore = "run by the test below"]
fn child() {
    let database = TestDatabase::new();
    println!("made {}", database.url);
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn what_a_killed_process_left_is_cleared_away_by_the_next() {
    let spawn = || {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["test_database::child", "--exact", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("made ") {
            said.clear();
            assert!(stdout.read_line(&mut said).unwrap() > 0, "the child ended without a database");
        }
        (child, said.trim().split("made ").nth(1).unwrap().to_owned())
    };
    // Holds the server up in between.
    let _own = TestDatabase::new();
    let (mut first, url) = spawn();
    assert!(database::establish(&url).is_ok());
    first.kill().unwrap();
    first.wait().unwrap();
    // Whatever test process begins from here on clears it away, so it is ours to ask only once one surely has.
    let (mut second, _) = spawn();
    let error = database::establish(&url).err().expect("it was dropped");
    assert!(error.to_string().contains("does not exist"), "{error}");
    second.kill().unwrap();
    second.wait().unwrap();
}
