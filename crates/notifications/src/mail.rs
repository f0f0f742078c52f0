//! Mails and the ways they leave. What is in them and whether they leave is decided elsewhere.

mod folder;
mod smtp;

use kernel::Instant;
use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::templates::one_line;

pub use folder::FolderMailer;
pub use smtp::{SmtpMailer, SmtpSetupError};

/// A mail, ready to leave. Never stored, and its `Debug` shows neither address nor text.
#[derive(Clone)]
pub struct Mail {
    /// The delivery's id: the same for every try, so that who gets a mail twice after a crash can tell.
    pub id: String,
    /// When the delivery was stored.
    pub written_at: Instant,
    /// The reader's name.
    pub to_name: String,
    /// The reader's address.
    pub to_address: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// Whether it says of itself that it is important.
    pub important: bool,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a mail did not leave. The reason is a code: it is stored, and must not quote addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Worth another try.
    #[error("the mail could not be handed over now: {0}")]
    Temporary(String),
    /// No use trying again.
    #[error("the mail was refused: {0}")]
    Permanent(String),
}

impl MailError {
    /// The code.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Temporary(reason) | Self::Permanent(reason) => reason,
        }
    }
}

/// A way for mails to leave.
pub trait Mailer: Send + Sync {
    /// Hands a mail over. May block, so it is called with no connection to the database held.
    ///
    /// # Errors
    /// [`MailError`].
    fn send(&self, mail: &Mail) -> Result<(), MailError>;

    /// Where mails go, for the start-up message: without secrets.
    fn describe(&self) -> String;
}

/// Whom mails are from is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address, nor `Name <address>`")]
pub struct BadSender(pub String);

/// Reads whom mails are from.
pub(crate) fn sender(from: &str) -> Result<Mailbox, BadSender> {
    from.parse().map_err(|_| BadSender(from.to_owned()))
}

/// `Importance: high` (RFC 2156).
#[derive(Clone)]
struct Importance;

impl Header for Importance {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Importance")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "high".to_owned())
    }
}

/// `Auto-Submitted: auto-generated` (RFC 3834): keeps absence notes from answering.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The mail as it travels (RFC 5322).
pub(crate) fn compose(mail: &Mail, from: &Mailbox) -> Result<Message, MailError> {
    let unusable = |_| MailError::Permanent("address_unusable".to_owned());
    // Line breaks would be headers to a careless reader, and lettre panics on control characters in a name.
    let to = Mailbox::new(Some(one_line(&mail.to_name)), mail.to_address.parse().map_err(unusable)?);
    let mut message = Message::builder()
        .from(from.clone())
        .to(to)
        .subject(one_line(&mail.subject))
        .date(mail.written_at.into())
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        .header(AutoSubmitted);
    if mail.important {
        message = message.header(Importance);
    }
    message
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|_| MailError::Permanent("mail_unusable".to_owned()))
}

#[cfg(test)]
pub(crate) fn sample() -> Mail {
    Mail {
        id: "dlv_1".to_owned(),
        written_at: "2026-11-21T10:15:30.123Z".parse().unwrap_or_default(),
        to_name: "Ada Lovelace".to_owned(),
        to_address: "ada@example.org".to_owned(),
        subject: "“Zaun” streichen".to_owned(),
        text: "Hello Ada,\n\nthe text.\n".to_owned(),
        html: "<p>Hello Ada,</p>".to_owned(),
        important: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(mail: &Mail) -> String {
        let from = sender("FairTradeWorker <no-reply@example.com>").unwrap();
        String::from_utf8(compose(mail, &from).unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_mail_says_who_when_and_which() {
        let text = written(&sample());
        for line in [
            "From: FairTradeWorker <no-reply@example.com>",
            "To: \"Ada Lovelace\" <ada@example.org>",
            "Date: Sat, 21 Nov 2026 10:15:30 +0000",
            "Message-ID: <dlv_1@example.com>",
            "Auto-Submitted: auto-generated",
            "Content-Type: multipart/alternative;",
        ] {
            assert!(text.lines().any(|found| found.starts_with(line)), "{line} in {text}");
        }
        assert!(!text.contains("Importance"), "{text}");
        assert!(written(&Mail { important: true, ..sample() }).contains("Importance: high"));
    }

    #[test]
    fn a_name_cannot_add_a_header() {
        let mail = Mail { to_name: "Ada\r\nBcc: mallory@example.org".to_owned(), ..sample() };
        assert!(!written(&mail).lines().any(|line| line.starts_with("Bcc")));
        let mail = Mail { subject: "Hi\r\nBcc: mallory@example.org".to_owned(), ..sample() };
        assert!(!written(&mail).lines().any(|line| line.starts_with("Bcc")));
    }

    #[test]
    fn an_address_that_is_none_is_final() {
        let from = sender("no-reply@example.com").unwrap();
        let mail = Mail { to_address: "nobody".to_owned(), ..sample() };
        assert_eq!(compose(&mail, &from).unwrap_err(), MailError::Permanent("address_unusable".to_owned()));
    }

    #[test]
    fn the_sender_has_to_be_an_address() {
        assert_eq!(sender("FairTradeWorker").unwrap_err(), BadSender("FairTradeWorker".to_owned()));
    }

    #[test]
    fn a_mail_does_not_print_itself() {
        assert_eq!(format!("{:?}", sample()), "Mail { id: \"dlv_1\", .. }");
    }
}
