//! That what is compiled is what the migrations make, and that the lists of words are the database's.

use diesel::prelude::*;
use diesel::sql_types::Text;
use escrow::{AccountKind, EscrowStatus, PaymentStatus, PayoutStatus, ScheduleStatus, TransactionKind};
use testing::TestDatabase;

#[test]
fn the_compiled_tables_are_the_migrated_ones() {
    testing::check_schema("escrow", include_str!("../../src/schema.rs"));
    testing::check_schema_at(
        "simulated_provider",
        include_str!("../../src/provider/simulated/schema.rs"),
        "crates/escrow/src/provider/simulated/schema.rs",
    );
}

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    definition: String,
}

#[test]
fn the_database_knows_the_same_words() {
    let database = TestDatabase::new();
    let words = |list: &[&'static str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let lists: [(&str, Vec<String>); 6] = [
        ("account_kind", words(&AccountKind::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>())),
        ("transaction_kind", words(&TransactionKind::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>())),
        ("escrow_status", words(&EscrowStatus::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>())),
        ("schedule_status", words(&ScheduleStatus::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>())),
        ("payment_status", words(&PaymentStatus::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>())),
        ("payout_status", words(&PayoutStatus::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>())),
    ];
    for (constraint, expected) in lists {
        let found: Definition = diesel::sql_query(
            "SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
             WHERE conname = $1 AND connamespace = 'escrow'::regnamespace",
        )
        .bind::<Text, _>(constraint)
        .get_result(&mut database.owner_connection())
        .unwrap();
        let quoted: Vec<String> =
            found.definition.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(quoted, expected, "{constraint}");
    }
}

#[test]
fn every_foreign_key_is_indexed() {
    let database = TestDatabase::new();
    let unindexed: Vec<String> = testing::unindexed_foreign_keys(&database)
        .into_iter()
        .filter(|key| key.starts_with("escrow.") || key.starts_with("simulated_provider."))
        .collect();
    assert_eq!(unindexed, Vec::<String>::new());
}

/// Which account has a floor and on which side its balance is told is written twice, in SQL and in Rust.
#[test]
fn rust_and_sql_agree_on_floors_and_sides() {
    let database = TestDatabase::new();
    for kind in AccountKind::ALL {
        let sql = format!(
            "(VALUES (1)) AS one WHERE escrow.has_floor('{0}') = {1} AND escrow.natural_side('{0}') = {2}",
            kind.as_str(),
            kind.has_floor(),
            kind.natural_side()
        );
        assert_eq!(database.count(&sql), 1, "{kind:?}");
    }
}
