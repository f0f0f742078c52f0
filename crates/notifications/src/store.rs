//! The only SQL of this crate.

pub(crate) mod personal;

use std::collections::BTreeMap;

use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use kernel::{Instant, Limit, PersonId, Position};
use outbox::EventId;
use serde_json::Value;
use uuid::Uuid;

use crate::model::{Category, Channel, DeliveryId, DeliveryState, Notification, NotificationId, Show};
use crate::schema::{deliveries, notifications};

diesel::define_sql_function! {
    /// The database's clock.
    #[sql_name = "app.clock"]
    fn app_clock() -> diesel::sql_types::Timestamptz;
}

/// A notification to be stored.
pub(crate) struct NewNotification<'a> {
    pub(crate) id: NotificationId,
    pub(crate) event: EventId,
    pub(crate) person: PersonId,
    pub(crate) template: &'a str,
    pub(crate) template_version: i16,
    pub(crate) category: Category,
    pub(crate) in_inbox: bool,
    pub(crate) title: Option<&'a str>,
    pub(crate) body: Option<&'a str>,
    pub(crate) subjects: &'a Value,
}

/// Stores a notification; false when this person has been told of this event.
pub(crate) fn insert(conn: &mut PgConnection, new: &NewNotification<'_>) -> Result<bool, Error> {
    let stored = diesel::insert_into(notifications::table)
        .values((
            notifications::id.eq(new.id),
            notifications::event_id.eq(new.event),
            notifications::person_id.eq(new.person),
            notifications::template.eq(new.template),
            notifications::template_version.eq(new.template_version),
            notifications::category.eq(new.category.as_str()),
            notifications::in_inbox.eq(new.in_inbox),
            notifications::title.eq(new.title),
            notifications::body.eq(new.body),
            notifications::subjects.eq(new.subjects),
            notifications::created_at.eq(app_clock()),
        ))
        .on_conflict((notifications::event_id, notifications::person_id))
        .do_nothing()
        .execute(conn)?;
    Ok(stored == 1)
}

