//! The contractor's verification, as far as running contracts are concerned.

use database::Tx;
use kernel::PartyId;
use serde_json::json;

use super::tell;
use crate::error::Error;
use crate::model::Contract;
use crate::store;

/// Makes the flags of a contractor's running contracts say what holds now. It asks afresh instead of trusting the event that it was
/// called for: an end and a renewal may be heard of in either order.
pub(super) fn heed(tx: &mut Tx<'_>, contractor: PartyId, request_id: &str) -> Result<(), Error> {
    let verified = identity::lock_verified(tx, contractor)?;
    let now = tx.now()?;
    let (changed, event) = if verified {
        (store::unflag_running(tx.conn(), contractor, now)?, "contract.verification_restored")
    } else {
        (store::flag_running(tx.conn(), contractor, now)?, "contract.verification_lapsed")
    };
    for contract in changed {
        tell(tx, &contract, event, request_id, json!({}));
    }
    Ok(())
}

/// A contract that has just begun to run is flagged like the others, when its contractor's papers ended before the second signature.
pub(super) fn heed_new(tx: &mut Tx<'_>, contract: &Contract, request_id: &str) -> Result<(), Error> {
    if identity::lock_verified(tx, contract.contractor)? {
        return Ok(());
    }
    let now = tx.now()?;
    for flagged in store::flag_running(tx.conn(), contract.contractor, now)? {
        tell(tx, &flagged, "contract.verification_lapsed", request_id, json!({}));
    }
    Ok(())
}
