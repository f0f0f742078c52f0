//! How the simulated provider's webhooks leave: signed, over HTTP, tried again until somebody takes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as StdDuration;

use chrono::Duration;
use serde::Deserialize;

use super::store::{self, WebhookRow};
use super::{Failure, SIGNATURE_HEADER, SimulatedProvider};
use crate::provider::{ProviderError, WebhookError, WebhookEvent, sign};

/// How often the deliverer looks for something to deliver.
const POLL: StdDuration = StdDuration::from_millis(100);
/// How long a receiver has for its answer.
const ANSWER_TIMEOUT: StdDuration = StdDuration::from_secs(10);
/// The longest pause between two tries.
const PAUSE_MAX_SECONDS: i64 = 300;

/// A webhook as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedWebhook {
    /// The value of the header [`SIGNATURE_HEADER`].
    pub signature: String,
    /// The raw body.
    pub body: Vec<u8>,
}

/// The thread that delivers; stops when dropped.
#[derive(Debug)]
pub struct Deliveries {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic in there was reported by its own thread.
            let _ = thread.join();
        }
    }
}

#[derive(Deserialize)]
struct Body {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: String,
}

/// Reads a body whose signature held.
pub(super) fn read(body: &[u8]) -> Result<WebhookEvent, WebhookError> {
    let body: Body = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
    let fits = |text: &str| (1..=200).contains(&text.len()) && !text.contains('\0');
    if !(fits(&body.id) && fits(&body.kind) && fits(&body.data.object.id)) {
        return Err(WebhookError::Malformed);
    }
    Ok(WebhookEvent { id: body.id, kind: body.kind, object: body.data.object.id })
}

impl SimulatedProvider {
    /// Delivers webhooks to the configured address from a thread of its own, until the result is dropped.
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`] when the thread or the HTTP client cannot be made.
    pub fn start_deliveries(self: &Arc<Self>) -> Result<Deliveries, ProviderError> {
        let provider = Arc::clone(self);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let run = move || {
            let client = match client() {
                Ok(client) => client,
                Err(error) => {
                    return tracing::error!(%error, "webhooks of the simulated provider cannot be sent");
                }
            };
            while !stopped.load(Ordering::SeqCst) {
                match provider.deliver_with(&client) {
                    Ok(0) => std::thread::park_timeout(POLL),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "webhooks of the simulated provider wait");
                        std::thread::park_timeout(StdDuration::from_secs(1));
                    }
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("simulated-provider".to_owned())
            .spawn(run)
            .map_err(|error| ProviderError::Unavailable(error.to_string()))?;
        Ok(Deliveries { stop, thread: Some(thread) })
    }

    /// Takes what is due and gives it to the caller instead of sending it: once, twice where the card asked for that.
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`].
    pub fn take_due_webhooks(&self) -> Result<Vec<SignedWebhook>, ProviderError> {
        let mut taken = Vec::new();
        while let Some(webhook) = self.take_webhook()? {
            let signed = self.write(&webhook);
            taken.extend((0..webhook.copies).map(|_| signed.clone()));
            self.note_delivered(&webhook)?;
        }
        Ok(taken)
    }

    fn deliver_with(&self, client: &reqwest::blocking::Client) -> Result<usize, ProviderError> {
        let Some(url) = self.settings.webhook_url.as_deref() else { return Ok(0) };
        let mut delivered = 0;
        while let Some(webhook) = self.take_webhook()? {
            if (0..webhook.copies).all(|_| self.post(client, url, &webhook)) {
                self.note_delivered(&webhook)?;
                delivered += 1;
            } else if webhook.attempts >= self.settings.webhook_attempts_max {
                let now = self.clock.now();
                self.db.transaction(|tx| {
                    Ok::<_, Failure>(store::webhook_given_up(tx.conn(), &webhook.id, now)?)
                })?;
                tracing::error!(id = webhook.id, "the simulated provider gave a webhook up");
            }
        }
        Ok(delivered)
    }

    fn post(&self, client: &reqwest::blocking::Client, url: &str, webhook: &WebhookRow) -> bool {
        let signed = self.write(webhook);
        let answer = client
            .post(url)
            .header("Content-Type", "application/json")
            .header(SIGNATURE_HEADER, signed.signature)
            .body(signed.body)
            .send();
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// The next one that is due. It is due again after a pause that grows with every try, unless it is noted as delivered.
    fn take_webhook(&self) -> Result<Option<WebhookRow>, ProviderError> {
        self.settle_due()?;
        let now = self.clock.now();
        let again_at = |attempts: i16| {
            let doubled = 2_i64.saturating_pow(u32::try_from(attempts).unwrap_or_default());
            now + Duration::seconds(doubled.min(PAUSE_MAX_SECONDS))
        };
        Ok(self.db.transaction(|tx| Ok::<_, Failure>(store::take_webhook(tx.conn(), now, again_at)?))?)
    }

    fn note_delivered(&self, webhook: &WebhookRow) -> Result<(), ProviderError> {
        let now = self.clock.now();
        self.db.transaction(|tx| Ok::<_, Failure>(store::webhook_delivered(tx.conn(), &webhook.id, now)?))?;
        Ok(())
    }

    /// Brings intents to their end that the bank has had long enough.
    fn settle_due(&self) -> Result<(), ProviderError> {
        let now = self.clock.now();
        let due = self.db.read(|conn| Ok::<_, Failure>(store::settling(conn, now)?))?;
        for id in due {
            self.db.transaction(|tx| self.lock_intent(tx, &id).map(drop))?;
        }
        Ok(())
    }

    fn write(&self, webhook: &WebhookRow) -> SignedWebhook {
        let body = serde_json::json!({
            "id": webhook.id,
            "type": webhook.kind,
            "created": webhook.created_at.timestamp(),
            "data": { "object": { "id": webhook.object_id } },
        })
        .to_string()
        .into_bytes();
        SignedWebhook { signature: sign(&self.secret, &body, self.clock.now()), body }
    }
}

fn client() -> Result<reqwest::blocking::Client, reqwest::Error> {
    reqwest::blocking::Client::builder().timeout(ANSWER_TIMEOUT).no_proxy().build()
}
