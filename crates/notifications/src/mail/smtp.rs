//! Mails over SMTP, on a few kept connections.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{SmtpTransport, Transport};
use secrecy::{ExposeSecret, SecretString};

use super::{BadSender, Mail, MailError, Mailer, compose, sender};
use crate::Settings;

/// Hands mails to a mail server.
#[derive(Clone)]
pub struct SmtpMailer {
    transport: SmtpTransport,
    from: Mailbox,
    server: String,
}

/// Why there can be no SMTP with these settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmtpSetupError {
    /// Whom mails are from.
    #[error(transparent)]
    Sender(#[from] BadSender),
    /// The address of the server. What it was stays unsaid, because it holds a password.
    #[error(
        "the mail server's address is not like `smtps://user:password@host:465` or `smtp://host:587?tls=required`"
    )]
    Url,
}

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpMailer").field("server", &self.server).finish_non_exhaustive()
    }
}

impl SmtpMailer {
    /// Mails over the server of this address: `smtps://user:password@host:465`, or `smtp://…?tls=required` for STARTTLS. No
    /// connection is made before the first mail.
    ///
    /// # Errors
    /// [`SmtpSetupError`].
    pub fn new(url: &SecretString, settings: &Settings) -> Result<Self, SmtpSetupError> {
        let from = sender(&settings.mail_from)?;
        let url = url.expose_secret();
        let builder = SmtpTransport::from_url(url).map_err(|_| SmtpSetupError::Url)?;
        let pool = PoolConfig::new().max_size(u32::from(settings.smtp_connections_max.max(1)));
        let timeout = Duration::from_secs(u64::from(settings.smtp_timeout_seconds));
        let transport = builder.pool_config(pool).timeout(Some(timeout)).build();
        Ok(Self { transport, from, server: server_of(url).to_owned() })
    }
}

impl Mailer for SmtpMailer {
    fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = compose(mail, &self.from)?;
        match self.transport.send(&message) {
            Ok(_) => Ok(()),
            Err(error) => {
                // The server's words may quote the address; they go to the log at a level that is off by default.
                tracing::debug!(id = mail.id, %error, "the mail server did not take a mail");
                Err(judge(&error))
            }
        }
    }

    fn describe(&self) -> String {
        format!("by SMTP through {}", self.server)
    }
}

/// What an SMTP failure means for the mail. A refusal of our sign-in (53x) says nothing about the mail: an operator can mend it
/// meanwhile.
fn judge(error: &Error) -> MailError {
    match error.status() {
        Some(code) if error.is_permanent() && !code.to_string().starts_with("53") => {
            MailError::Permanent(format!("smtp_{code}"))
        }
        Some(code) => MailError::Temporary(format!("smtp_{code}")),
        None if error.is_timeout() => MailError::Temporary("smtp_timeout".to_owned()),
        None if error.is_tls() => MailError::Temporary("smtp_tls".to_owned()),
        None => MailError::Temporary("smtp_unreachable".to_owned()),
    }
}

/// Host and port of an address, without who signs in.
fn server_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    host.split(['/', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::sample;

    #[test]
    fn the_password_is_never_shown() {
        let url = SecretString::from("smtps://ada:s3cret@mail.example.org:465/ehlo?x=y".to_owned());
        let mailer = SmtpMailer::new(&url, &Settings::default()).unwrap();
        assert_eq!(mailer.describe(), "by SMTP through mail.example.org:465");
        assert_eq!(format!("{mailer:?}"), "SmtpMailer { server: \"mail.example.org:465\", .. }");
        let bad =
            SmtpMailer::new(&SecretString::from("ftp://ada:s3cret@host".to_owned()), &Settings::default());
        assert!(!bad.unwrap_err().to_string().contains("s3cret"));
    }

    #[test]
    fn a_server_that_is_away_is_worth_another_try() {
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = SecretString::from(format!("smtp://127.0.0.1:{port}"));
        let mailer = SmtpMailer::new(&url, &Settings::default()).unwrap();
        assert_eq!(mailer.send(&sample()), Err(MailError::Temporary("smtp_unreachable".to_owned())));
    }
}
