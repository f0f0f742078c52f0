//! Deposits: an intent of ours, the provider's word, and what is recorded of it. The three never share a transaction.

use std::time::Duration;

use contracts::{ContractStatus, MilestoneId, Side};
use database::Tx;
use kernel::{Actor, Money};
use serde_json::json;

use super::{EscrowService, contract_of, events, refusal, trail};
use crate::Error;
use crate::model::{
    Confirm, Deposit, DepositOutcome, EscrowStatus, Payment, PaymentId, PaymentStatus, PaymentStep, Posting,
    RefundId, TransactionId, TransactionKind,
};
use crate::provider::{Intent, IntentStatus, NewIntent, PaymentMethod, ProviderError};
use crate::rules::{self, Funding};
use crate::store::escrows::{self, EscrowRow};
use crate::store::{ledger, payments};
use crate::tasks::{LapsePayment, ReadBackPayment, RefundSurplus};

/// How often a record tries for rows that somebody holds, and the pause between, in milliseconds: together about a second.
/// After that the webhook or the task that reads back records it.
const RECORD_ATTEMPTS: u32 = 40;
const RECORD_PAUSE_MS: std::ops::Range<u64> = 5..45;

/// What the provider said, as far as it changes a payment.
enum Finding {
    Step(PaymentStep),
    Succeeded { fee: i64 },
    Failed { code: String },
}

impl EscrowService {
    /// First step: the payment stands, and takes the one open place of each of its milestones.
    pub(super) fn intend(&self, actor: &Actor, command: &Deposit) -> Result<Payment, Error> {
        self.may_pay(actor)?;
        self.db.transaction(|tx| {
            let escrow = escrows::lock(tx.conn(), actor, command.escrow_id)?
                .ok_or(Error::NotFound("escrow account"))?;
            if actor.party.uuid() != escrow.homeowner_id {
                return Err(Error::Forbidden("homeowner"));
            }
            if let Some(payment) = payments::find(tx.conn(), command.payment_id)? {
                // Begun before by the same command, which did not come to its end.
                let same = payment.escrow_id == command.escrow_id;
                return if same { Ok(payment) } else { Err(Error::NotFound("payment")) };
            }
            let status = escrow.status()?;
            if status != EscrowStatus::Active {
                return Err(Error::WrongState {
                    thing: "escrow account",
                    state: status.as_str(),
                    allowed: Vec::new(),
                });
            }
            let contract = contract_of(tx.conn(), &escrow)?;
            let milestones = contracts::lock_milestones(tx, escrow.contract())?;
            let chosen = rules::deposit(&milestones, command.milestone_ids.as_deref(), command.amount)
                .map_err(|refused| refusal(refused, &contract, Side::Homeowner))?;
            self.insert_payment(tx, &escrow, command, &chosen)
        })
    }

    fn insert_payment(
        &self,
        tx: &mut Tx<'_>,
        escrow: &EscrowRow,
        command: &Deposit,
        chosen: &[(MilestoneId, i64)],
    ) -> Result<Payment, Error> {
        let now = tx.now()?;
        let lapses_at = now + chrono::Duration::minutes(self.settings.payment_lapse_minutes.into());
        let sum = chosen.iter().map(|(_, amount)| amount).sum();
        let payment = Payment {
            id: command.payment_id,
            escrow_id: command.escrow_id,
            contract_id: escrow.contract(),
            milestone_ids: chosen.iter().map(|(milestone, _)| *milestone).collect(),
            amount: Money::new(sum, escrow.currency()?).map_err(|error| Error::Refused(error.to_string()))?,
            status: PaymentStatus::RequiresConfirmation,
            provider: self.provider.name().to_owned(),
            provider_intent_id: None,
            failure_code: None,
            funded_amount: 0,
            created_at: now,
            lapses_at,
            settled_at: None,
        };
        match payments::insert(tx.conn(), &payment, chosen) {
            Err(error) if error.is_unique("one_open_payment_a_milestone") => return Err(Error::DepositOpen),
            other => other?,
        }
        trail::payment(tx, &payment, None, payment.status);
        outbox::enqueue_at(tx, &LapsePayment { payment: payment.id }, lapses_at);
        Ok(payment)
    }

