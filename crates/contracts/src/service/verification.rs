//! The contractor's verification, as far as running contracts are concerned.

use database::Tx;
use kernel::PartyId;
use serde_json::json;

use super::tell;
use crate::error::Error;
use crate::store;

/// Makes the flags of a contractor's running contracts say what holds now. It asks afresh instead of trusting the event that it was
/// called for: an end and a renewal may be heard of in either order, and a contract that begins to run heard of neither.
pub(super) fn heed(tx: &mut Tx<'_>, contractor: PartyId, request_id: &str) -> Result<(), Error> {
    let verified = identity::lock_verified(tx, contractor)?;
    let now = tx.now()?;
    let (lapsed_at, event) = if verified {
        (None, "contract.verification_restored")
    } else {
        (Some(now), "contract.verification_lapsed")
    };
    for contract in store::flag_running(tx.conn(), contractor, lapsed_at, now)? {
        tell(tx, &contract, event, request_id, json!({}));
    }
    Ok(())
}
