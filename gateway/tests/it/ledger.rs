//! `fairtrade ledger verify`, as an operator runs it: a process of its own over the same database.

use std::path::PathBuf;
use std::process::{Command, Output};

use contracts::MilestoneId;
use diesel::prelude::*;
use diesel::sql_types::Text;
use gateway::demo;
use serde_json::Value;
use testing::TestDatabase;

use crate::house::House;

/// What somebody could do who owns the tables and switches their guards off; each answers how the proof is to name the row.
const TAMPERINGS: [&str; 7] = [
    "UPDATE escrow.entries e SET amount = amount + 1 FROM escrow.transactions t
     WHERE t.id = e.transaction_id
         AND e.id = (SELECT min(e.id) FROM escrow.entries e JOIN escrow.transactions t ON t.id = e.transaction_id WHERE t.kind = 'DEPOSIT')
     RETURNING 'transaction_balanced of transaction ' || t.business_key AS name",
    "DELETE FROM escrow.entries e USING escrow.transactions t
     WHERE t.id = e.transaction_id
         AND e.id = (SELECT min(e.id) FROM escrow.entries e JOIN escrow.transactions t ON t.id = e.transaction_id WHERE t.kind = 'RELEASE')
     RETURNING 'transaction_complete of transaction ' || t.business_key AS name",
    "UPDATE escrow.balances b SET balance = balance + 1 FROM escrow.accounts a
     WHERE a.id = b.account_id AND a.id = (SELECT id FROM escrow.accounts WHERE kind = 'CONTRACTOR_PAYABLE' ORDER BY id LIMIT 1)
     RETURNING 'balance_row of CONTRACTOR_PAYABLE ' || a.id AS name",
    "UPDATE escrow.payments SET funded_amount = funded_amount - 1
     WHERE id = (SELECT id FROM escrow.payments WHERE status = 'SUCCEEDED' ORDER BY id LIMIT 1)
     RETURNING 'funded_of_payment of payment ' || id AS name",
    "UPDATE escrow.releases SET fee = fee + 1, share = share - 1
     WHERE transaction_id = (SELECT transaction_id FROM escrow.releases ORDER BY transaction_id DESC LIMIT 1)
     RETURNING 'transaction_of_release of release ' || milestone_id || ' part ' || part || ' fee' AS name",
    "UPDATE escrow.payouts p SET amount = p.amount + 1 FROM escrow.releases r
     WHERE r.payout_id = p.id AND p.id = (SELECT id FROM escrow.payouts ORDER BY id LIMIT 1)
     RETURNING 'payout_of_release of release ' || r.milestone_id || ' part ' || r.part AS name",
    "UPDATE escrow.release_schedule SET status = 'RELEASED'
     WHERE id = (SELECT id FROM escrow.release_schedule WHERE status = 'PENDING' ORDER BY id LIMIT 1)
     RETURNING 'schedule_entry of milestone ' || milestone_id AS name",
];
/// The same where the row is named by its typed id.
const UNFUNDED: &str = "UPDATE contracts.milestones SET status = 'PENDING'
     WHERE id = (SELECT id FROM contracts.milestones WHERE status = 'FUNDED' ORDER BY id DESC LIMIT 1) RETURNING id::text AS name";

/// Runs it, with nothing of this process' environment but what every program has.
fn verify(database: &TestDatabase, more: &[&str]) -> Output {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("ledger-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fairtrade"))
        .args(["ledger", "verify"])
        .args(more)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("FAIRTRADE_DATA", &folder)
        .env("DATABASE_URL", &database.url)
        .env("MIGRATION_DATABASE_URL", &database.owner_url)
        .current_dir(&folder)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    output
}

/// The one row that this changes, by the name it is given.
fn tamper(database: &TestDatabase, sql: &str) -> String {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let changed: Result<Named, database::Error> =
        database.owner.read(|conn| Ok(diesel::sql_query(sql).get_result(conn)?));
    changed.unwrap_or_else(|error| panic!("{sql}: {error}")).name
}

#[test]
fn ledger_verify_names_every_row_that_was_tampered_with() {
    let house = House::new();
    demo::seed(&house.platform, &house.provider, House::settings()).unwrap();
    let database = &house.database;

    let clean = verify(database, &[]);
    let said = String::from_utf8_lossy(&clean.stdout);
    assert!(clean.status.success(), "{said}{}", String::from_utf8_lossy(&clean.stderr));
    assert!(said.starts_with("The books balance: "), "{said}");

    for table in ["entries", "balances", "releases"] {
        database.execute(&format!("ALTER TABLE escrow.{table} DISABLE TRIGGER USER"));
    }
    let mut names: Vec<String> = TAMPERINGS.iter().map(|sql| tamper(database, sql)).collect();
    let milestone = MilestoneId::from(tamper(database, UNFUNDED).parse::<uuid::Uuid>().unwrap());
    names.push(format!("held_of_milestone of milestone {milestone} (PENDING)"));

    let found = verify(database, &[]);
    assert_eq!(found.status.code(), Some(1));
    let said = String::from_utf8_lossy(&found.stdout);
    assert!(said.starts_with("THE BOOKS DO NOT BALANCE. "), "{said}");
    for name in &names {
        assert!(said.contains(&format!("\n  {name}: expected ")), "{name} is not among {said}");
    }

    // For programs the same rows, with what they should be and what they are.
    let found = verify(database, &["--json"]);
    assert_eq!(found.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(said["clean"], false);
    let rows = said["report"]["disagreements"].as_array().unwrap();
    for name in &names {
        let (check, subject) = name.split_once(" of ").unwrap();
        let row = rows.iter().find(|row| row["check"] == check && row["subject"] == subject);
        let row = row.unwrap_or_else(|| panic!("{name} is not among {said:#}"));
        assert_ne!(row["expected"], row["found"], "{row}");
    }
}
