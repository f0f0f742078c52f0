//! Standing by a bid after its job was edited.

use kernel::ContractorActor;

use crate::error::Error;
use crate::model::{BidChange, BidDetail};

/// What a bidder says of a bid whose job was edited.
pub trait ConfirmationCommands: Send + Sync {
    /// Says that a bid stands as it is, although its job was edited. When nothing was asked, nothing changes.
    ///
    /// # Errors
    /// [`Error::BidNotFound`], [`Error::BidState`], [`Error::BidLapsed`], [`Error::NotVerified`], [`Error::Stale`].
    fn confirm_bid(&self, contractor: ContractorActor<'_>, change: BidChange<()>)
    -> Result<BidDetail, Error>;
}
