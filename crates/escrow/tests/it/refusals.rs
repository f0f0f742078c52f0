//! What Postgres refuses by itself: raw SQL as the runtime role, and as the owner of every table.

use database::Error;
use testing::TestDatabase;

const CONTRACT: &str = "00000000-0000-7000-8000-00000000000c";
const MILESTONE: &str = "00000000-0000-7000-8000-0000000000aa";
const PARTY: &str = "00000000-0000-7000-8000-0000000000bb";
const HOUSE: &str = "00000000-0000-0000-0000-000000000000";

/// A call of the posting function: entries as (kind, currency, subject, amount).
fn post(kind: &str, key: &str, entries: &[(&str, &str, &str, i64)]) -> String {
    let list = |items: Vec<String>, sql_type: &str| format!("ARRAY[{}]::{sql_type}[]", items.join(","));
    let quoted = |pick: fn(&(&str, &str, &str, i64)) -> String| {
        entries.iter().map(|entry| format!("'{}'", pick(entry))).collect::<Vec<_>>()
    };
    format!(
        "SELECT escrow.post(gen_random_uuid(), '{kind}', '{key}', '{CONTRACT}', NULL, 'test', {}, {}, {}, {}, {})",
        list(entries.iter().map(|_| "gen_random_uuid()".to_owned()).collect(), "uuid"),
        list(quoted(|entry| entry.0.to_owned()), "text"),
        list(quoted(|entry| entry.1.to_owned()), "text"),
        list(quoted(|entry| entry.2.to_owned()), "uuid"),
        list(entries.iter().map(|entry| entry.3.to_string()).collect(), "bigint"),
    )
}

fn deposit(key: &str, amount: i64) -> String {
    post(
        "DEPOSIT",
        key,
        &[
            ("HELD", "USD", MILESTONE, amount),
            ("CARD_CLEARING", "USD", HOUSE, -amount + 1),
            ("PROCESSOR_FEE", "USD", HOUSE, -1),
        ],
    )
}

fn release(key: &str, amount: i64) -> String {
    post(
        "RELEASE",
        key,
        &[
            ("HELD", "USD", MILESTONE, -amount),
            ("PLATFORM_FEE", "USD", HOUSE, 1),
            ("CONTRACTOR_PAYABLE", "USD", PARTY, amount - 1),
        ],
    )
}

fn payout(key: &str, amount: i64) -> String {
    post(
        "PAYOUT",
        key,
        &[("CONTRACTOR_PAYABLE", "USD", PARTY, -amount), ("CARD_CLEARING", "USD", HOUSE, amount)],
    )
}

/// A ledger with 1,000 held and 99 payable.
fn ledger() -> TestDatabase {
    let database = TestDatabase::new();
    for sql in [deposit("deposit:1", 1_100), release("release:1:1", 100)] {
        database.try_execute_as_runtime(&sql).unwrap();
    }
    database
}

/// Refused to the runtime role and to the owner, by the constraint of this name.
#[track_caller]
fn refused_to_both(database: &TestDatabase, sql: &str, constraint: &str) {
    for outcome in [database.try_execute_as_runtime(sql), database.try_execute(sql)] {
        let error = outcome.expect_err(sql);
        assert!(error.is_check(constraint) || error.is_unique(constraint), "{sql}: {error:?}");
    }
}

#[test]
fn posting_moves_balances_and_opens_accounts() {
    let database = ledger();
    let held = "escrow.balances b JOIN escrow.accounts a ON a.id = b.account_id WHERE a.kind = 'HELD' AND balance = 1000";
    assert_eq!(database.count(held), 1);
    assert_eq!(database.count("escrow.accounts"), 5);
    assert_eq!(database.count("escrow.balances"), 2);
    assert_eq!(database.count("escrow.transactions"), 2);
    assert_eq!(database.count("escrow.entries"), 6);
}

#[test]
fn an_unbalanced_transaction_is_refused() {
    let database = ledger();
    let entries = [("HELD", "USD", MILESTONE, 5), ("CARD_CLEARING", "USD", HOUSE, -4)];
    refused_to_both(&database, &post("DEPOSIT", "deposit:2", &entries), "transaction_balanced");
    assert_eq!(database.count("escrow.transactions"), 2);
}

#[test]
fn mixed_currencies_are_refused() {
    let database = ledger();
    let entries = [("HELD", "USD", MILESTONE, 5), ("CARD_CLEARING", "EUR", HOUSE, -5)];
    refused_to_both(&database, &post("DEPOSIT", "deposit:2", &entries), "one_currency");
}

