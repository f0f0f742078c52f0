//! The numbers and names of this crate.

use serde::{Deserialize, Serialize};

/// How people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What the product is called in texts. `FairTradeWorker`.
    pub product: String,
    /// Whom mails are from, as `Name <address>` or an address. `FairTradeWorker <no-reply@localhost>`.
    pub mail_from: String,
    /// Where the client application lives, without a slash at its end; mails then carry a link into it. None.
    pub app_url: Option<String>,
    /// How many connections to the mail server are kept. 2.
    pub smtp_connections_max: u16,
    /// How long the mail server may take to answer, in seconds. 30.
    pub smtp_timeout_seconds: u16,
    /// How often a mail is tried. 8.
    pub mail_attempts_max: u16,
    /// The longest time between the first try and the last, in seconds. 1,800.
    pub mail_retry_window_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            product: "FairTradeWorker".to_owned(),
            mail_from: "FairTradeWorker <no-reply@localhost>".to_owned(),
            app_url: None,
            smtp_connections_max: 2,
            smtp_timeout_seconds: 30,
            mail_attempts_max: 8,
            mail_retry_window_seconds: 1_800,
        }
    }
}
