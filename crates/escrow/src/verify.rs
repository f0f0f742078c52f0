//! Proving the books: everything is computed again from the entries, and every row that disagrees is named.

use std::collections::HashMap;
use std::time::Duration;

use contracts::{ContractFacts, ContractId, MilestoneFacts, MilestoneStatus};
use database::PgConnection;
use kernel::Currency;
use serde::Serialize;
use uuid::Uuid;

use crate::model::AccountKind;
use crate::provider::IntentStatus;
use crate::rules;
use crate::service::EscrowService;
use crate::store::verify::{self as store, Clearing, EscrowPlace, Kept};
use crate::{Error, store::ledger};

/// Escrow accounts looked at in one batch.
const BATCH: i64 = 500;
/// How often the books and the provider are read until they stand still.
const TRIES: usize = 5;
/// How often, and with which pause, a round of snapshots waits for transactions that began before it: they take milliseconds.
const SNAPSHOT_TRIES: usize = 20;
const SNAPSHOT_PAUSE: Duration = Duration::from_millis(100);
/// The most disagreements that are written to the log in one run.
const LOGGED_MAX: usize = 20;

/// A row, or a sum, that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disagreement {
    /// What was checked.
    pub check: &'static str,
    /// Which row.
    pub subject: String,
    /// What it should be.
    pub expected: i64,
    /// What it is.
    pub found: i64,
}

/// What a proof of the books came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerReport {
    /// Transactions looked at.
    pub transactions: i64,
    /// Entries looked at.
    pub entries: i64,
    /// Accounts looked at.
    pub accounts: i64,
    /// Escrow accounts compared with their contracts.
    pub escrows: i64,
    /// Every row that disagrees; none when the books are right.
    pub disagreements: Vec<Disagreement>,
}

impl LedgerReport {
    /// Whether nothing disagrees.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.disagreements.is_empty()
    }
}

/// Computes everything again, as of one instant: sums of transactions, balance rows, snapshots, payments, releases, payouts
/// and refunds against their transactions, and what is held against the milestones' states. The connection must not be in
/// a transaction.
///
/// # Errors
/// [`Error::Database`] when it cannot be read.
pub fn verify_ledger(conn: &mut PgConnection) -> Result<LedgerReport, Error> {
    store::as_of_one_instant(conn, |conn| {
        let (transactions, entries, accounts) = store::counts(conn)?;
        let mut report = LedgerReport { transactions, entries, accounts, ..LedgerReport::default() };
        for (check, sql) in store::CHECKS {
            report.disagreements.extend(store::run(conn, check, sql)?);
        }
        let mut after = None;
        loop {
            let escrows = store::escrows_after(conn, after, BATCH)?;
            let Some(last) = escrows.last() else { return Ok(report) };
            after = Some(last.id);
            report.escrows += i64::try_from(escrows.len()).unwrap_or(i64::MAX);
            against_contracts(conn, &escrows, &mut report.disagreements)?;
        }
    })
}

/// Compares what is held for, and was released of, each milestone with what its contract says of it.
fn against_contracts(
    conn: &mut PgConnection,
    escrows: &[EscrowPlace],
    found: &mut Vec<Disagreement>,
) -> Result<(), Error> {
    let ids: Vec<ContractId> = escrows.iter().map(|escrow| escrow.contract).collect();
    let facts = contracts::facts_of_all(conn, &ids)?;
    let mut milestones = contracts::milestones_of_all(conn, &ids)?;
    let kept = store::kept_for(conn, &ids)?;
    for escrow in escrows {
        let Some(contract) = facts.get(&escrow.contract) else {
            found.push(disagreement("contract_of_escrow", escrow.contract.to_string(), 1, 0));
            continue;
        };
        if escrow.scheduled != contract.price.minor() {
            let subject = format!("contract {}", escrow.contract);
            found.push(disagreement(
                "schedule_of_contract",
                subject,
                contract.price.minor(),
                escrow.scheduled,
            ));
        }
        for milestone in milestones.remove(&escrow.contract).unwrap_or_default() {
            of_milestone(contract, &milestone, &kept, found);
        }
    }
    Ok(())
}

