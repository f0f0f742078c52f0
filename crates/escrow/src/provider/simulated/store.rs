//! The simulated provider's SQL.

use database::Error;
use diesel::dsl::sql;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::Instant;

use super::schema::{accounts, balance_movements, balances, intents, requests, webhooks};
use crate::provider::NewIntent;

/// An intent.
#[derive(Debug, Clone, Queryable, Selectable, Identifiable, AsChangeset)]
#[diesel(table_name = intents, treat_none_as_null = true)]
pub(super) struct IntentRow {
    pub(super) id: String,
    pub(super) reference: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) client_secret: String,
    pub(super) payment_method: Option<String>,
    pub(super) decline_code: Option<String>,
    pub(super) fee: i64,
    pub(super) refunded: i64,
    pub(super) settles_at: Option<Instant>,
}

/// A contractor's account.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(super) struct AccountRow {
    pub(super) id: String,
    pub(super) enabled: bool,
}

/// A key that was used.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = requests)]
pub(super) struct RequestRow {
    operation: String,
    fingerprint: String,
    object_id: Option<String>,
}

impl RequestRow {
    /// The object that this request made, if it was this request.
    pub(super) fn answers(self, operation: &str, fingerprint: &str) -> Option<String> {
        self.object_id.filter(|_| self.operation == operation && self.fingerprint == fingerprint)
    }
}

/// A webhook to be delivered.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = webhooks)]
pub(super) struct WebhookRow {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) object_id: String,
    pub(super) copies: i16,
    pub(super) attempts: i16,
    pub(super) created_at: Instant,
}

/// Something that moves the platform's balance.
pub(super) struct Movement<'a> {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) object_id: &'a str,
    pub(super) reference: &'a str,
    pub(super) amount: i64,
    pub(super) currency: &'a str,
}