    /// A payment that is this actor's to pay.
    pub(super) fn own_payment(&self, actor: &Actor, id: PaymentId) -> Result<Payment, Error> {
        self.db.read(|conn| {
            let payment = payments::find(conn, id)?.ok_or(Error::NotFound("payment"))?;
            let escrow = escrows::find(conn, actor, payment.escrow_id)?.ok_or(Error::NotFound("payment"))?;
            if actor.party.uuid() == escrow.homeowner_id {
                Ok(payment)
            } else {
                Err(Error::Forbidden("homeowner"))
            }
        })
    }

    /// Goes on with a payment on the payer's behalf.
    pub(super) fn confirm(&self, actor: &Actor, command: &Confirm) -> Result<DepositOutcome, Error> {
        self.outside_transactions()?;
        self.may_pay(actor)?;
        let mut payment = self.own_payment(actor, command.payment_id)?;
        if payment.status == PaymentStatus::RequiresConfirmation && self.db.now()? >= payment.lapses_at {
            payment = self.lapse(payment.id, &actor.request_id)?;
        }
        match payment.status {
            PaymentStatus::RequiresConfirmation | PaymentStatus::Processing | PaymentStatus::Succeeded => {
                self.advance(&payment, command.payment_method.as_ref(), &actor.request_id)
            }
            PaymentStatus::Failed | PaymentStatus::Lapsed => Err(Error::WrongState {
                thing: "payment",
                state: payment.status.as_str(),
                allowed: vec!["deposit"],
            }),
        }
    }