/// Stores a delivery that waits to be sent.
pub(crate) fn insert_pending(
    conn: &mut PgConnection,
    id: DeliveryId,
    notification: NotificationId,
    channel: Channel,
) -> Result<(), Error> {
    diesel::insert_into(deliveries::table)
        .values((
            deliveries::id.eq(id),
            deliveries::notification_id.eq(notification),
            deliveries::channel.eq(channel.as_str()),
            deliveries::state.eq(DeliveryState::Pending.as_str()),
            deliveries::created_at.eq(app_clock()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Stores the delivery of what is in the inbox with its notification.
pub(crate) fn insert_in_inbox(
    conn: &mut PgConnection,
    id: DeliveryId,
    notification: NotificationId,
) -> Result<(), Error> {
    diesel::insert_into(deliveries::table)
        .values((
            deliveries::id.eq(id),
            deliveries::notification_id.eq(notification),
            deliveries::channel.eq(Channel::InApp.as_str()),
            deliveries::state.eq(DeliveryState::Sent.as_str()),
            deliveries::attempts.eq(1),
            deliveries::created_at.eq(app_clock()),
            deliveries::last_attempt_at.eq(app_clock().nullable()),
            deliveries::finished_at.eq(app_clock().nullable()),
        ))
        .execute(conn)?;
    Ok(())
}

/// A delivery with what it delivers.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) state: DeliveryState,
    pub(crate) attempts: u16,
    pub(crate) created_at: Instant,
    pub(crate) event: EventId,
    pub(crate) person: PersonId,
    pub(crate) template: String,
}

/// A delivery, locked until the transaction ends.
pub(crate) fn lock(conn: &mut PgConnection, id: DeliveryId) -> Result<Option<Delivery>, Error> {
    type Row = (String, i16, Instant, Uuid);
    let row: Option<Row> = deliveries::table
        .find(id.uuid())
        .select((
            deliveries::state,
            deliveries::attempts,
            deliveries::created_at,
            deliveries::notification_id,
        ))
        .for_update()
        .first(conn)
        .optional()?;
    let Some((state, attempts, created_at, notification)) = row else {
        return Ok(None);
    };
    let state =
        DeliveryState::parse(&state).ok_or_else(|| Error::Corrupt(format!("delivery state {state}")))?;
    let (event, person, template) = notifications::table
        .find(notification)
        .select((notifications::event_id, notifications::person_id, notifications::template))
        .first(conn)?;
    Ok(Some(Delivery { id, state, attempts: attempts.unsigned_abs(), created_at, event, person, template }))
}

/// Notes that a try begins.
pub(crate) fn begin_attempt(conn: &mut PgConnection, id: DeliveryId) -> Result<(), Error> {
    diesel::update(pending(id))
        .set((
            deliveries::attempts.eq(deliveries::attempts + 1),
            deliveries::last_attempt_at.eq(app_clock().nullable()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes why a try failed; there will be another.
pub(crate) fn note_failure(conn: &mut PgConnection, id: DeliveryId, reason: &str) -> Result<(), Error> {
    diesel::update(pending(id)).set(deliveries::reason.eq(Some(reason))).execute(conn)?;
    Ok(())
}

/// Ends a delivery that waits; one that has ended stays as it is.
pub(crate) fn finish(
    conn: &mut PgConnection,
    id: DeliveryId,
    state: DeliveryState,
    reason: Option<&str>,
) -> Result<(), Error> {
    diesel::update(pending(id))
        .set((
            deliveries::state.eq(state.as_str()),
            deliveries::reason.eq(reason),
            deliveries::finished_at.eq(app_clock().nullable()),
        ))
        .execute(conn)?;
    Ok(())
}

#[diesel::dsl::auto_type]
fn pending(id: DeliveryId) -> _ {
    let waiting: &'static str = DeliveryState::Pending.as_str();
    deliveries::table.filter(deliveries::id.eq(id)).filter(deliveries::state.eq(waiting))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notifications)]
struct InboxRow {
    id: Uuid,
    category: String,
    template: String,
    title: Option<String>,
    body: Option<String>,
    subjects: Value,
    created_at: Instant,
    read_at: Option<Instant>,
}

impl TryFrom<InboxRow> for Notification {
    type Error = Error;

    fn try_from(row: InboxRow) -> Result<Self, Error> {
        let category = Category::parse(&row.category)
            .ok_or_else(|| Error::Corrupt(format!("notification category {}", row.category)))?;
        let subjects: BTreeMap<String, String> =
            serde_json::from_value(row.subjects).map_err(|error| Error::Corrupt(error.to_string()))?;
        Ok(Self {
            id: NotificationId::from(row.id),
            category,
            template: row.template,
            title: row.title.unwrap_or_default(),
            body: row.body.unwrap_or_default(),
            subjects,
            created_at: row.created_at,
            read_at: row.read_at,
        })
    }
}

/// A person's inbox, newest first.
pub(crate) fn list_inbox(
    conn: &mut PgConnection,
    person: PersonId,
    show: Show,
    limit: Limit,
    after: Option<Position>,
) -> Result<Vec<Notification>, Error> {
    let mut query = notifications::table
        .filter(notifications::person_id.eq(person))
        .filter(notifications::in_inbox)
        .select(InboxRow::as_select())
        .into_boxed();
    if show == Show::Unread {
        query = query.filter(notifications::read_at.is_null());
    }
    if let Some(after) = after {
        query = query.filter(
            notifications::created_at
                .lt(after.key)
                .or(notifications::created_at.eq(after.key).and(notifications::id.lt(after.id))),
        );
    }
    let rows = query
        .order((notifications::created_at.desc(), notifications::id.desc()))
        .limit(limit.plus_one())
        .load(conn)?;
    rows.into_iter().map(Notification::try_from).collect()
}

/// How many of a person's inbox are unread.
pub(crate) fn count_unread(conn: &mut PgConnection, person: PersonId) -> Result<u64, Error> {
    let unread: i64 = notifications::table
        .filter(notifications::person_id.eq(person))
        .filter(notifications::in_inbox.and(notifications::read_at.is_null()))
        .count()
        .get_result(conn)?;
    u64::try_from(unread).map_err(|error| Error::Corrupt(error.to_string()))
}

/// One in a person's inbox.
pub(crate) fn find(
    conn: &mut PgConnection,
    person: PersonId,
    id: NotificationId,
) -> Result<Option<Notification>, Error> {
    let row = notifications::table
        .find(id.uuid())
        .filter(notifications::person_id.eq(person))
        .filter(notifications::in_inbox)
        .select(InboxRow::as_select())
        .first(conn)
        .optional()?;
    row.map(Notification::try_from).transpose()
}

/// Marks one in a person's inbox as read, unless it is.
pub(crate) fn mark_read(conn: &mut PgConnection, person: PersonId, id: NotificationId) -> Result<(), Error> {
    let unread = notifications::table
        .filter(notifications::id.eq(id))
        .filter(notifications::person_id.eq(person))
        .filter(notifications::in_inbox.and(notifications::read_at.is_null()));
    diesel::update(unread).set(notifications::read_at.eq(app_clock().nullable())).execute(conn)?;
    Ok(())
}

/// Marks all of a person's inbox as read and counts what was not.
pub(crate) fn mark_all_read(conn: &mut PgConnection, person: PersonId) -> Result<u64, Error> {
    let unread = notifications::table
        .filter(notifications::person_id.eq(person))
        .filter(notifications::in_inbox.and(notifications::read_at.is_null()));
    let marked =
        diesel::update(unread).set(notifications::read_at.eq(app_clock().nullable())).execute(conn)?;
    u64::try_from(marked).map_err(|error| Error::Corrupt(error.to_string()))
}
