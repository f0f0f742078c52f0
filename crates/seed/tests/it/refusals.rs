//! Databases and numbers that are refused.

use marketplace::Settings;
use seed::{Error, Plan, Refusal};
use testing::TestDatabase;

fn plan(database: &TestDatabase, number: u64) -> Plan {
    Plan { people: 20, ..Plan::new(number, 20, 20, database.db.now().unwrap()) }
}

fn refusal(result: Result<(), Error>) -> Refusal {
    match result.unwrap_err() {
        Error::Refused(refusal) => refusal,
        Error::Database(error) => panic!("{error}"),
    }
}

#[test]
fn a_number_is_seeded_once_and_another_one_adds() {
    let database = TestDatabase::new();
    for number in [1, 2] {
        seed::check_own(&database.db, number).unwrap();
        seed::fill(&database.db, &plan(&database, number), &Settings::default(), &mut |_| {}).unwrap();
    }
    assert_eq!(refusal(seed::check_own(&database.db, 2)), Refusal::AlreadyIn(2));
    assert_eq!((database.count("identity.people"), database.count("marketplace.jobs")), (40, 40));
}

#[test]
fn a_database_with_somebody_in_it_is_not_seeded() {
    let database = TestDatabase::new();
    seed::fill(&database.db, &plan(&database, 1), &Settings::default(), &mut |_| {}).unwrap();
    database.execute(
        "INSERT INTO identity.people (id, role, email, email_canonical, full_name, time_zone, created_at, updated_at)
         VALUES (gen_random_uuid(), 'ADMIN', 'ada@example.org', 'ada@example.org', 'Ada', 'UTC', app.clock(), app.clock())",
    );
    assert_eq!(refusal(seed::check_own(&database.db, 2)), Refusal::NotItsOwn { people: 1, jobs: 0 });
}

#[test]
fn what_cannot_be_made_leaves_nothing() {
    let database = TestDatabase::new();
    let impossible = Plan { bids: 1_000, ..plan(&database, 1) };
    let filled = seed::fill(&database.db, &impossible, &Settings::default(), &mut |_| {});
    assert!(matches!(filled, Err(Error::Refused(Refusal::TooManyBids { .. }))));
    // Somebody of the seed is there already, although no seeding is marked: the second row of the same id ends all of it.
    seed::fill(&database.db, &plan(&database, 1), &Settings::default(), &mut |_| {}).unwrap();
    database.execute("DELETE FROM seed.seedings");
    let again = seed::fill(&database.db, &plan(&database, 1), &Settings::default(), &mut |_| {});
    assert!(matches!(again, Err(Error::Database(_))), "{again:?}");
    assert_eq!((database.count("identity.people"), database.count("seed.seedings")), (20, 0));
}
