//! `fairtrade audit`: proves the trail, and signs what it is now.

use std::path::Path;

use audit::{AuditCommands, AuditQueries, Checkpoint, Report};
use serde_json::json;

use super::admin::from_domain;
use super::failure::Failure;
use super::output::{Voice, say};

/// Computes every hash again, and names the first broken row of each chain.
///
/// # Errors
/// [`Failure::Refused`] when there is one, or when the file is no checkpoint.
pub(super) fn verify(kept: Option<&Path>, voice: Voice, audit: &dyn AuditQueries) -> Result<(), Failure> {
    let kept = kept.map(read).transpose()?;
    let report = audit.verify(kept.as_ref()).map_err(|error| from_domain(&error))?;
    let told = json!({ "whole": report.is_whole(), "firstBroken": report.first(), "report": report });
    voice.tell(&told, || for_people(&report))?;
    match report.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Refused(format!("the audit trail is broken: {}", first.message))),
    }
}

/// Signs the heads as they are; the newest checkpoint again when nothing was added since.
///
/// # Errors
/// [`Failure`] when there is nothing to sign yet, or the file cannot be written.
pub(super) fn checkpoint(out: Option<&Path>, voice: Voice, audit: &dyn AuditCommands) -> Result<(), Failure> {
    let taken = audit.take_checkpoint().map_err(|error| from_domain(&error))?;
    let newest = match taken {
        Some(taken) => Some(taken),
        None => audit.newest_checkpoint().map_err(|error| from_domain(&error))?,
    };
    let checkpoint = newest
        .ok_or_else(|| Failure::Refused("the audit trail is empty: there is nothing to sign".to_owned()))?;
    let text =
        serde_json::to_string_pretty(&checkpoint).map_err(|error| Failure::Internal(error.to_string()))?;
    match out {
        None => say(text),
        Some(file) => {
            std::fs::write(file, text + "\n")?;
            let rows: i64 = checkpoint.heads.iter().map(|head| head.sequence).sum();
            let told = json!({ "number": checkpoint.number, "rows": rows, "file": file });
            voice.tell(&told, || {
                format!("Checkpoint {} over {rows} rows is in {}.", checkpoint.number, file.display())
            })
        }
    }
}

fn read(file: &Path) -> Result<Checkpoint, Failure> {
    let text = std::fs::read_to_string(file)?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::Refused(format!("{} is no checkpoint: {error}", file.display())))
}

fn for_people(report: &Report) -> String {
    let looked_at = format!("{} rows and {} checkpoints", report.entries, report.checkpoints);
    if report.is_whole() {
        return format!("The audit trail is whole: {looked_at}.");
    }
    let findings =
        report.findings.iter().map(|finding| format!("\n  {}: {}", finding.check, finding.message));
    format!("THE AUDIT TRAIL IS BROKEN. Looked at {looked_at}.{}", findings.collect::<String>())
}
