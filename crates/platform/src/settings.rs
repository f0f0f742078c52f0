//! The settings of every domain, side by side as the configuration files have them.

use kernel::Faults;
use serde::{Deserialize, Serialize};

/// The numbers of every domain; what each means stands with its crate.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The audit trail.
    pub audit: audit::Settings,
    /// Files of people.
    pub files: files::Settings,
    /// Accounts, passwords, sessions.
    pub identity: identity::Settings,
    /// Jobs, bids, reviews.
    pub marketplace: marketplace::Settings,
    /// Contracts, milestones, the inspection clock.
    pub contracts: contracts::Settings,
    /// Held payments, releases, payouts.
    pub escrow: escrow::Settings,
    /// Mail and the inbox.
    pub notifications: notifications::Settings,
}

impl Settings {
    /// # Errors
    /// What a domain's numbers must not be, by the setting's name: all of the first domain that has any.
    pub(crate) fn check(&self) -> Result<(), Faults> {
        self.audit.check()?;
        self.identity.check()?;
        self.files.check()?;
        self.contracts.check()?;
        self.notifications.check()
    }
}