#[test]
fn held_and_payable_accounts_stay_above_zero() {
    let database = ledger();
    refused_to_both(&database, &release("release:1:2", 1_001), "held_not_below_zero");
    refused_to_both(&database, &payout("payout:1", 100), "contractor_payable_not_below_zero");
    let netted = [("HELD", "USD", MILESTONE, -5), ("CONTRACTOR_DEBT", "USD", PARTY, 5)];
    refused_to_both(&database, &post("RELEASE", "release:1:2", &netted), "contractor_debt_not_below_zero");
    // To the last cent it may go.
    for sql in [release("release:1:2", 1_000), payout("payout:1", 1_098)] {
        database.try_execute_as_runtime(&sql).unwrap();
    }
    refused_to_both(&database, &release("release:1:3", 2), "held_not_below_zero");
}

#[test]
fn a_second_release_under_one_key_is_refused() {
    let database = ledger();
    refused_to_both(&database, &release("release:1:1", 100), "transactions_business_key");
    assert_eq!(database.count("escrow.entries"), 6);
}

#[test]
fn entries_without_an_amount_or_a_second_side_are_refused() {
    let database = ledger();
    let constraint = "entries_shape";
    refused_to_both(&database, &post("DEPOSIT", "deposit:2", &[("HELD", "USD", MILESTONE, 0)]), constraint);
    refused_to_both(&database, &post("DEPOSIT", "deposit:2", &[]), constraint);
    let zero = [("HELD", "USD", MILESTONE, 0), ("CARD_CLEARING", "USD", HOUSE, 0)];
    refused_to_both(&database, &post("DEPOSIT", "deposit:2", &zero), "entry_amount");
    let unknown = [("PETTY_CASH", "USD", HOUSE, 5), ("CARD_CLEARING", "USD", HOUSE, -5)];
    refused_to_both(&database, &post("DEPOSIT", "deposit:2", &unknown), "account_kind");
    let nobodys = [("HELD", "USD", HOUSE, 5), ("CARD_CLEARING", "USD", HOUSE, -5)];
    refused_to_both(&database, &post("DEPOSIT", "deposit:2", &nobodys), "account_subject");
    let good = [("HELD", "USD", MILESTONE, 5), ("CARD_CLEARING", "USD", HOUSE, -5)];
    refused_to_both(&database, &post("GIFT", "gift:1", &good), "transaction_kind");
    refused_to_both(&database, &post("CORRECTION", "correction:1", &good), "transaction_corrects");
}

#[test]
fn held_money_moves_only_under_its_own_contract() {
    let database = ledger();
    let other = release("release:1:2", 5).replace(CONTRACT, "00000000-0000-7000-8000-00000000000d");
    refused_to_both(&database, &other, "held_of_contract");
}

const INSERTS: [&str; 5] = [
    "INSERT INTO escrow.accounts (id, kind, currency, subject_id, created_at)
     VALUES (gen_random_uuid(), 'PLATFORM_FEE', 'EUR', '00000000-0000-0000-0000-000000000000', app.clock())",
    "INSERT INTO escrow.transactions (id, kind, business_key, currency, entry_count, request_id, created_at)
     VALUES (gen_random_uuid(), 'DEPOSIT', 'raw', 'USD', 2, 'raw', app.clock())",
    "INSERT INTO escrow.entries (transaction_id, ordinal, entry_count, account_id, currency, amount)
     SELECT transaction_id, 3, entry_count, account_id, currency, 5 FROM escrow.entries LIMIT 1",
    "INSERT INTO escrow.balances (account_id, balance) SELECT id, 5 FROM escrow.accounts WHERE kind = 'PLATFORM_FEE'",
    "INSERT INTO escrow.snapshots (account_id, upto_entry, balance, taken_at)
     SELECT id, 1, 5, app.clock() FROM escrow.accounts LIMIT 1",
];

const CHANGES: [(&str, &str); 13] = [
    ("UPDATE escrow.entries SET amount = amount + 1", "append_only"),
    ("DELETE FROM escrow.entries", "append_only"),
    ("TRUNCATE escrow.entries", "append_only"),
    ("UPDATE escrow.transactions SET business_key = 'other'", "append_only"),
    ("DELETE FROM escrow.transactions", "append_only"),
    ("TRUNCATE escrow.transactions CASCADE", "append_only"),
    ("UPDATE escrow.accounts SET kind = 'HELD'", "append_only"),
    ("DELETE FROM escrow.accounts", "append_only"),
    ("UPDATE escrow.balances SET balance = 1", "posted_by_function"),
    ("DELETE FROM escrow.balances", "append_only"),
    ("TRUNCATE escrow.balances", "append_only"),
    ("UPDATE escrow.snapshots SET balance = 1", "append_only"),
    ("DELETE FROM escrow.releases", "append_only"),
];

#[test]
fn nothing_is_inserted_past_the_function() {
    let database = ledger();
    for sql in INSERTS {
        let as_runtime = database.try_execute_as_runtime(sql).unwrap_err();
        assert!(as_runtime.to_string().contains("permission denied"), "{sql}: {as_runtime}");
        let as_owner = database.try_execute(sql).unwrap_err();
        assert!(as_owner.is_check("posted_by_function"), "{sql}: {as_owner:?}");
    }
}

