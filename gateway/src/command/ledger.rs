//! `fairtrade ledger`: proves the books.

use database::Db;
use escrow::LedgerReport;
use serde_json::json;

use super::admin::from_domain;
use super::failure::Failure;
use super::output::Voice;

/// Recomputes everything, and names every row that disagrees.
///
/// # Errors
/// [`Failure::Refused`] when any does.
pub(super) fn verify(db: &Db, voice: Voice) -> Result<(), Failure> {
    let report = db.read(escrow::verify_ledger).map_err(|error| from_domain(&error))?;
    voice.tell(&json!({ "clean": report.is_clean(), "report": report }), || for_people(&report))?;
    if report.is_clean() {
        return Ok(());
    }
    Err(Failure::Refused(format!("{} rows of the ledger disagree", report.disagreements.len())))
}

fn for_people(report: &LedgerReport) -> String {
    let looked_at = format!(
        "{} transactions with {} entries on {} accounts, and {} escrow accounts against their contracts",
        report.transactions, report.entries, report.accounts, report.escrows
    );
    if report.is_clean() {
        return format!("The books balance: {looked_at}.");
    }
    let rows = report.disagreements.iter().map(|row| {
        format!("\n  {} of {}: expected {}, found {}", row.check, row.subject, row.expected, row.found)
    });
    format!("THE BOOKS DO NOT BALANCE. Looked at {looked_at}.{}", rows.collect::<String>())
}
