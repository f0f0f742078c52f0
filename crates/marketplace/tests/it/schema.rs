//! `schema.rs` is what the migrations make, and the database's words are ours.

use marketplace::{BidStatus, JobStatus, Reveal, ReviewStatus, Urgency};

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
