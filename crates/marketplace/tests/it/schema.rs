//! `schema.rs` is what the migrations make, and the database's words are ours.

use marketplace::{
    BidStatus, Category, DecisionOutcome, JobField, JobFilter, JobId, JobList, JobStatus, MarketplaceQueries,
    ReportReason, Reveal, ReviewStatus, Urgency, public_jobs,
};

use crate::world::World;

#[test]
fn schema_rs_is_current() {
    testing::check_schema("marketplace", include_str!("../../src/schema.rs"));
}

/// Every word that Rust knows is in its CHECK, and the CHECK has no other.
#[test]
fn the_databases_words_are_the_enums() {
    let world = World::new();
    for (constraint, words) in [
        ("job_status", JobStatus::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>()),
        ("job_reveal", Reveal::ALL.iter().map(|word| word.as_str()).collect()),
        ("job_urgency", Urgency::ALL.iter().map(|word| word.as_str()).collect()),
        ("bid_status", BidStatus::ALL.iter().map(|word| word.as_str()).collect()),
        ("job_field", JobField::ALL.iter().map(|word| word.as_str()).collect()),
        ("review_report_reason", ReportReason::ALL.iter().map(|word| word.as_str()).collect()),
        ("review_decision_outcome", DecisionOutcome::ALL.iter().map(|word| word.as_str()).collect()),
        ("review_status", ReviewStatus::ALL.iter().map(|word| word.as_str()).collect()),
    ] {
        let quoted: Vec<String> = words.iter().map(|word| format!("''{word}''::text")).collect();
        let definition = format!("CHECK ((% = ANY (ARRAY[{}])))", quoted.join(", "));
        let found = world.count(&format!(
            "pg_constraint WHERE conname = '{constraint}' AND pg_get_constraintdef(oid) LIKE '{definition}'"
        ));
        assert_eq!(found, 1, "{constraint}");
    }
}

/// What requests run all the time is planned once and kept: the statement log would show it otherwise.
#[test]
fn the_hot_paths_run_cached_statements() {
    let world = World::over(testing::TestDatabase::logged());
    let ada = world.homeowner("Ada");
    let rounds = ["warm", "watched"].map(|_| (world.open_job(&ada), world.contractor("Bob")));
    world.database.db.hold().unwrap();
    let run = |(job, bidder): &(JobId, kernel::Actor)| {
        world.market.job(None, *job).unwrap();
        world.market.list_jobs(None, &JobList::default()).unwrap();
        let category = Some(Category::new("tiling").unwrap());
        let tiling = JobList { filter: JobFilter { category, ..JobFilter::default() }, ..JobList::default() };
        world.market.list_jobs(None, &tiling).unwrap();
        world.database.db.read(|conn| public_jobs(conn, &[*job])).unwrap();
        world.bid(bidder, *job, 150_000);
    };
    run(&rounds[0]);
    let ((), statements) = world.database.statements(|| run(&rounds[1]));
    testing::assert_cached(&statements);
    world.database.db.release_held();
}
