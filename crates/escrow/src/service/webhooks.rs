//! What a provider sends us: a hint to look, taken in once and looked after by a task.

use super::EscrowService;
use crate::Error;
use crate::model::PaymentId;
use crate::provider::ProviderError;
use crate::store::payments;
use crate::tasks::HandleProviderEvent;

impl EscrowService {
    pub(super) fn take_webhook(&self, signature: &str, body: &[u8]) -> Result<(), Error> {
        // The database's clock, as everywhere; the signature is checked before anything is written.
        let now = self.db.now()?;
        let event = self.provider.read_webhook(signature, body, now)?;
        let provider = self.provider.name();
        self.db.transaction(|tx| {
            if payments::record_event(tx.conn(), provider, &event, now)? {
                outbox::enqueue(
                    tx,
                    &HandleProviderEvent { provider: provider.to_owned(), event: event.id.clone() },
                );
            }
            Ok(())
        })
    }

    /// Reads the object of a recorded event back from the provider and records how it stands.
    pub(crate) fn handle_event(&self, provider: &str, event: &str, request_id: &str) -> Result<(), Error> {
        let Some((kind, object)) = self.db.read(|conn| payments::find_event(conn, provider, event))? else {
            return Ok(());
        };
        // Transfers and refunds are ours alone to make, and settled by the task that made them.
        if kind.starts_with("payment_intent.") {
            match self.provider.intent(&object) {
                Ok(intent) => self.settle_told(&intent.reference, request_id)?,
                // Another installation's: the secret is shared, the objects are not.
                Err(ProviderError::Unknown) => tracing::warn!(object, "a webhook is about nothing of ours"),
                Err(error) => return Err(error.into()),
            }
        }
        self.db.transaction(|tx| {
            let now = tx.now()?;
            Ok(payments::note_handled(tx.conn(), provider, event, now)?)
        })
    }

    fn settle_told(&self, reference: &str, request_id: &str) -> Result<(), Error> {
        let Ok(payment) = reference.parse::<PaymentId>() else {
            tracing::warn!(reference, "a webhook names no payment of ours");
            return Ok(());
        };
        match self.read_back(payment, request_id) {
            Ok(_) => Ok(()),
            Err(Error::NotFound(_)) => {
                tracing::warn!(%payment, "a webhook names no payment of ours");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
