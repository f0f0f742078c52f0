//! What notifications owe a person: an account of all they were told, and to forget it. What others were told of the person's jobs is
//! written anew from the events, which hold ids only, with the words that the other crates have left for them.

use std::collections::HashMap;

use database::{PgConnection, Tx};
use identity::{Blocker, Held, PersonalData};
use kernel::PersonId;
use outbox::{Event, TaskError};
use serde_json::{Value, json};

use super::NotificationsService;
use super::tell::reader;
use crate::catalogue::{self, Template};
use crate::model::NotificationId;
use crate::store::personal::{self, Written};
use crate::templates::{Reader, Words};

impl PersonalData for NotificationsService {
    fn section(&self) -> &'static str {
        "notifications"
    }

    fn held_about(&self, conn: &mut PgConnection, person: PersonId) -> Result<Held, identity::Error> {
        Ok(Held { data: account_of(conn, person)?, files: Vec::new() })
    }

    fn blockers(&self, _: &mut Tx<'_>, _: PersonId) -> Result<Vec<Blocker>, identity::Error> {
        Ok(Vec::new())
    }

    /// To be called after the crates that have the words: what they have left is what is written.
    fn erase(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<(), identity::Error> {
        personal::remove_all_of(tx.conn(), person)?;
        let jobs = self.subjects.jobs_of(tx.conn(), person)?;
        let written = personal::written_of_jobs(tx.conn(), &jobs, person)?;
        let mut readers = HashMap::new();
        let mut event = None;
        for one in &written {
            if event.as_ref().is_none_or(|event: &Event| event.id != one.event()) {
                event = outbox::find_event(tx.conn(), one.event())?;
            }
            let reader = readers.entry(one.person()).or_insert(None);
            if reader.is_none() {
                *reader = identity::contact(tx.conn(), one.person())?.as_ref().map(self::reader);
            }
            self.write_anew(tx.conn(), one, event.as_ref(), reader.as_ref())?;
        }
        Ok(())
    }
}

impl NotificationsService {
    /// Says once more what an erasure has made others' notifications say, for what was being written while it was carried out.
    pub(crate) fn forget_again(&self, person: PersonId) -> Result<(), TaskError> {
        self.db.transaction(|tx| Ok(self.erase(tx, person)?))
    }

    fn write_anew(
        &self,
        conn: &mut PgConnection,
        one: &Written,
        event: Option<&Event>,
        reader: Option<&Reader>,
    ) -> Result<(), database::Error> {
        let template = catalogue::find(&one.template);
        let words = match (template, event, reader) {
            (Some(template), Some(event), Some(reader)) => self.words_now(conn, template, event, reader)?,
            _ => None,
        };
        let version = template.filter(|_| words.is_some()).map(|template| template.version);
        let texts = words.as_ref().map(|words| (words.title.as_str(), words.body.as_str()));
        personal::rewrite(conn, one.id, texts, version)
    }

    /// What the template says of the event now; none when it needs to know what nobody knows any more.
    fn words_now(
        &self,
        conn: &mut PgConnection,
        template: &'static Template,
        event: &Event,
        reader: &Reader,
    ) -> Result<Option<Words>, database::Error> {
        let variables = match self.variables(conn, event, template) {
            Ok(variables) => variables,
            Err(TaskError::Park(_)) => return Ok(None),
            Err(error) => return Err(database::Error::Corrupt(error.to_string())),
        };
        Ok(self.templates.words(template, &variables, reader).ok())
    }
}

fn account_of(conn: &mut PgConnection, person: PersonId) -> Result<Value, database::Error> {
    let mut deliveries: HashMap<NotificationId, Vec<Value>> = HashMap::new();
    for delivery in personal::deliveries_of(conn, person)? {
        deliveries.entry(delivery.notification).or_default().push(json!({
            "channel": delivery.channel,
            "state": delivery.state,
            "reason": delivery.reason,
            "attempts": delivery.attempts,
            "createdAt": delivery.created_at,
            "lastAttemptAt": delivery.last_attempt_at,
            "finishedAt": delivery.finished_at,
        }));
    }
    let notifications: Vec<Value> = personal::list_all_of(conn, person)?
        .into_iter()
        .map(|one| {
            json!({
                "id": one.id,
                "category": one.category,
                "template": one.template,
                "inInbox": one.in_inbox,
                "title": one.title,
                "body": one.body,
                "subjects": one.subjects,
                "createdAt": one.created_at,
                "readAt": one.read_at,
                "deliveries": deliveries.remove(&one.id).unwrap_or_default(),
            })
        })
        .collect();
    Ok(json!({ "notifications": notifications }))
}
