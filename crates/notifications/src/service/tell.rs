//! From an event to the notifications of the people concerned, in the transaction in which the event is consumed.

use chrono_tz::Tz;
use database::{PgConnection, Tx};
use identity::Contact;
use kernel::{Currency, Money, PersonId};
use outbox::{Event, TaskError};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::NotificationsService;
use crate::audience::{self, Recipient, Row};
use crate::catalogue::{self, Template, Variable};
use crate::model::{Channel, DeliveryId, NotificationId};
use crate::store::{self, NewNotification};
use crate::tasks::SendMail;
use crate::templates::{Reader, RenderError, Variables};

/// The ids of events that clients are led by.
const SUBJECT_KEYS: [&str; 9] = [
    "jobId",
    "bidId",
    "contractId",
    "milestoneId",
    "escrowId",
    "paymentId",
    "verificationId",
    "reviewId",
    "exportId",
];

impl NotificationsService {
    /// Tells everybody concerned of an event, each once.
    pub(crate) fn tell(&self, event: &Event) -> Result<(), TaskError> {
        self.db.transaction(|tx| {
            for row in audience::rows_for(event) {
                for person in self.recipients(tx.conn(), row, event)? {
                    self.tell_one(tx, event, row, person)?;
                }
            }
            Ok(())
        })
    }

    fn recipients(
        &self,
        conn: &mut PgConnection,
        row: &Row,
        event: &Event,
    ) -> Result<Vec<PersonId>, TaskError> {
        match row.recipient {
            Recipient::Administrators => Ok(identity::administrators(conn)?),
            Recipient::Bidders => Ok(self.subjects.bidders(conn, uuid_in(event, "jobId")?)?),
            named => Ok(audience::named(named, event)?.into_iter().collect()),
        }
    }

    fn tell_one(&self, tx: &mut Tx<'_>, event: &Event, row: &Row, person: PersonId) -> Result<(), TaskError> {
        let template = catalogue::find(row.template)
            .ok_or_else(|| TaskError::Park(format!("there is no template {}", row.template)))?;
        // Whoever is gone by now needs no telling, and nobody is erased while they are being told.
        if !identity::remain(tx, person)? {
            return Ok(());
        }
        let Some(contact) = identity::contact(tx.conn(), person)? else { return Ok(()) };
        let words = if template.in_inbox() {
            let variables = self.variables(tx.conn(), event, template)?;
            Some(self.templates.words(template, &variables, &reader(&contact)).map_err(park)?)
        } else {
            None
        };
        let id = NotificationId::new();
        let new = NewNotification {
            id,
            event: event.id,
            person,
            template: template.name,
            template_version: template.version,
            category: template.category,
            in_inbox: template.in_inbox(),
            title: words.as_ref().map(|words| words.title.as_str()),
            body: words.as_ref().map(|words| words.body.as_str()),
            subjects: &subjects(event),
        };
        if !store::insert(tx.conn(), &new)? {
            return Ok(());
        }
        if template.in_inbox() {
            store::insert_in_inbox(tx.conn(), DeliveryId::new(), id)?;
        }
        let delivery = DeliveryId::new();
        store::insert_pending(tx.conn(), delivery, id, Channel::Email)?;
        outbox::enqueue(tx, &SendMail { delivery });
        Ok(())
    }

    /// What a template has to be told about an event. What is not found stays unknown; rendering says so.
    pub(super) fn variables(
        &self,
        conn: &mut PgConnection,
        event: &Event,
        template: &Template,
    ) -> Result<Variables, TaskError> {
        let mut variables = Variables::default();
        for variable in template.variables {
            match variable {
                Variable::JobTitle => {
                    variables.job_title = self.subjects.job_title(conn, uuid_in(event, "jobId")?)?;
                }
                Variable::MilestoneTitle => {
                    let (contract, milestone) =
                        (uuid_in(event, "contractId")?, uuid_in(event, "milestoneId")?);
                    variables.milestone_title = self.subjects.milestone_title(conn, contract, milestone)?;
                }
                Variable::Changed => {
                    variables.changed = audience::changed(event).map(str::to_owned).collect();
                }
                Variable::Amount => variables.amount = money_in(event, "amount"),
                Variable::Fee => variables.fee = money_in(event, "fee"),
                Variable::Share => variables.share = money_in(event, "share"),
                Variable::InspectionEndsAt => {
                    variables.inspection_ends_at = event.word("inspectionEndsAt")?.parse().ok();
                }
                Variable::ExpiresAt => variables.expires_at = event.word("expiresAt")?.parse().ok(),
                Variable::Credential | Variable::LastDay => {
                    let ordinal = usize::try_from(event.number("ordinal")?).unwrap_or(usize::MAX);
                    variables.credential = identity::credential(conn, event.id("verificationId")?, ordinal)?;
                }
                Variable::Token => {
                    let link = event.id("linkTokenId")?;
                    let purpose = identity::LinkPurpose::of_event(&event.name)
                        .ok_or_else(|| TaskError::Park(format!("event {} asks for no link", event.name)))?;
                    variables.token = Some(identity::link_token(&self.keys, purpose, link));
                }
            }
        }
        Ok(variables)
    }
}

/// A template that does not fit what is known will not fit it later either.
fn park(error: RenderError) -> TaskError {
    TaskError::Park(error.to_string())
}

/// Whom a text is for.
pub(super) fn reader(contact: &Contact) -> Reader {
    // A zone that is not one shows the time of Greenwich rather than stopping the notification.
    let zone = contact.time_zone.parse().unwrap_or(Tz::UTC);
    Reader { first_name: Some(contact.first_name.clone()).filter(|name| !name.is_empty()), zone }
}

/// The ids that clients are led by.
fn subjects(event: &Event) -> Value {
    let ids: Map<String, Value> = SUBJECT_KEYS
        .into_iter()
        .filter_map(|key| {
            let id = event.data.get(key).filter(|id| id.is_string())?;
            Some((key.to_owned(), id.clone()))
        })
        .collect();
    Value::Object(ids)
}

/// The UUID behind an id of whatever prefix.
fn uuid_in(event: &Event, key: &str) -> Result<Uuid, TaskError> {
    let word = event.word(key)?;
    let suffix = word.rsplit_once('_').map_or(word, |(_, suffix)| suffix);
    kernel::id::decode_suffix(suffix)
        .or_else(|_| Uuid::try_parse(word))
        .map_err(|_| TaskError::Park(format!("event {} has no usable `{key}`", event.name)))
}

fn money_in(event: &Event, key: &str) -> Option<Money> {
    let currency: Currency = event.data.get("currency")?.as_str()?.parse().ok()?;
    Money::new(event.data.get(key)?.as_i64()?, currency).ok()
}
