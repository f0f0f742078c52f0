//! Bids that their bidder has to stand by once more, because their job was edited below them.

use std::collections::HashMap;

use database::{PgConnection, Tx};
use kernel::{ContractorActor, Instant};

use super::{MarketplaceService, bids, events, trail};
use crate::ConfirmationCommands;
use crate::error::Error;
use crate::model::{BidChange, BidDetail, JobField, JobId, JobStatus, PublicJob};
use crate::store::jobs::Lock;
use crate::{rules, store};

impl ConfirmationCommands for MarketplaceService {
    fn confirm_bid(
        &self,
        contractor: ContractorActor<'_>,
        change: BidChange<()>,
    ) -> Result<BidDetail, Error> {
        self.db.transaction(|tx| {
            let found = bids::own_bid(tx, contractor.party, &change)?;
            let job = store::jobs::lock(tx.conn(), found.job_id, Lock::Share)?.ok_or(Error::BidNotFound)?;
            let now = tx.now()?;
            let mut bid =
                store::bids::find_own(tx.conn(), found.id, contractor.party)?.ok_or(Error::BidNotFound)?;
            bids::waits(&bid, &change)?;
            if !rules::in_force(bid.parts.valid_until, now) {
                return Err(Error::BidLapsed);
            }
            if !identity::contractor_may_bid(tx, contractor.party)? {
                return Err(Error::NotVerified);
            }
            let revealed = rules::revealed(job.reveal, job.bidding_deadline, now);
            bid.proof = bid.proof.filter(|_| revealed);
            ask(tx.conn(), [&mut bid])?;
            if bid.confirmation.is_none() {
                return Ok(bid);
            }
            if !store::confirmation::confirm(tx.conn(), &bid, now)? {
                return Err(Error::Stale);
            }
            let before = (bid.status, bid.revision);
            let version = bid.version + 1;
            let bid =
                BidDetail { version, confirmed_at: Some(now), confirmation: None, updated_at: now, ..bid };
            trail::bid(tx, &job, Some(before), &bid);
            events::bid(tx, "bid.confirmed", &contractor.request_id, &bid, &job, revealed);
            Ok(bid)
        })
    }
}

/// Keeps and tells what an edit changed of a published job. Nothing here looks at its bids.
pub(super) fn edited(
    tx: &mut Tx<'_>,
    before: &PublicJob,
    after: &PublicJob,
    request_id: &str,
) -> Result<(), Error> {
    if before.status != JobStatus::Open {
        return Ok(());
    }
    let fields = rules::changed_fields(before, after);
    if !fields.is_empty() {
        let now = tx.now()?;
        store::confirmation::note(tx.conn(), before.id, &fields, now)?;
    }
    events::job_edited(tx, request_id, before, &fields);
    Ok(())
}

/// When which fields of these jobs last changed.
pub(super) type Changes = HashMap<JobId, Vec<(JobField, Instant)>>;

/// Puts in what bids have to be confirmed for. Only for those who may see the bids.
pub(super) fn ask<'a>(
    conn: &mut PgConnection,
    bids: impl IntoIterator<Item = &'a mut BidDetail>,
) -> Result<(), Error> {
    let bids: Vec<&mut BidDetail> = bids.into_iter().collect();
    let mut jobs: Vec<JobId> = bids.iter().map(|bid| bid.job_id).collect();
    jobs.sort_unstable();
    jobs.dedup();
    if jobs.is_empty() {
        return Ok(());
    }
    let changes = store::confirmation::changes_of(conn, &jobs)?;
    put(&changes, bids);
    Ok(())
}

/// The same by what is known already of their jobs.
pub(super) fn put<'a>(changes: &Changes, bids: impl IntoIterator<Item = &'a mut BidDetail>) {
    for bid in bids {
        let said_at = bid.confirmed_at.map_or(bid.submitted_at, |at| at.max(bid.submitted_at));
        let changed = changes.get(&bid.job_id).map(Vec::as_slice).unwrap_or_default();
        bid.confirmation = rules::confirmation(bid.status, said_at, changed);
    }
}
