//! The numbers and names of this crate.

use kernel::Faults;
use serde::{Deserialize, Serialize};

use crate::mail;

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

impl Settings {
    /// # Errors
    /// Everything that cannot be as it is, by the setting's name.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::none();
        let numbers = [
            ("smtp_connections_max", u32::from(self.smtp_connections_max), 1..=100),
            ("smtp_timeout_seconds", u32::from(self.smtp_timeout_seconds), 1..=300),
            ("mail_attempts_max", u32::from(self.mail_attempts_max), 1..=30),
            ("mail_retry_window_seconds", self.mail_retry_window_seconds, 1..=604_800),
        ];
        for (name, value, bounds) in numbers {
            let message = format!("must be from {} to {}", bounds.start(), bounds.end());
            faults.check(bounds.contains(&value), &format!("notifications.{name}"), "out_of_range", message);
        }
        if let Err(error) = mail::sender(&self.mail_from) {
            faults.push("notifications.mail_from", "invalid", error.to_string());
        }
        let is_address = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        let app_url_fits = self.app_url.as_ref().is_none_or(|url| is_address(url) && !url.ends_with('/'));
        let message = "must begin with https:// or http:// and not end with a slash";
        faults.check(app_url_fits, "notifications.app_url", "invalid", message);
        faults.or(|| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_good_and_every_fault_is_named() {
        assert_eq!(Settings::default().check(), Ok(()));
        let bad = Settings {
            mail_from: "nobody".to_owned(),
            app_url: Some("app.example.org".to_owned()),
            smtp_connections_max: 0,
            smtp_timeout_seconds: 0,
            mail_attempts_max: 0,
            mail_retry_window_seconds: 0,
            ..Settings::default()
        };
        let faults: Vec<_> =
            bad.check().unwrap_err().into_vec().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(
            faults,
            [
                "notifications.smtp_connections_max",
                "notifications.smtp_timeout_seconds",
                "notifications.mail_attempts_max",
                "notifications.mail_retry_window_seconds",
                "notifications.mail_from",
                "notifications.app_url",
            ]
        );
    }
}
