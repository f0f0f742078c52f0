//! Changing the keys that access tokens are signed with.

use chrono::TimeDelta;

use super::IdentityService;
use crate::Error;
use crate::model::SigningKeyView;

impl IdentityService {
    pub(super) fn signing_keys(&self) -> Result<Vec<SigningKeyView>, Error> {
        let now = self.db.now()?;
        let signing = self.authenticator.signing();
        self.db.transaction(|tx| signing.read(tx.conn(), now))?;
        Ok(signing.views(now))
    }

    pub(super) fn new_signing_key(&self, at_once: bool) -> Result<Vec<SigningKeyView>, Error> {
        let delay = TimeDelta::seconds(i64::from(self.settings.signing_key_delay_seconds));
        self.db.transaction(|tx| self.authenticator.signing().rotate(tx, delay, at_once))?;
        // Only now: what is not committed must sign nothing.
        self.signing_keys()
    }
}
