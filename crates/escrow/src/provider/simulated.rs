//! The simulated payment provider: an outside system in everything but its address. It has a schema, connections and
//! transactions of its own, keeps keys, wants intents confirmed, signs what it tells and tells it late, twice or in the
//! wrong order when asked to.
//!
//! What our side decides does not belong here; this module knows nothing of escrow accounts.

mod cards;
mod deliver;
mod schema;
mod store;

use std::sync::Arc;

use chrono::Duration;
use database::{Db, Tx};
use kernel::{BasisPoints, Clock, Currency, Instant, Money, PartyId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::cards::Behaviour;
use self::store::IntentRow;
use super::{
    Intent, IntentStatus, Moved, NewIntent, NewRefund, NewTransfer, PaymentMethod, PaymentProvider,
    ProviderError, SignatureSecret, WebhookError, WebhookEvent,
};

pub use cards::{AMOUNTS, TOKENS};
pub use deliver::{Deliveries, SignedWebhook};

/// The name of the header that carries a webhook's signature.
pub const SIGNATURE_HEADER: &str = "Simulated-Signature";

/// How the simulated provider behaves.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatedSettings {
    /// Where webhooks are sent; nothing is sent without it.
    pub webhook_url: Option<String>,
    /// What the provider charges, in hundredths of a percent of the amount.
    pub fee_basis_points: u32,
    /// How many seconds the slow cards take.
    pub processing_seconds: u32,
    /// How many seconds late the late webhooks are.
    pub late_seconds: u32,
    /// Whether a contractor has an account that can be paid out to as soon as somebody asks for it. Without it an
    /// account has to be opened first, see [`SimulatedProvider::open_account`].
    pub accounts_on_demand: bool,
    /// How often a webhook is tried before the provider gives up.
    pub webhook_attempts_max: i16,
}

impl Default for SimulatedSettings {
    fn default() -> Self {
        Self {
            webhook_url: None,
            fee_basis_points: 100,
            processing_seconds: 3,
            late_seconds: 600,
            accounts_on_demand: true,
            webhook_attempts_max: 12,
        }
    }
}

/// The simulated provider.
pub struct SimulatedProvider {
    db: Db,
    clock: Arc<dyn Clock>,
    secret: SignatureSecret,
    settings: SimulatedSettings,
}

impl std::fmt::Debug for SimulatedProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedProvider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What ends one of its transactions.
#[derive(Debug)]
enum Failure {
    Database(database::Error),
    Answer(ProviderError),
}

impl From<database::Error> for Failure {
    fn from(error: database::Error) -> Self {
        Self::Database(error)
    }
}

impl database::TransactionError for Failure {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Answer(_) => None,
        }
    }
}

impl From<Failure> for ProviderError {
    /// From outside, a provider's broken database is a provider that does not answer.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => Self::Unavailable(error.to_string()),
            Failure::Answer(error) => error,
        }
    }
}

/// Who confirms an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The payer, with the client secret, past us.
    Payer,
    /// We, on the payer's behalf.
    Server,
}

fn refused<T>(code: &str) -> Result<T, Failure> {
    Err(Failure::Answer(ProviderError::Refused { code: code.to_owned() }))
}

impl SimulatedProvider {
    /// The provider's name, and the prefix of its settings.
    pub const NAME: &'static str = "simulated";

