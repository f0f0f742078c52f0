//! What bids said before they were revised.

use std::collections::HashMap;

use database::{Error, PgConnection};
use diesel::prelude::*;

use super::RevisionRow;
use crate::model::{BidDetail, BidId, FormerRevision};
use crate::schema::{bid_revisions, bids};

/// As many are shown of each bid: what it said before the last few changes helps nobody to choose.
const FORMER_SHOWN: i32 = 10;

/// The former revisions of these bids, the newest first. Nothing is asked where none was revised, which is what most pages are like.
pub(crate) fn list_former(
    conn: &mut PgConnection,
    of: &[BidDetail],
) -> Result<HashMap<BidId, Vec<FormerRevision>>, Error> {
    let revised: Vec<BidId> = of.iter().filter(|bid| bid.revision > 1).map(|bid| bid.id).collect();
    if revised.is_empty() {
        return Ok(HashMap::new());
    }
    let former = bid_revisions::revision
        .lt(bids::revision)
        .and(bid_revisions::revision.ge(bids::revision - FORMER_SHOWN));
    let rows: Vec<RevisionRow> = bid_revisions::table
        .inner_join(bids::table)
        .filter(bids::id.eq_any(revised).and(former))
        .order((bid_revisions::bid_id, bid_revisions::revision.desc()))
        .select(RevisionRow::as_select())
        .load(conn)?;
    let mut found: HashMap<BidId, Vec<FormerRevision>> = HashMap::new();
    for row in rows {
        let (revision, submitted_at) = (row.revision, row.submitted_at);
        let (receipt, proof) = (row.receipt.clone(), row.proof());
        let of = found.entry(row.bid_id.into()).or_default();
        of.push(FormerRevision { revision, parts: row.parts()?, submitted_at, receipt, proof });
    }
    Ok(found)
}