/// Takes a key; false when it is taken, after whoever holds it is done.
pub(super) fn claim_key(
    conn: &mut PgConnection,
    key: &str,
    operation: &str,
    fingerprint: &str,
    now: Instant,
) -> Result<bool, Error> {
    let claimed = diesel::insert_into(requests::table)
        .values((
            requests::key.eq(key),
            requests::operation.eq(operation),
            requests::fingerprint.eq(fingerprint),
            requests::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(claimed == 1)
}

pub(super) fn answer_key(conn: &mut PgConnection, key: &str, object: &str) -> Result<(), Error> {
    diesel::update(requests::table.find(key)).set(requests::object_id.eq(object)).execute(conn)?;
    Ok(())
}

pub(super) fn find_key(conn: &mut PgConnection, key: &str) -> Result<Option<RequestRow>, Error> {
    Ok(requests::table.find(key).select(RequestRow::as_select()).first(conn).optional()?)
}

pub(super) fn insert_intent(
    conn: &mut PgConnection,
    id: &str,
    intent: &NewIntent,
    client_secret: &str,
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(intents::table)
        .values((
            intents::id.eq(id),
            intents::reference.eq(&intent.reference),
            intents::transfer_group.eq(&intent.group),
            intents::amount.eq(intent.amount.minor()),
            intents::currency.eq(intent.amount.currency().code()),
            intents::status.eq("requires_confirmation"),
            intents::client_secret.eq(client_secret),
            intents::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn lock_intent(conn: &mut PgConnection, id: &str) -> Result<Option<IntentRow>, Error> {
    Ok(intents::table.find(id).select(IntentRow::as_select()).for_update().first(conn).optional()?)
}

pub(super) fn save_intent(conn: &mut PgConnection, intent: &IntentRow) -> Result<(), Error> {
    diesel::update(intent).set(intent).execute(conn)?;
    Ok(())
}

/// Intents that the bank has had long enough.
pub(super) fn settling(conn: &mut PgConnection, now: Instant) -> Result<Vec<String>, Error> {
    Ok(intents::table
        // In the text: what is bound, a plan for all values cannot know to be in the index of those under way.
        .filter(sql::<Bool>("intents.status = 'processing'"))
        .filter(intents::settles_at.le(now))
        .select(intents::id)
        .limit(100)
        .load(conn)?)
}

pub(super) fn put_account(
    conn: &mut PgConnection,
    reference: &str,
    enabled: bool,
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(super::new_id("acct")),
            accounts::reference.eq(reference),
            accounts::enabled.eq(enabled),
            accounts::created_at.eq(now),
        ))
        .on_conflict(accounts::reference)
        .do_update()
        .set(accounts::enabled.eq(enabled))
        .execute(conn)?;
    Ok(())
}

pub(super) fn find_account(conn: &mut PgConnection, reference: &str) -> Result<Option<AccountRow>, Error> {
    Ok(accounts::table
        .filter(accounts::reference.eq(reference))
        .select(AccountRow::as_select())
        .first(conn)
        .optional()?)
}

pub(super) fn account_is_enabled(conn: &mut PgConnection, id: &str) -> Result<bool, Error> {
    Ok(accounts::table.find(id).select(accounts::enabled).first(conn).optional()?.unwrap_or(false))
}

pub(super) fn move_balance(
    conn: &mut PgConnection,
    movement: &Movement<'_>,
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(balances::table)
        .values((balances::currency.eq(movement.currency), balances::amount.eq(0)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    diesel::update(balances::table.find(movement.currency))
        .set(balances::amount.eq(balances::amount + movement.amount))
        .execute(conn)?;
    diesel::insert_into(balance_movements::table)
        .values((
            balance_movements::id.eq(&movement.id),
            balance_movements::kind.eq(movement.kind),
            balance_movements::object_id.eq(movement.object_id),
            balance_movements::reference.eq(movement.reference),
            balance_movements::amount.eq(movement.amount),
            balance_movements::currency.eq(movement.currency),
            balance_movements::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn balance(conn: &mut PgConnection, currency: &str) -> Result<i64, Error> {
    Ok(balances::table.find(currency).select(balances::amount).first(conn).optional()?.unwrap_or(0))
}

pub(super) fn insert_webhook(
    conn: &mut PgConnection,
    id: &str,
    kind: &str,
    object: &str,
    copies: i16,
    due: Instant,
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::id.eq(id),
            webhooks::kind.eq(kind),
            webhooks::object_id.eq(object),
            webhooks::copies.eq(copies),
            webhooks::due_at.eq(due),
            webhooks::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The next webhook that is due. It is put off to the next try at once, so that nothing is lost should its carrier die.
pub(super) fn take_webhook(
    conn: &mut PgConnection,
    now: Instant,
    again_at: impl Fn(i16) -> Instant,
) -> Result<Option<WebhookRow>, Error> {
    let next: Option<(String, i16)> = webhooks::table
        .filter(
            webhooks::delivered_at
                .is_null()
                .and(webhooks::given_up_at.is_null())
                .and(webhooks::due_at.le(now)),
        )
        .order((webhooks::due_at, webhooks::number))
        .select((webhooks::id, webhooks::attempts))
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()?;
    let Some((id, attempts)) = next else { return Ok(None) };
    let taken = diesel::update(webhooks::table.find(id))
        .set((webhooks::attempts.eq(webhooks::attempts + 1_i16), webhooks::due_at.eq(again_at(attempts))))
        .returning(WebhookRow::as_returning())
        .get_result(conn)?;
    Ok(Some(taken))
}

pub(super) fn webhook_delivered(conn: &mut PgConnection, id: &str, now: Instant) -> Result<(), Error> {
    diesel::update(webhooks::table.find(id)).set(webhooks::delivered_at.eq(now)).execute(conn)?;
    Ok(())
}

pub(super) fn webhook_given_up(conn: &mut PgConnection, id: &str, now: Instant) -> Result<(), Error> {
    diesel::update(webhooks::table.find(id)).set(webhooks::given_up_at.eq(now)).execute(conn)?;
    Ok(())
}
