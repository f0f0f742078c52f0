//! The throwaway database itself.

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
