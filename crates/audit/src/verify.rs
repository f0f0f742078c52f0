//! Proving the trail: every hash is computed again, every row has to follow the one before it, and what checkpoints knew has to be
//! there still.

use std::collections::BTreeMap;

use database::PgConnection;
use serde::Serialize;

use crate::keys::Keys;
use crate::model::{Checkpoint, EntryId};
use crate::rules::{self, Break, CHAINS, NOTHING, Walk};
use crate::store::{self, Head, Linked};
use crate::{Error, model};

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was found: `altered`, `missing`, `doubled`, `unchained`, `rewritten`, `head`, `truncated`, `stray`, `checkpoint_missing`,
    /// `checkpoint_altered`, `checkpoint_key`.
    pub check: &'static str,
    /// Which chain; none for what belongs to none.
    pub chain: Option<i16>,
    /// The row's place in its chain, or the checkpoint's number.
    pub place: Option<i64>,
    /// The row.
    pub entry: Option<String>,
    /// A sentence that names it.
    pub message: String,
}

/// What a proof of the trail came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Rows that were computed again.
    pub entries: u64,
    /// Checkpoints that were compared.
    pub checkpoints: u64,
    /// The first thing that is wrong in each chain and among the checkpoints; none when nothing is.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    /// The first broken row.
    #[must_use]
    pub fn first(&self) -> Option<&Finding> {
        self.findings.first()
    }
}

/// Checks the trail on this connection, in a transaction that sees one state throughout: against its own heads and checkpoints, and
/// against a checkpoint that was kept elsewhere.
///
/// # Errors
/// [`Error`] when the database fails.
pub fn verify(conn: &mut PgConnection, keys: &Keys, kept: Option<&Checkpoint>) -> Result<Report, Error> {
    let mut report = Report::default();
    walk_chains(conn, kept, &mut report)?;
    if let Some(id) = store::stray(conn)? {
        let message = format!("the row {id} is in no chain");
        report.findings.push(Finding { check: "stray", chain: None, place: None, entry: Some(id), message });
    }
    check_checkpoints(conn, keys, &mut report)?;
    if let Some(kept) = kept {
        report.checkpoints += 1;
        report.findings.extend(check_signature(keys, kept, "the checkpoint that was kept"));
    }
    Ok(report)
}

/// What is known of one chain before it is walked.
struct Known {
    head: Option<Head>,
    /// Hashes by place.
    marks: BTreeMap<i64, Vec<Vec<u8>>>,
}

fn walk_chains(conn: &mut PgConnection, kept: Option<&Checkpoint>, report: &mut Report) -> Result<(), Error> {
    let mut heads: BTreeMap<i16, Head> =
        store::heads(conn)?.into_iter().map(|head| (head.chain, head)).collect();
    let mut batch = store::linked(conn, None)?;
    // Rows of chains that do not exist come before and after those that do.
    let mut rows = Rows { pending: batch.drain(..).collect() };
    for chain in 0..i16::try_from(CHAINS).unwrap_or(i16::MAX) {
        let known = Known { head: heads.remove(&chain), marks: marks(conn, chain, kept)? };
        let finding = walk_chain(conn, chain, &known, &mut rows, report)?;
        report.findings.extend(finding);
    }
    if let Some(beyond) = rows.next_of(conn, None)? {
        report.findings.push(broken(&beyond, "stray", "is in a chain that there is not"));
    }
    Ok(())
}

/// The rows in the order of the chains, read batch by batch.
struct Rows {
    pending: std::collections::VecDeque<Linked>,
}

impl Rows {
    /// The next row, when it is of this chain or of one before it; of whichever chain when none is named.
    fn next_of(&mut self, conn: &mut PgConnection, chain: Option<i16>) -> Result<Option<Linked>, Error> {
        let belongs = |row: &Linked| chain.is_none_or(|chain| row.chain <= chain);
        if !self.pending.front().is_some_and(belongs) {
            return Ok(None);
        }
        let row = self.pending.pop_front();
        if self.pending.is_empty()
            && let Some(row) = &row
        {
            self.pending = store::linked(conn, Some(row.place()))?.into();
        }
        Ok(row)
    }
}

fn marks(
    conn: &mut PgConnection,
    chain: i16,
    kept: Option<&Checkpoint>,
) -> Result<BTreeMap<i64, Vec<Vec<u8>>>, Error> {
    let mut marks: BTreeMap<i64, Vec<Vec<u8>>> = BTreeMap::new();
    for mark in store::marks(conn, chain)? {
        marks.entry(mark.sequence).or_default().push(mark.hash);
    }
    let head = kept.and_then(|kept| kept.heads.get(usize::try_from(chain).unwrap_or(usize::MAX)));
    if let Some(head) = head {
        let hash = rules::hash_from_hex(&head.hash).map(Vec::from).unwrap_or_default();
        marks.entry(head.sequence).or_default().push(hash);
    }
    Ok(marks)
}

