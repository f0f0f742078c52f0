//! All that somebody was told, for their own account; and what others were told of somebody who is forgotten.

use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use kernel::{Instant, PersonId};
use outbox::EventId;
use serde_json::Value;
use uuid::Uuid;

use crate::model::NotificationId;
use crate::schema::{deliveries, notifications};

/// A notification as it is kept.
#[derive(Queryable)]
pub(crate) struct KeptNotification {
    pub(crate) id: NotificationId,
    pub(crate) category: String,
    pub(crate) template: String,
    pub(crate) in_inbox: bool,
    pub(crate) title: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) subjects: Value,
    pub(crate) created_at: Instant,
    pub(crate) read_at: Option<Instant>,
}

/// Everything that a person was told, oldest first.
pub(crate) fn list_all_of(conn: &mut PgConnection, person: PersonId) -> Result<Vec<KeptNotification>, Error> {
    Ok(notifications::table
        .filter(notifications::person_id.eq(person))
        .order((notifications::created_at, notifications::id))
        .select((
            notifications::id,
            notifications::category,
            notifications::template,
            notifications::in_inbox,
            notifications::title,
            notifications::body,
            notifications::subjects,
            notifications::created_at,
            notifications::read_at,
        ))
        .load(conn)?)
}

/// A delivery as it is kept.
#[derive(Queryable)]
pub(crate) struct KeptDelivery {
    pub(crate) notification: NotificationId,
    pub(crate) channel: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) attempts: i16,
    pub(crate) created_at: Instant,
    pub(crate) last_attempt_at: Option<Instant>,
    pub(crate) finished_at: Option<Instant>,
}

/// The deliveries of all that a person was told, oldest first.
pub(crate) fn deliveries_of(conn: &mut PgConnection, person: PersonId) -> Result<Vec<KeptDelivery>, Error> {
    Ok(deliveries::table
        .inner_join(notifications::table)
        .filter(notifications::person_id.eq(person))
        .order((deliveries::created_at, deliveries::id))
        .select((
            deliveries::notification_id,
            deliveries::channel,
            deliveries::state,
            deliveries::reason,
            deliveries::attempts,
            deliveries::created_at,
            deliveries::last_attempt_at,
            deliveries::finished_at,
        ))
        .load(conn)?)
}

/// Removes all that a person was told, with what still was to be sent of it.
pub(crate) fn remove_all_of(conn: &mut PgConnection, person: PersonId) -> Result<(), Error> {
    let own = notifications::table.filter(notifications::person_id.eq(person)).select(notifications::id);
    diesel::delete(deliveries::table.filter(deliveries::notification_id.eq_any(own))).execute(conn)?;
    diesel::delete(notifications::table.filter(notifications::person_id.eq(person))).execute(conn)?;
    Ok(())
}

/// What has to be written anew.
#[derive(QueryableByName)]
pub(crate) struct Written {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    person_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) template: String,
}

impl Written {
    pub(crate) fn event(&self) -> EventId {
        EventId::from(self.event_id)
    }

    pub(crate) fn person(&self) -> PersonId {
        PersonId::from(self.person_id)
    }
}

/// What others than this person were told of these jobs, as far as there is a text of it; those of one event together.
pub(crate) fn written_of_jobs(
    conn: &mut PgConnection,
    jobs: &[String],
    but: PersonId,
) -> Result<Vec<Written>, Error> {
    Ok(diesel::sql_query(
        "SELECT id, event_id, person_id, template FROM notifications.notifications
         WHERE subjects ->> 'jobId' = ANY ($1) AND title IS NOT NULL AND person_id <> $2
         ORDER BY event_id, id",
    )
    .bind::<Array<Text>, _>(jobs)
    .bind::<SqlUuid, _>(but.uuid())
    .load(conn)?)
}

/// Writes a notification anew, or empties it when there are no words for it any more.
pub(crate) fn rewrite(
    conn: &mut PgConnection,
    id: Uuid,
    words: Option<(&str, &str)>,
    template_version: Option<i16>,
) -> Result<(), Error> {
    let (title, body) = words.unzip();
    diesel::update(notifications::table.find(id))
        .set((notifications::title.eq(title), notifications::body.eq(body)))
        .execute(conn)?;
    if let Some(version) = template_version {
        diesel::update(notifications::table.find(id))
            .set(notifications::template_version.eq(version))
            .execute(conn)?;
    }
    Ok(())
}