#[test]
fn nothing_that_was_posted_is_changed_or_removed() {
    let database = ledger();
    for (sql, constraint) in CHANGES {
        let as_runtime = database.try_execute_as_runtime(sql).unwrap_err();
        assert!(as_runtime.to_string().contains("permission denied"), "{sql}: {as_runtime}");
        let as_owner = database.try_execute(sql).unwrap_err();
        assert!(as_owner.is_check(constraint), "{sql}: {as_owner:?}");
    }
}

/// Were somebody to write as the ledger role itself, the constraints behind the function still hold.
#[test]
fn behind_the_function_the_constraints_hold_by_themselves() {
    let database = ledger();
    let header = "INSERT INTO escrow.transactions (id, kind, business_key, currency, entry_count, request_id, created_at)
                  VALUES ('00000000-0000-7000-8000-000000000001', 'DEPOSIT', 'raw', 'USD', 2, 'raw', app.clock());";
    let entry = |ordinal: i16, kind: &str, amount: i64| {
        format!(
            "INSERT INTO escrow.entries (transaction_id, ordinal, entry_count, account_id, currency, amount)
             SELECT '00000000-0000-7000-8000-000000000001', {ordinal}, 2, id, 'USD', {amount}
             FROM escrow.accounts WHERE kind = '{kind}';"
        )
    };
    let attempts = [
        // Caught at COMMIT only, when nothing can be added any more.
        (format!("{}{}", entry(1, "HELD", 5), entry(2, "CARD_CLEARING", -4)), "transaction_balanced"),
        (entry(1, "HELD", 5), "transaction_balanced"),
        (String::new(), "transaction_complete"),
        (
            format!("{}{}", entry(1, "HELD", -1_001), entry(2, "CARD_CLEARING", 1_001)),
            "balance_not_below_zero",
        ),
        (entry(3, "HELD", 5), "entry_ordinal"),
    ];
    for (entries, constraint) in attempts {
        let sql = format!("BEGIN; SET LOCAL ROLE fairtrade_ledger; {header} {entries} COMMIT");
        let error = database.owner_connection_execute(&sql).expect_err(&sql);
        assert!(error.is_check(constraint), "{constraint}: {error:?}");
    }
    let added = "BEGIN; SET LOCAL ROLE fairtrade_ledger;
        INSERT INTO escrow.entries (transaction_id, ordinal, entry_count, account_id, currency, amount)
        SELECT transaction_id, entry_count, entry_count, account_id, currency, 5 FROM escrow.entries WHERE ordinal = 1 LIMIT 1;
        COMMIT";
    let error = database.owner_connection_execute(added).expect_err("a transaction is closed");
    assert!(error.is_unique("entries_place"), "{error:?}");
    let foreign = "BEGIN; SET LOCAL ROLE fairtrade_ledger;
        INSERT INTO escrow.accounts (id, kind, currency, subject_id, created_at)
        VALUES ('00000000-0000-7000-8000-000000000002', 'PLATFORM_FEE', 'EUR', '00000000-0000-0000-0000-000000000000', app.clock());
        INSERT INTO escrow.transactions (id, kind, business_key, currency, entry_count, request_id, created_at)
        VALUES ('00000000-0000-7000-8000-000000000001', 'DEPOSIT', 'raw', 'USD', 2, 'raw', app.clock());
        INSERT INTO escrow.entries (transaction_id, ordinal, entry_count, account_id, currency, amount)
        VALUES ('00000000-0000-7000-8000-000000000001', 1, 2, '00000000-0000-7000-8000-000000000002', 'USD', 5); COMMIT";
    let error = database.owner_connection_execute(foreign).expect_err("of another currency");
    assert!(
        matches!(&error, Error::ForeignKey { constraint } if constraint == "entries_account"),
        "{error:?}"
    );
}

#[test]
fn only_those_who_were_named_may_call_the_function() {
    let database = TestDatabase::new();
    let callers = "pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) g
        WHERE p.pronamespace = 'escrow'::regnamespace AND g.privilege_type = 'EXECUTE' AND g.grantee = 0";
    assert_eq!(database.count(callers), 0, "PUBLIC may call something");
    let loose = "pg_proc p WHERE p.pronamespace = 'escrow'::regnamespace
        AND p.prosecdef AND (p.proowner <> 'fairtrade_ledger'::regrole OR p.proconfig <> ARRAY['search_path=escrow, pg_temp'])";
    assert_eq!(database.count(loose), 0, "a definer's function of another owner or path");
    assert_eq!(database.count("pg_roles WHERE rolname = 'fairtrade_ledger' AND rolcanlogin"), 0);
}

trait Raw {
    fn owner_connection_execute(&self, sql: &str) -> Result<(), Error>;
}

impl Raw for TestDatabase {
    /// On a connection of its own, because what fails here leaves a transaction open.
    fn owner_connection_execute(&self, sql: &str) -> Result<(), Error> {
        use diesel::connection::SimpleConnection;
        Ok(self.owner_connection().batch_execute(sql)?)
    }
}
