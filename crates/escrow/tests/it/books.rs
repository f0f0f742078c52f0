//! Proving the books: what is right is called right, and every row that is not is named.

use crate::stage::{HOUR, MINUTE, Stage};

/// A database in which every kind of thing has happened.
fn busy() -> Stage {
    let stage = Stage::new();
    let account = stage.approved(&[30_000, 20_000]);
    stage.release(&account, 0, Some(10_000)).unwrap();
    stage.release(&account, 1, None).unwrap();
    stage.run_due();
    stage.deposit(&stage.account(&[5_000]), None).unwrap();
    stage.after(20 * MINUTE);
    stage
}

#[test]
fn what_is_right_is_called_right() {
    let stage = busy();
    let report = stage.report();
    assert!(report.is_clean(), "{:?}", report.disagreements);
    assert_eq!((report.transactions, report.escrows), (5, 2));
    stage.assert_books_are_right();
}

/// What somebody could do who owns the tables and switches their guards off.
#[test]
fn every_row_that_was_tampered_with_is_named() {
    let tampering = [
        (
            "UPDATE escrow.entries SET amount = amount + 1 WHERE id = (SELECT min(id) FROM escrow.entries)",
            "transaction_balanced",
        ),
        (
            "DELETE FROM escrow.entries WHERE id = (SELECT max(id) FROM escrow.entries)",
            "transaction_complete",
        ),
        ("UPDATE escrow.balances SET balance = balance + 1", "balance_row"),
        ("DELETE FROM escrow.balances", "balance_row_there"),
        ("UPDATE escrow.snapshots SET balance = balance + 1", "snapshot"),
        ("UPDATE escrow.payments SET amount = amount + 1 WHERE status = 'SUCCEEDED'", "deposit_of_payment"),
        (
            "UPDATE escrow.payments SET funded_amount = funded_amount - 1 WHERE status = 'SUCCEEDED'",
            "funded_of_payment",
        ),
        (
            "UPDATE escrow.transactions SET business_key = business_key || 'x' WHERE kind = 'DEPOSIT'",
            "payment_of_deposit",
        ),
        ("UPDATE escrow.releases SET fee = fee + 1, share = share - 1", "transaction_of_release"),
        ("DELETE FROM escrow.releases", "release_of_transaction"),
        ("UPDATE escrow.payouts SET amount = amount + 1", "payout_of_release"),
        ("UPDATE escrow.payouts SET status = 'PENDING'", "payable_of_contractor"),
        ("UPDATE escrow.payouts SET status = 'PENDING'", "transaction_of_payout"),
        ("UPDATE escrow.release_schedule SET status = 'RELEASED'", "schedule_entry"),
        ("UPDATE escrow.release_schedule SET amount = amount + 1", "schedule_of_contract"),
        (
            "UPDATE contracts.milestones SET status = 'FUNDED', released_at = NULL WHERE status = 'RELEASED'",
            "released_of_milestone",
        ),
        ("UPDATE contracts.milestones SET status = 'PENDING' WHERE status = 'APPROVED'", "held_of_milestone"),
        ("UPDATE escrow.escrows SET status = 'CLOSED', closed_at = app.clock()", "closed_escrow_is_empty"),
        ("UPDATE contracts.contracts SET fee_basis_points = 291", "fees_of_milestone"),
    ];
    std::thread::scope(|scope| {
        for tamperings in tampering.chunks(tampering.len().div_ceil(4)) {
            scope.spawn(move || {
                for (sql, check) in tamperings {
                    let stage = busy();
                    stage.after(HOUR);
                    assert!(stage.report().is_clean());
                    let found = stage.report_after_tampering(sql).disagreements;
                    assert!(found.iter().any(|wrong| wrong.check == *check), "{sql}: {found:?}");
                }
            });
        }
    });
}

#[test]
fn the_providers_balance_is_compared_with_ours() {
    let stage = busy();
    stage.database.execute("UPDATE simulated_provider.balances SET amount = amount - 1");
    let wrong = stage.escrow.verify_provider().unwrap();
    assert_eq!(wrong.len(), 1);
    assert_eq!((wrong[0].check, wrong[0].expected - wrong[0].found), ("provider_balance", 1));
}

#[test]
fn snapshots_leave_every_balance_as_it_is() {
    let stage = busy();
    let before = stage.trial_balance().lines;
    stage.after(10 * MINUTE);
    let snapshots = stage.database.count("escrow.snapshots");
    assert!(snapshots >= 3, "{snapshots}");
    assert_eq!(stage.trial_balance().lines, before);
    // What comes later is counted on top.
    stage.funded(&[7_000]);
    stage.assert_books_are_right();
    stage.after(10 * MINUTE);
    assert!(stage.database.count("escrow.snapshots") > snapshots);
    stage.assert_books_are_right();
}

#[test]
fn a_snapshot_waits_for_transactions_that_began_before_it() {
    let stage = busy();
    let before = stage.database.count("escrow.snapshots");
    let held = stage.database.owner_connection();
    let mut held = OpenTransaction::begin(held);
    stage.funded(&[7_000]);
    stage.after(10 * MINUTE);
    assert_eq!(stage.database.count("escrow.snapshots"), before);
    held.end();
    stage.after(10 * MINUTE);
    assert!(stage.database.count("escrow.snapshots") > before);
    stage.assert_books_are_right();
}

/// A transaction that has an id and does not end.
struct OpenTransaction(diesel::PgConnection);

impl OpenTransaction {
    fn begin(mut conn: diesel::PgConnection) -> Self {
        use diesel::connection::SimpleConnection;
        conn.batch_execute("BEGIN; SELECT pg_current_xact_id()").unwrap();
        Self(conn)
    }

    fn end(&mut self) {
        use diesel::connection::SimpleConnection;
        self.0.batch_execute("COMMIT").unwrap();
    }
}