fn of_milestone(
    contract: &ContractFacts,
    milestone: &MilestoneFacts,
    kept: &HashMap<Uuid, Kept>,
    found: &mut Vec<Disagreement>,
) {
    let kept = kept.get(&milestone.id.uuid()).copied().unwrap_or_default();
    let must_hold = rules::must_hold(milestone.status, milestone.amount, kept.released);
    if kept.held != must_hold {
        let subject = format!("milestone {} ({})", milestone.id, milestone.status.as_str());
        found.push(disagreement("held_of_milestone", subject, must_hold, kept.held));
    }
    let (all, left) = (milestone.amount, milestone.amount - kept.released);
    if (milestone.status == MilestoneStatus::Released) != (left == 0) {
        let subject = format!("milestone {} ({})", milestone.id, milestone.status.as_str());
        found.push(disagreement("released_of_milestone", subject, all, kept.released));
    }
    let fee = rules::fee(contract.terms.fee, kept.released).unwrap_or(-1);
    if kept.fees != fee {
        found.push(disagreement("fees_of_milestone", format!("milestone {}", milestone.id), fee, kept.fees));
    }
}

fn disagreement(check: &'static str, subject: String, expected: i64, found: i64) -> Disagreement {
    Disagreement { check, subject, expected, found }
}

impl EscrowService {
    /// Compares our books with the provider's: held + payable + platform fee + clearing - debt - processor fees, which
    /// is what card clearing says, is the provider's balance but for what is in flight. No verdict on a currency whose books
    /// do not stand still.
    ///
    /// # Errors
    /// [`Error::Provider`] when it cannot be asked, [`Error::Database`].
    pub fn verify_provider(&self) -> Result<Vec<Disagreement>, Error> {
        let mut found = Vec::new();
        for currency in self.db().read(store::currencies)? {
            for _ in 0..TRIES {
                let before =
                    self.db().read(|conn| store::clearing(conn, self.provider().name(), currency))?;
                let incoming = self.incoming(&before)?;
                let balance = self.provider().balance(currency)?;
                let after = self.db().read(|conn| store::clearing(conn, self.provider().name(), currency))?;
                if before == after {
                    found.extend(outside_of_range(&before, incoming, balance, currency));
                    break;
                }
            }
        }
        Ok(found)
    }

    /// What the provider has taken in and we have not recorded yet.
    fn incoming(&self, clearing: &Clearing) -> Result<i64, Error> {
        let mut incoming = 0;
        for (intent, amount) in &clearing.open_intents {
            if let IntentStatus::Succeeded { fee } = self.provider().intent(intent)?.status {
                incoming += amount - fee;
            }
        }
        Ok(incoming)
    }

    /// One round of snapshots, as soon as what was under way has ended; none when something takes long.
    pub(crate) fn take_snapshots(&self) -> Result<(), Error> {
        let (upto, horizon) = self.db().read(ledger::snapshot_mark)?;
        for _ in 0..SNAPSHOT_TRIES {
            let taken = self.db().transaction(|tx| ledger::take_snapshots(tx.conn(), upto, &horizon))?;
            if taken.is_some() {
                return Ok(());
            }
            std::thread::sleep(SNAPSHOT_PAUSE);
        }
        tracing::debug!("an older transaction still runs; snapshots wait for the next round");
        Ok(())
    }
}

/// Everything that left may have been recorded or not; so the provider's balance lies between.
fn outside_of_range(
    clearing: &Clearing,
    incoming: i64,
    balance: i64,
    currency: Currency,
) -> Option<Disagreement> {
    let most = clearing.books + incoming;
    let least = most - clearing.outgoing;
    let expected = balance.clamp(least, most);
    (expected != balance).then(|| {
        disagreement(
            "provider_balance",
            format!("{} {currency}", AccountKind::CardClearing.as_str()),
            expected,
            balance,
        )
    })
}

/// Proves the books and shows the result as the metric `ledger_imbalance`: the number of rows that disagree.
pub(crate) fn prove(service: &EscrowService) -> Result<(), Error> {
    let mut disagreements = service.db().read(verify_ledger)?.disagreements;
    disagreements.extend(service.verify_provider()?);
    for wrong in disagreements.iter().take(LOGGED_MAX) {
        tracing::error!(
            check = wrong.check,
            subject = wrong.subject,
            expected = wrong.expected,
            found = wrong.found,
            "the books disagree"
        );
    }
    let count = u32::try_from(disagreements.len()).unwrap_or(u32::MAX);
    metrics::gauge!("ledger_imbalance").set(f64::from(count));
    Ok(())
}
