//! One delivery by e-mail: decided, written and sent, with no connection held while the mail server is talked to.

use std::time::Duration;

use chrono::TimeDelta;
use database::PgConnection;
use identity::Contact;
use outbox::{TaskError, TaskRun};

use super::NotificationsService;
use super::tell::reader;
use crate::catalogue::{self, Template, To};
use crate::mail::{Mail, MailError};
use crate::model::{DeliveryId, DeliveryState};
use crate::rules::{self, Address, Decision, DeliveryFacts, Importance, StopReason};
use crate::store::{self, Delivery};

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// There is nothing more to do: sent, stopped, failed, or done before.
    Ended,
    /// Not this time; again after the pause, for this reason.
    Again(Duration, String),
}

impl NotificationsService {
    /// Tries a delivery once.
    pub(crate) fn deliver(&self, run: &TaskRun, id: DeliveryId) -> Result<Attempt, TaskError> {
        let Some((mail, attempt)) = self.prepare(run, id)? else {
            return Ok(Attempt::Ended);
        };
        let outcome = self.mailer.send(&mail);
        self.note(run, id, attempt, outcome)
    }

    /// Decides the delivery and writes its mail; none when there is nothing to send. A crash from here to the note means that it
    /// is sent again, under the same Message-ID: a mail twice is better than none.
    fn prepare(&self, run: &TaskRun, id: DeliveryId) -> Result<Option<(Mail, u16)>, TaskError> {
        self.db.transaction(|tx| {
            run.fence(tx)?;
            let Some(delivery) = store::lock(tx.conn(), id)? else {
                return Ok(None);
            };
            let template = catalogue::find(&delivery.template)
                .ok_or_else(|| TaskError::Park(format!("there is no template {}", delivery.template)))?;
            let contact = recipient(tx.conn(), &delivery, template)?;
            match (rules::decide(&facts(&delivery, template, contact.as_ref())), contact) {
                (Decision::Send(importance), Some(contact)) => {
                    store::begin_attempt(tx.conn(), id)?;
                    let mail = self.write(tx.conn(), &delivery, template, contact, importance)?;
                    if mail.is_none() {
                        store::finish(tx.conn(), id, DeliveryState::Failed, Some("template_error"))?;
                    }
                    Ok(mail.map(|mail| (mail, delivery.attempts.saturating_add(1))))
                }
                (Decision::Send(_), None) => self.stop(tx.conn(), id, StopReason::NoAddress),
                (Decision::Stop(reason), _) => self.stop(tx.conn(), id, reason),
            }
        })
    }

    fn stop<T>(
        &self,
        conn: &mut PgConnection,
        id: DeliveryId,
        reason: StopReason,
    ) -> Result<Option<T>, TaskError> {
        store::finish(conn, id, DeliveryState::Stopped, Some(reason.as_str()))?;
        Ok(None)
    }

    /// The mail, for this reader, now; none when the template and what is known do not fit together.
    fn write(
        &self,
        conn: &mut PgConnection,
        delivery: &Delivery,
        template: &'static Template,
        contact: Contact,
        importance: Importance,
    ) -> Result<Option<Mail>, TaskError> {
        let event = outbox::find_event(conn, delivery.event)?
            .ok_or_else(|| TaskError::Park("the event is not there".to_owned()))?;
        let variables = self.variables(conn, &event, template)?;
        let link = self.settings.app_url.as_deref();
        match self.templates.mail(template, &variables, &reader(&contact), link) {
            Ok(words) => Ok(Some(Mail {
                id: delivery.id.to_string(),
                written_at: delivery.created_at,
                to_name: contact.full_name,
                to_address: contact.email,
                subject: words.subject,
                text: words.text,
                html: words.html,
                important: importance == Importance::High,
            })),
            Err(error) => {
                tracing::error!(id = %delivery.id, %error, "a mail cannot be written");
                Ok(None)
            }
        }
    }

    /// Stores what a try came to.
    fn note(
        &self,
        run: &TaskRun,
        id: DeliveryId,
        attempt: u16,
        outcome: Result<(), MailError>,
    ) -> Result<Attempt, TaskError> {
        let luck = rand::random_range(0..1_000);
        self.db.transaction(|tx| {
            run.fence(tx)?;
            let (state, reason) = match &outcome {
                Ok(()) => (DeliveryState::Sent, None),
                Err(MailError::Temporary(reason)) => {
                    if let Some(pause) = rules::mail_pause(attempt, luck, &self.settings) {
                        store::note_failure(tx.conn(), id, reason)?;
                        return Ok(Attempt::Again(pause, reason.clone()));
                    }
                    (DeliveryState::Failed, Some(reason.as_str()))
                }
                Err(MailError::Permanent(reason)) => (DeliveryState::Failed, Some(reason.as_str())),
            };
            store::finish(tx.conn(), id, state, reason)?;
            if let Some(reason) = reason {
                tracing::error!(%id, reason, attempt, "a mail was given up");
            }
            Ok(Attempt::Ended)
        })
    }
}

/// Whom a delivery is for, at the address that its template is for.
fn recipient(
    conn: &mut PgConnection,
    delivery: &Delivery,
    template: &Template,
) -> Result<Option<Contact>, TaskError> {
    match template.to {
        To::Account => Ok(identity::contact(conn, delivery.person)?),
        To::Changed(address) => {
            let event = outbox::find_event(conn, delivery.event)?
                .ok_or_else(|| TaskError::Park("the event is not there".to_owned()))?;
            let link = event.id("linkTokenId")?;
            Ok(identity::contact_about_change(conn, delivery.person, link, address)?)
        }
    }
}

/// What the decision stands on.
fn facts(delivery: &Delivery, template: &Template, contact: Option<&Contact>) -> DeliveryFacts {
    DeliveryFacts {
        address: match contact {
            None => Address::None,
            Some(contact) if contact.email_verified => Address::Verified,
            Some(_) => Address::Unverified,
        },
        needs: template.needs,
        reached_before: delivery.state != DeliveryState::Pending,
        critical: template.critical,
    }
}

/// The instant so long after `now`; `now` where the calendar ends before.
pub(crate) fn later(now: kernel::Instant, pause: Duration) -> kernel::Instant {
    TimeDelta::from_std(pause).ok().and_then(|pause| now.checked_add_signed(pause)).unwrap_or(now)
}
