//! Who looked at which job: counted each once a day, and known to nobody.

use rand::Rng as _;

use super::MarketplaceService;
use crate::ViewCommands;
use crate::error::Error;
use crate::model::JobLook;
use crate::{rules, store};

impl ViewCommands for MarketplaceService {
    fn record_views(&self, looks: &[JobLook]) -> Result<(), Error> {
        if looks.is_empty() {
            return Ok(());
        }
        let mut fresh = [0_u8; 32];
        rand::rng().fill_bytes(&mut fresh);
        self.db.transaction(|tx| {
            // Looking changes nothing that anybody has to answer for, and the trail would say who looked.
            audit::withhold(tx);
            let now = tx.now()?;
            let day = now.date_naive();
            let salt = store::views::salt_of(tx.conn(), day, fresh)?;
            let views: Vec<_> =
                looks.iter().map(|look| (look.job, rules::viewer_keys(&salt, look))).collect();
            Ok(store::views::record(tx.conn(), day, now, &views)?)
        })
    }
}

impl MarketplaceService {
    /// Forgets the salts of days that are over, looks that count no more, of which a job's total stays, and what was dismissed of jobs that have
    /// ended.
    pub(crate) fn forget_looks(&self) -> Result<(), Error> {
        self.db.transaction(|tx| {
            audit::withhold(tx);
            let now = tx.now()?;
            store::views::forget_salts_before(tx.conn(), now.date_naive())?;
            store::views::forget_before(tx.conn(), now - self.settings.interest())?;
            store::recommendations::forget_dismissed_of_ended(tx.conn())?;
            Ok(())
        })
    }
}