/// Walks one chain to its end; the first thing that is wrong with it.
fn walk_chain(
    conn: &mut PgConnection,
    chain: i16,
    known: &Known,
    rows: &mut Rows,
    report: &mut Report,
) -> Result<Option<Finding>, Error> {
    let mut walk = Walk::new();
    let mut first = None;
    while let Some(row) = rows.next_of(conn, Some(chain))? {
        report.entries += 1;
        if first.is_some() {
            continue;
        }
        if row.chain != chain {
            first = Some(broken(&row, "stray", "is in a chain that there is not"));
            continue;
        }
        let link = row.link();
        let marked = known.marks.get(&link.sequence).map(Vec::as_slice).unwrap_or_default();
        if let Err(found) = walk.step(&link, marked) {
            let (check, why) = told(found);
            first = Some(broken(&row, check, why));
        }
    }
    Ok(first.or_else(|| end_of_chain(chain, known, &walk)))
}

/// Whether the chain ends where its head and the checkpoints say.
fn end_of_chain(chain: i16, known: &Known, walk: &Walk) -> Option<Finding> {
    let finding = |check, place, message| {
        Some(Finding { check, chain: Some(chain), place: Some(place), entry: None, message })
    };
    let beyond = known.marks.keys().next_back().filter(|place| **place > walk.sequence);
    if let Some(place) = beyond {
        let message = format!(
            "chain {chain} ends after row {}, and a checkpoint knows row {place}: what followed is gone",
            walk.sequence
        );
        return finding("truncated", walk.sequence + 1, message);
    }
    let unknown = known
        .marks
        .range(..=0)
        .any(|(place, hashes)| *place < 0 || hashes.iter().any(|hash| *hash != NOTHING));
    if unknown {
        return finding("truncated", 1, format!("a checkpoint knows of chain {chain} what cannot be"));
    }
    match &known.head {
        Some(head) if head.sequence == walk.sequence && head.hash == walk.hash => None,
        Some(head) => {
            let message = format!(
                "chain {chain} ends after row {}, and its head says {}: its end was cut off, added to or rewritten",
                walk.sequence, head.sequence
            );
            finding("head", walk.sequence + 1, message)
        }
        None => finding("head", 0, format!("chain {chain} has no head")),
    }
}

fn told(found: Break) -> (&'static str, &'static str) {
    match found {
        Break::Missing => ("missing", "does not follow the row before it: what was in between is gone"),
        Break::Doubled => ("doubled", "has a place that another row has"),
        Break::Unchained => ("unchained", "is not chained to the row before it"),
        Break::Altered => ("altered", "is not what was hashed when it was written"),
        Break::Rewritten => ("rewritten", "has another hash than a checkpoint knows for its place"),
    }
}

fn broken(row: &Linked, check: &'static str, why: &str) -> Finding {
    let (chain, place, id) = row.place();
    let id = EntryId::from(id).to_string();
    let message = format!("row {place} of chain {chain} ({id}) {why}");
    Finding { check, chain: Some(chain), place: Some(place), entry: Some(id), message }
}

/// The stored checkpoints: each signed, each following the one before. Names the first that is not.
fn check_checkpoints(conn: &mut PgConnection, keys: &Keys, report: &mut Report) -> Result<(), Error> {
    let mut last = (0, hex::encode(NOTHING));
    // Whatever stands below the first is none of ours.
    let mut batch = store::checkpoints(conn, i64::MIN)?;
    let mut first = None;
    while !batch.is_empty() {
        for checkpoint in &batch {
            report.checkpoints += 1;
            if first.is_none() {
                first = check_order(&last, checkpoint).or_else(|| {
                    check_signature(keys, checkpoint, &format!("checkpoint {}", checkpoint.number))
                });
            }
            last = (checkpoint.number, checkpoint.signature.clone());
        }
        batch = store::checkpoints(conn, last.0)?;
    }
    report.findings.extend(first);
    Ok(())
}

fn check_order((number, signature): &(i64, String), next: &model::Checkpoint) -> Option<Finding> {
    if next.number == number + 1 && next.previous == *signature {
        return None;
    }
    let message = format!("checkpoint {} does not follow checkpoint {number}", next.number);
    Some(Finding { check: "checkpoint_missing", chain: None, place: Some(next.number), entry: None, message })
}

fn check_signature(keys: &Keys, checkpoint: &Checkpoint, named: &str) -> Option<Finding> {
    let finding = |check, message| {
        Some(Finding { check, chain: None, place: Some(checkpoint.number), entry: None, message })
    };
    let signature = hex::decode(&checkpoint.signature).unwrap_or_default();
    let signed = rules::checkpoint_message(checkpoint)
        .map(|message| keys.signed(&checkpoint.key_id, &message, &signature));
    match signed {
        Some(Some(true)) => None,
        Some(None) => finding(
            "checkpoint_key",
            format!("{named} was signed with the key {}, which is not configured", checkpoint.key_id),
        ),
        Some(Some(false)) | None => finding("checkpoint_altered", format!("{named} is not what was signed")),
    }
}