    /// Second and third step: asks the provider, then records what it said.
    pub(super) fn advance(
        &self,
        payment: &Payment,
        method: Option<&PaymentMethod>,
        request_id: &str,
    ) -> Result<DepositOutcome, Error> {
        if !payment.status.is_open() {
            return Ok(DepositOutcome { payment: payment.clone(), client_secret: None });
        }
        let intent = self.intent_of(payment)?;
        let confirmable = intent.status == IntentStatus::RequiresConfirmation;
        let (intent, refused) = match method.filter(|_| confirmable) {
            None => (intent, None),
            Some(method) => {
                let key = format!("{}:confirm:{}", payment.id, method.as_str());
                match self.provider.confirm_intent(&key, &intent.id, method) {
                    Ok(_) => (self.provider.intent(&intent.id)?, None),
                    Err(ProviderError::Refused { code }) => (self.provider.intent(&intent.id)?, Some(code)),
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let secret = intent.client_secret.clone();
        let payment = self.settle(payment, intent, refused, request_id)?;
        let client_secret = (payment.status == PaymentStatus::RequiresConfirmation).then_some(secret);
        Ok(DepositOutcome { payment, client_secret })
    }

    /// The payment's intent at the provider, made if it is not there yet. Under our id as the key it is made once.
    fn intent_of(&self, payment: &Payment) -> Result<Intent, Error> {
        if let Some(id) = &payment.provider_intent_id {
            return Ok(self.provider.intent(id)?);
        }
        let intent = NewIntent {
            reference: payment.id.to_string(),
            amount: payment.amount,
            group: payment.contract_id.to_string(),
        };
        let made = self.provider.create_intent(&payment.id.to_string(), &intent)?;
        // Committed before anybody confirms: from now on it can be read back, even if we die at the next step.
        self.db.transaction(|tx| {
            payments::note_intent(tx.conn(), payment.id, &made.id)?;
            self.look_again(tx, payment.id)
        })?;
        Ok(made)
    }

    /// Reads a payment back from the provider and records what it says.
    pub(crate) fn read_back(&self, id: PaymentId, request_id: &str) -> Result<Payment, Error> {
        let payment = self.payment(id)?;
        let intent = self.intent_of(&payment)?;
        self.settle(&payment, intent, None, request_id)
    }

    /// The time to confirm is over: cancelled at the provider first, and recorded as the provider then says.
    pub(crate) fn lapse(&self, id: PaymentId, request_id: &str) -> Result<Payment, Error> {
        let payment = self.payment(id)?;
        if payment.status != PaymentStatus::RequiresConfirmation {
            return Ok(payment);
        }
        let intent = self.intent_of(&payment)?;
        let intent = self.provider.cancel_intent(&format!("{id}:cancel"), &intent.id)?;
        self.settle(&payment, intent, None, request_id)
    }

    /// The same for the task that looks again and again while the provider works on it.
    pub(crate) fn read_back_again(&self, id: PaymentId, request_id: &str) -> Result<(), Error> {
        let payment = self.payment(id)?;
        if !payment.status.is_open() {
            return Ok(());
        }
        let intent = self.intent_of(&payment)?;
        let payment = self.settle(&payment, intent, None, request_id)?;
        if payment.status == PaymentStatus::Processing {
            self.db.transaction(|tx| self.look_again(tx, id))?;
        }
        Ok(())
    }

    fn look_again(&self, tx: &mut Tx<'_>, payment: PaymentId) -> Result<(), Error> {
        let later = tx.now()? + chrono::Duration::seconds(self.settings.processing_poll_seconds.into());
        outbox::enqueue_at(tx, &ReadBackPayment { payment }, later);
        Ok(())
    }

    fn payment(&self, id: PaymentId) -> Result<Payment, Error> {
        self.db.read(|conn| payments::find(conn, id))?.ok_or(Error::NotFound("payment"))
    }

    /// Records what the provider says of an intent. What was declined is called off first, so that no other card can
    /// make it succeed behind our back.
    fn settle(
        &self,
        payment: &Payment,
        mut intent: Intent,
        refused: Option<String>,
        request_id: &str,
    ) -> Result<Payment, Error> {
        if intent.amount != payment.amount || intent.reference != payment.id.to_string() {
            return Err(Error::Refused(format!(
                "the provider's intent {} is not payment {}",
                intent.id, payment.id
            )));
        }
        let declined = match &intent.status {
            IntentStatus::Declined { code } => Some(code.clone()),
            IntentStatus::RequiresConfirmation => refused,
            IntentStatus::Processing | IntentStatus::Succeeded { .. } | IntentStatus::Cancelled { .. } => {
                None
            }
        };
        if declined.is_some() {
            intent = self.provider.cancel_intent(&format!("{}:cancel", payment.id), &intent.id)?;
        }
        let finding = match intent.status {
            IntentStatus::RequiresConfirmation => return self.payment(payment.id),
            IntentStatus::Processing => Finding::Step(PaymentStep::Process),
            IntentStatus::Succeeded { fee } => Finding::Succeeded { fee },
            IntentStatus::Declined { code } => Finding::Failed { code },
            IntentStatus::Cancelled { declined: before } => match declined.or(before) {
                Some(code) => Finding::Failed { code },
                None if self.db.now()? >= payment.lapses_at => Finding::Step(PaymentStep::Lapse),
                None => Finding::Failed { code: "canceled".to_owned() },
            },
        };
        self.record(payment, &finding, request_id)
    }

    /// The provider has spoken and will not take it back: unlike a decision, a record waits for whoever holds the rows.
    fn record(&self, payment: &Payment, finding: &Finding, request_id: &str) -> Result<Payment, Error> {
        for _ in 0..RECORD_ATTEMPTS {
            match self.try_record(payment, finding, request_id) {
                Err(Error::Database(database::Error::LockNotAvailable)) => {
                    std::thread::sleep(Duration::from_millis(rand::random_range(RECORD_PAUSE_MS)));
                }
                other => return other,
            }
        }
        self.try_record(payment, finding, request_id)
    }

    fn try_record(&self, payment: &Payment, finding: &Finding, request_id: &str) -> Result<Payment, Error> {
        let system = Actor::system(request_id);
        self.db.transaction(|tx| {
            let escrow = escrows::lock(tx.conn(), &system, payment.escrow_id)?
                .ok_or(Error::NotFound("escrow account"))?;
            let status = payments::lock(tx.conn(), payment.id)?;
            let step = match finding {
                Finding::Step(step) => *step,
                Finding::Succeeded { .. } => PaymentStep::Succeed,
                Finding::Failed { .. } => PaymentStep::Fail,
            };
            // Told a second time, or after something that outweighs it: recorded already.
            if let Some(next) = status.after(step) {
                trail::payment(tx, payment, Some(status), next);
                match finding {
                    Finding::Step(PaymentStep::Process) => {
                        payments::note_processing(tx.conn(), payment.id)?;
                        self.look_again(tx, payment.id)?;
                    }
                    Finding::Succeeded { fee } => record_success(tx, &escrow, payment, *fee, request_id)?,
                    Finding::Failed { code } => {
                        record_end(tx, &escrow, payment, next, Some(code), request_id)?
                    }
                    Finding::Step(_) => record_end(tx, &escrow, payment, next, None, request_id)?,
                }
            }
            payments::find(tx.conn(), payment.id)?.ok_or(Error::NotFound("payment"))
        })
    }
}

fn record_end(
    tx: &mut Tx<'_>,
    escrow: &EscrowRow,
    payment: &Payment,
    status: PaymentStatus,
    code: Option<&str>,
    request_id: &str,
) -> Result<(), Error> {
    let now = tx.now()?;
    payments::note_ended(tx.conn(), payment.id, status, code, now)?;
    let name = if status == PaymentStatus::Lapsed { "payment.lapsed" } else { "payment.failed" };
    let more = json!({ "failureCode": code });
    outbox::publish(tx, events::payment_ended(name, escrow, payment, more, request_id));
    Ok(())
}

/// The money is there: what is still unfunded becomes held money, the rest goes back to the payer.
fn record_success(
    tx: &mut Tx<'_>,
    escrow: &EscrowRow,
    payment: &Payment,
    charged: i64,
    request_id: &str,
) -> Result<(), Error> {
    let contract = contract_of(tx.conn(), escrow)?;
    let mut milestones = contracts::lock_milestones(tx, escrow.contract())?;
    // Nothing can be funded any more under a contract that has ended.
    milestones.retain(|_| contract.status == ContractStatus::Active);
    let paid_for = payments::paid_for(tx.conn(), payment.id)?;
    let Funding { funded, held, surplus, entries } = rules::fund(&paid_for, &milestones, charged)
        .map_err(|refused| refusal(refused, &contract, Side::Homeowner))?;
    let posting = Posting {
        id: TransactionId::new(),
        kind: TransactionKind::Deposit,
        business_key: format!("deposit:{}", payment.id.uuid()),
        contract_id: escrow.contract(),
        currency: payment.amount.currency(),
        entries,
    };
    ledger::post(tx.conn(), &posting, request_id)?;
    let now = tx.now()?;
    payments::note_succeeded(tx.conn(), payment.id, charged, &funded, held, now)?;
    if !funded.is_empty() {
        contracts::record_funded(tx, escrow.contract(), &funded)?;
    }
    if surplus > 0 {
        let refund = RefundId::new();
        payments::insert_refund(tx.conn(), refund, payment.id, surplus, now)?;
        outbox::enqueue(tx, &RefundSurplus { refund });
    }
    let more = json!({ "funded": held, "surplus": surplus });
    outbox::publish(tx, events::payment_ended("payment.succeeded", escrow, payment, more, request_id));
    for (milestone, amount) in paid_for.iter().filter(|(milestone, _)| funded.contains(milestone)) {
        outbox::publish(tx, events::funded(escrow, payment.id, *milestone, *amount, request_id));
    }
    Ok(())
}