    /// A provider over connections of its own: never give it the `Db` that the services use.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, secret: SignatureSecret, settings: SimulatedSettings) -> Self {
        Self { db, clock, secret, settings }
    }

    /// What the payer does with a client secret: confirms the intent with a card, past us.
    ///
    /// # Errors
    /// [`ProviderError::Unknown`] for a wrong secret, else as [`PaymentProvider::confirm_intent`].
    pub fn confirm_as_payer(
        &self,
        client_secret: &str,
        method: &PaymentMethod,
    ) -> Result<Intent, ProviderError> {
        let id = client_secret.split_once("_secret_").map_or("", |(id, _)| id);
        let now = self.clock.now();
        let intent = self.db.transaction(|tx| {
            let intent = self.lock_intent(tx, id)?;
            if intent.client_secret != client_secret {
                return Err(Failure::Answer(ProviderError::Unknown));
            }
            self.confirm(tx, intent, method, By::Payer, now)
        })?;
        read_intent(intent)
    }

    /// A bank that answers after all: the intent succeeds although it was called off or declined.
    ///
    /// # Errors
    /// [`ProviderError::Unknown`] when there is no such intent.
    pub fn succeed_late(&self, intent: &str) -> Result<(), ProviderError> {
        let now = self.clock.now();
        self.db.transaction(|tx| {
            let mut intent = self.lock_intent(tx, intent)?;
            if intent.status != "succeeded" {
                self.succeed(tx, &mut intent, now)?;
                store::save_intent(tx.conn(), &intent)?;
                self.tell(tx, "payment_intent.succeeded", &intent.id, 1, now)?;
            }
            Ok::<_, Failure>(())
        })?;
        Ok(())
    }

    /// Opens a contractor's account, or closes it for payouts.
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`].
    pub fn open_account(&self, party: PartyId, enabled: bool) -> Result<(), ProviderError> {
        let now = self.clock.now();
        self.db.transaction(|tx| {
            Ok::<_, Failure>(store::put_account(tx.conn(), &party.to_string(), enabled, now)?)
        })?;
        Ok(())
    }

    fn lock_intent(&self, tx: &mut Tx<'_>, id: &str) -> Result<IntentRow, Failure> {
        let mut intent = store::lock_intent(tx.conn(), id)?.ok_or(Failure::Answer(ProviderError::Unknown))?;
        let now = self.clock.now();
        if intent.settles_at.is_some_and(|at| at <= now) && intent.status == "processing" {
            self.settle(tx, &mut intent, now)?;
        }
        Ok(intent)
    }

    /// Ends a processing intent as its card says.
    fn settle(&self, tx: &mut Tx<'_>, intent: &mut IntentRow, now: Instant) -> Result<(), Failure> {
        intent.settles_at = None;
        let behaviour = intent.payment_method.as_deref().and_then(cards::of_token);
        if let Some(code) = behaviour.and_then(|behaviour| behaviour.declines_later) {
            intent.status = "declined".to_owned();
            intent.decline_code = Some(code.to_owned());
            self.tell(tx, "payment_intent.payment_failed", &intent.id, 1, now)?;
        } else {
            self.succeed(tx, intent, now)?;
            self.tell(tx, "payment_intent.succeeded", &intent.id, 1, now)?;
        }
        Ok(store::save_intent(tx.conn(), intent)?)
    }

    fn succeed(&self, tx: &mut Tx<'_>, intent: &mut IntentRow, now: Instant) -> Result<(), Failure> {
        let fee = BasisPoints::new(self.settings.fee_basis_points)
            .of_half_up(intent.amount)
            .map_err(|error| Failure::Answer(ProviderError::Unavailable(error.to_string())))?;
        intent.status = "succeeded".to_owned();
        intent.decline_code = None;
        intent.fee = fee;
        store::move_balance(
            tx.conn(),
            &store::Movement {
                id: new_id("ch"),
                kind: "charge",
                object_id: &intent.id,
                reference: &intent.reference,
                amount: intent.amount - fee,
                currency: &intent.currency,
            },
            now,
        )?;
        Ok(())
    }

    fn confirm(
        &self,
        tx: &mut Tx<'_>,
        mut intent: IntentRow,
        method: &PaymentMethod,
        by: By,
        now: Instant,
    ) -> Result<IntentRow, Failure> {
        let Some(card) = cards::of_token(method.as_str()) else {
            return refused("payment_method_unknown");
        };
        if !matches!(intent.status.as_str(), "requires_confirmation" | "declined") {
            return refused("intent_unexpected_state");
        }
        intent.payment_method = Some(method.as_str().to_owned());
        let declined = cards::of_amount(intent.amount).or(card.declines);
        if let Some(code) = declined {
            intent.status = "declined".to_owned();
            intent.decline_code = Some(code.to_owned());
            self.announce(tx, card, &["payment_intent.payment_failed"], &intent.id, now)?;
        } else if card.wants_payer && by == By::Server {
            // It stays as it was, until the payer has shown to be the card's owner.
            self.announce(tx, card, &["payment_intent.requires_action"], &intent.id, now)?;
        } else if card.slow {
            intent.status = "processing".to_owned();
            intent.settles_at = Some(now + Duration::seconds(self.settings.processing_seconds.into()));
            self.announce(tx, card, &["payment_intent.processing"], &intent.id, now)?;
        } else {
            self.succeed(tx, &mut intent, now)?;
            self.announce(
                tx,
                card,
                &["payment_intent.processing", "payment_intent.succeeded"],
                &intent.id,
                now,
            )?;
        }
        store::save_intent(tx.conn(), &intent)?;
        Ok(intent)
    }

    /// Tells what happened in the way that the card asks for.
    fn announce(
        &self,
        tx: &mut Tx<'_>,
        card: Behaviour,
        kinds: &[&'static str],
        object: &str,
        now: Instant,
    ) -> Result<(), Failure> {
        let late = Duration::seconds(if card.webhooks_late { self.settings.late_seconds.into() } else { 0 });
        let copies = if card.webhooks_twice { 2 } else { 1 };
        for (place, kind) in kinds.iter().rev().enumerate() {
            // In reverse: the last thing first, the others a second later each.
            let turn = if card.webhooks_reversed { place } else { 0 };
            let turned = Duration::seconds(i64::try_from(turn).unwrap_or_default());
            if card.webhooks_reversed {
                self.tell(tx, kind, object, copies, now + late + turned)?;
            }
        }
        if !card.webhooks_reversed {
            for kind in kinds {
                self.tell(tx, kind, object, copies, now + late)?;
            }
        }
        Ok(())
    }

    fn tell(
        &self,
        tx: &mut Tx<'_>,
        kind: &str,
        object: &str,
        copies: i16,
        due: Instant,
    ) -> Result<(), Failure> {
        let now = self.clock.now();
        Ok(store::insert_webhook(tx.conn(), &new_id("evt"), kind, object, copies, due, now)?)
    }

    /// Runs `work` once for a key: afterwards the same request finds the object that it made.
    fn once(
        &self,
        key: &str,
        operation: &'static str,
        request: &Value,
        mut work: impl FnMut(&mut Tx<'_>, Instant) -> Result<String, Failure>,
    ) -> Result<String, ProviderError> {
        let fingerprint = request.to_string();
        let now = self.clock.now();
        Ok(self.db.transaction(|tx| {
            if store::claim_key(tx.conn(), key, operation, &fingerprint, now)? {
                let object = work(tx, now)?;
                store::answer_key(tx.conn(), key, &object)?;
                return Ok(object);
            }
            let stored = store::find_key(tx.conn(), key)?;
            match stored.and_then(|stored| stored.answers(operation, &fingerprint)) {
                Some(object) => Ok(object),
                None => refused("idempotency_key_reused"),
            }
        })?)
    }
}

fn new_id(prefix: &str) -> String {
    format!("{prefix}_sim_{}", uuid::Uuid::now_v7().simple())
}

fn money(amount: i64, currency: &str) -> Result<Money, ProviderError> {
    let unreadable = |error: kernel::MoneyError| ProviderError::Unavailable(error.to_string());
    Money::new(amount, currency.parse().map_err(unreadable)?).map_err(unreadable)
}

fn read_intent(row: IntentRow) -> Result<Intent, ProviderError> {
    let status = match row.status.as_str() {
        "requires_confirmation" => IntentStatus::RequiresConfirmation,
        "processing" => IntentStatus::Processing,
        "succeeded" => IntentStatus::Succeeded { fee: row.fee },
        "declined" => {
            IntentStatus::Declined { code: row.decline_code.unwrap_or_else(|| "card_declined".to_owned()) }
        }
        _ => IntentStatus::Cancelled { declined: row.decline_code },
    };
    Ok(Intent {
        amount: money(row.amount, &row.currency)?,
        id: row.id,
        reference: row.reference,
        status,
        client_secret: row.client_secret.into(),
    })
}

impl PaymentProvider for SimulatedProvider {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn create_intent(&self, key: &str, intent: &NewIntent) -> Result<Intent, ProviderError> {
        let request = serde_json::json!([
            intent.reference,
            intent.amount.minor(),
            intent.amount.currency(),
            intent.group
        ]);
        let id = self.once(key, "create_intent", &request, |tx, now| {
            let id = new_id("pi");
            let secret = format!("{id}_secret_{:032x}", rand::random::<u128>());
            store::insert_intent(tx.conn(), &id, intent, &secret, now)?;
            self.tell(tx, "payment_intent.created", &id, 1, now)?;
            Ok(id)
        })?;
        self.intent(&id)
    }

    fn confirm_intent(
        &self,
        key: &str,
        intent: &str,
        method: &PaymentMethod,
    ) -> Result<Intent, ProviderError> {
        let request = serde_json::json!([intent, method.as_str()]);
        let mut first = false;
        let id = self.once(key, "confirm_intent", &request, |tx, now| {
            first = true;
            let locked = self.lock_intent(tx, intent)?;
            Ok(self.confirm(tx, locked, method, By::Server, now)?.id)
        })?;
        if first && cards::of_token(method.as_str()).is_some_and(|card| card.answer_lost) {
            return Err(ProviderError::Unavailable("the answer was lost on its way".to_owned()));
        }
        self.intent(&id)
    }

    fn cancel_intent(&self, key: &str, intent: &str) -> Result<Intent, ProviderError> {
        let id = self.once(key, "cancel_intent", &serde_json::json!([intent]), |tx, now| {
            let mut locked = self.lock_intent(tx, intent)?;
            if matches!(locked.status.as_str(), "requires_confirmation" | "declined") {
                locked.status = "canceled".to_owned();
                store::save_intent(tx.conn(), &locked)?;
                self.tell(tx, "payment_intent.canceled", &locked.id, 1, now)?;
            }
            Ok(locked.id)
        })?;
        self.intent(&id)
    }

    fn intent(&self, intent: &str) -> Result<Intent, ProviderError> {
        let row = self.db.transaction(|tx| self.lock_intent(tx, intent))?;
        read_intent(row)
    }

    fn payee(&self, party: PartyId) -> Result<Option<String>, ProviderError> {
        let reference = party.to_string();
        let now = self.clock.now();
        Ok(self
            .db
            .transaction(|tx| {
                let found = store::find_account(tx.conn(), &reference)?;
                if found.is_none() && self.settings.accounts_on_demand {
                    store::put_account(tx.conn(), &reference, true, now)?;
                    return Ok::<_, Failure>(store::find_account(tx.conn(), &reference)?);
                }
                Ok(found)
            })
            .map(|account| account.filter(|account| account.enabled).map(|account| account.id))?)
    }

    fn transfer(&self, key: &str, transfer: &NewTransfer) -> Result<Moved, ProviderError> {
        let amount = transfer.amount;
        let request =
            serde_json::json!([transfer.reference, transfer.destination, amount.minor(), amount.currency()]);
        let id = self.once(key, "transfer", &request, |tx, now| {
            if !store::account_is_enabled(tx.conn(), &transfer.destination)? {
                return refused("account_closed");
            }
            let id = new_id("tr");
            let movement = store::Movement {
                id: id.clone(),
                kind: "transfer",
                object_id: &transfer.destination,
                reference: &transfer.reference,
                amount: -amount.minor(),
                currency: amount.currency().code(),
            };
            move_out(tx, &movement, now)?;
            self.tell(tx, "transfer.created", &id, 1, now)?;
            Ok(id)
        })?;
        Ok(Moved { id, amount })
    }

    fn refund(&self, key: &str, refund: &NewRefund) -> Result<Moved, ProviderError> {
        let amount = refund.amount;
        let request = serde_json::json!([refund.reference, refund.intent, amount.minor(), amount.currency()]);
        let id = self.once(key, "refund", &request, |tx, now| {
            let mut intent = self.lock_intent(tx, &refund.intent)?;
            if intent.status != "succeeded" || amount.minor() > intent.amount - intent.refunded {
                return refused("charge_exceeds_refundable_amount");
            }
            intent.refunded += amount.minor();
            store::save_intent(tx.conn(), &intent)?;
            let id = new_id("re");
            let movement = store::Movement {
                id: id.clone(),
                kind: "refund",
                object_id: &intent.id,
                reference: &refund.reference,
                amount: -amount.minor(),
                currency: amount.currency().code(),
            };
            move_out(tx, &movement, now)?;
            self.tell(tx, "charge.refunded", &intent.id, 1, now)?;
            Ok(id)
        })?;
        Ok(Moved { id, amount })
    }

    fn balance(&self, currency: Currency) -> Result<i64, ProviderError> {
        Ok(self.db.read(|conn| Ok::<_, Failure>(store::balance(conn, currency.code())?))?)
    }

    fn read_webhook(&self, signature: &str, body: &[u8], now: Instant) -> Result<WebhookEvent, WebhookError> {
        self.secret.verify(signature, body, now)?;
        deliver::read(body)
    }
}

/// Takes from the balance; what is not there cannot go out, for now.
fn move_out(tx: &mut Tx<'_>, movement: &store::Movement<'_>, now: Instant) -> Result<(), Failure> {
    match store::move_balance(tx.conn(), movement, now) {
        Err(error) if error.is_check("balance_not_below_zero") => {
            Err(Failure::Answer(ProviderError::Unavailable("balance_insufficient".to_owned())))
        }
        other => Ok(other?),
    }
}
