//! Money on its way out: a contractor's share, and what a payer gets back.

use database::Tx;
use kernel::{Actor, Money};

use super::{EscrowService, events, trail};
use crate::Error;
use crate::model::{PayoutId, PayoutStatus, Posting, RefundId, TransactionId, TransactionKind};
use crate::provider::{Moved, NewRefund, NewTransfer, ProviderError};
use crate::rules;
use crate::store::payouts::PayoutJob;
use crate::store::{escrows, ledger, payments, payouts};

impl EscrowService {
    /// Moves a contractor's share at the provider, and then in the books. Under the payout's id as the key the provider
    /// moves it once, however often this runs.
    pub(crate) fn send_payout(&self, id: PayoutId, request_id: &str) -> Result<PayoutStatus, Error> {
        self.outside_transactions()?;
        let job = self.db.read(|conn| payouts::find(conn, id))?.ok_or(Error::NotFound("payout"))?;
        if matches!(job.payout.status, PayoutStatus::Paid | PayoutStatus::Failed) {
            return Ok(job.payout.status);
        }
        let Some(destination) = self.provider.payee(job.payout.contractor)? else {
            return self.note_unpaid(&job, PayoutStatus::WaitingAccount, None, request_id);
        };
        let transfer = NewTransfer {
            reference: id.to_string(),
            destination,
            amount: money(job.payout.amount, job.currency)?,
            group: job.contract.to_string(),
        };
        match self.provider.transfer(&id.to_string(), &transfer) {
            Ok(moved) if moved.amount == transfer.amount => self.record_payout(&job, &moved, request_id),
            Ok(moved) => Err(Error::Refused(format!("the provider moved another amount by {}", moved.id))),
            Err(ProviderError::Refused { code }) => {
                self.note_unpaid(&job, PayoutStatus::Failed, Some(&code), request_id)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn record_payout(&self, job: &PayoutJob, moved: &Moved, request_id: &str) -> Result<PayoutStatus, Error> {
        self.db.transaction(|tx| {
            let now = tx.now()?;
            if payouts::note_paid(tx.conn(), job.payout.id, &moved.id, now)? {
                let posting = Posting {
                    id: TransactionId::new(),
                    kind: TransactionKind::Payout,
                    business_key: format!("payout:{}", job.payout.id.uuid()),
                    contract_id: job.contract,
                    currency: job.currency,
                    entries: rules::payout(job.payout.contractor, job.payout.amount),
                };
                ledger::post(tx.conn(), &posting, request_id)?;
                trail::payout(tx, job.payout.id, job.payout.status, PayoutStatus::Paid);
                tell(tx, job, PayoutStatus::Paid, request_id);
            }
            Ok(PayoutStatus::Paid)
        })
    }

    fn note_unpaid(
        &self,
        job: &PayoutJob,
        status: PayoutStatus,
        failure: Option<&str>,
        request_id: &str,
    ) -> Result<PayoutStatus, Error> {
        self.db.transaction(|tx| {
            let now = if status == PayoutStatus::Failed { Some(tx.now()?) } else { None };
            let from = job.payout.status;
            if payouts::note_unpaid(tx.conn(), job.payout.id, from, status, failure, now)? && from != status {
                trail::payout(tx, job.payout.id, from, status);
                tell(tx, job, status, request_id);
            }
            Ok(status)
        })
    }

    /// Gives back at the provider what came in too much, and then in the books.
    pub(crate) fn refund_surplus(&self, id: RefundId, request_id: &str) -> Result<(), Error> {
        self.outside_transactions()?;
        let found = self.db.read(|conn| {
            let refund = payments::find_refund(conn, id)?;
            let payment = match &refund {
                Some(refund) => payments::find(conn, refund.payment)?,
                None => None,
            };
            Ok::<_, Error>(refund.zip(payment))
        })?;
        let Some((refund, payment)) = found.filter(|(refund, _)| refund.pending) else { return Ok(()) };
        let amount = money(refund.amount, payment.amount.currency())?;
        let intent = payment.provider_intent_id.clone().ok_or(Error::NotFound("intent"))?;
        let asked = NewRefund { reference: id.to_string(), intent, amount };
        match self.provider.refund(&id.to_string(), &asked) {
            Ok(moved) => self.db.transaction(|tx| {
                let now = tx.now()?;
                let system = Actor::system(request_id);
                escrows::lock(tx.conn(), &system, payment.escrow_id)?;
                if payments::end_refund(tx.conn(), id, Ok(&moved.id), now)? {
                    let posting = Posting {
                        id: TransactionId::new(),
                        kind: TransactionKind::Refund,
                        business_key: format!("refund:{}", id.uuid()),
                        contract_id: payment.contract_id,
                        currency: amount.currency(),
                        entries: rules::refund_surplus(refund.amount),
                    };
                    ledger::post(tx.conn(), &posting, request_id)?;
                    trail::refund(tx, id, refund.amount, "DONE");
                }
                Ok(())
            }),
            Err(ProviderError::Refused { code }) => {
                // It stays in refund clearing, where a person finds it.
                tracing::error!(%id, code, "the provider refuses to give money back");
                self.db.transaction(|tx| {
                    let now = tx.now()?;
                    if payments::end_refund(tx.conn(), id, Err(&code), now)? {
                        trail::refund(tx, id, refund.amount, "FAILED");
                    }
                    Ok(())
                })
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn tell(tx: &mut Tx<'_>, job: &PayoutJob, status: PayoutStatus, request_id: &str) {
    if let Some(event) = events::payout(job, status, request_id) {
        outbox::publish(tx, event);
    }
}

fn money(amount: i64, currency: kernel::Currency) -> Result<Money, Error> {
    Money::new(amount, currency).map_err(|error| Error::Refused(error.to_string()))
}
