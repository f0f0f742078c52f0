//! Background work on money, and what is heard of other crates. Each task may run more than once and must do its work once.

use std::sync::Arc;
use std::time::Duration;

use contracts::{ContractId, MilestoneId};
use kernel::Actor;
use outbox::{Event, Registry, Task, TaskError, TaskRun};
use serde::{Deserialize, Serialize};

use crate::model::{EscrowId, PaymentId, PayoutId, PayoutStatus, RefundId, Release};
use crate::service::EscrowService;
use crate::store::{escrows, payouts};
use crate::{Error, EscrowCommands, verify};

/// The name under which this crate hears of events.
const CONSUMER: &str = "escrow";

/// Moves a contractor's share at the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendPayout {
    /// Which payout.
    pub payout: PayoutId,
}

impl Task for SendPayout {
    const KIND: &'static str = "escrow.send_payout";
    fn key(&self) -> Option<String> {
        Some(self.payout.to_string())
    }
}

/// Gives back what came in too much.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefundSurplus {
    /// Which refund.
    pub refund: RefundId,
}

impl Task for RefundSurplus {
    const KIND: &'static str = "escrow.refund_surplus";
    fn key(&self) -> Option<String> {
        Some(self.refund.to_string())
    }
}

/// Ends a payment that was not confirmed in time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LapsePayment {
    /// Which payment.
    pub payment: PaymentId,
}

impl Task for LapsePayment {
    const KIND: &'static str = "escrow.lapse_payment";
    fn key(&self) -> Option<String> {
        Some(self.payment.to_string())
    }
}

/// Reads a payment back from the provider, should no webhook come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadBackPayment {
    /// Which payment.
    pub payment: PaymentId,
}

impl Task for ReadBackPayment {
    const KIND: &'static str = "escrow.read_back_payment";
    fn key(&self) -> Option<String> {
        Some(self.payment.to_string())
    }
}

/// Looks after what a provider told us of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HandleProviderEvent {
    /// Which provider.
    pub provider: String,
    /// Its event.
    pub event: String,
}

impl Task for HandleProviderEvent {
    const KIND: &'static str = "escrow.handle_provider_event";
    fn key(&self) -> Option<String> {
        Some(format!("{}:{}", self.provider, self.event))
    }
}

/// Releases a milestone whose hours after the approval are over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AutoRelease {
    /// Of which contract.
    pub contract: ContractId,
    /// Which milestone.
    pub milestone: MilestoneId,
}

impl Task for AutoRelease {
    const KIND: &'static str = "escrow.auto_release";
    fn key(&self) -> Option<String> {
        Some(self.milestone.to_string())
    }
}

/// Tries the payouts again that wait for their contractor's account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RetryWaitingPayouts {}

impl Task for RetryWaitingPayouts {
    const KIND: &'static str = "escrow.retry_waiting_payouts";
    fn key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Takes snapshots of the accounts without a balance row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TakeSnapshots {}

impl Task for TakeSnapshots {
    const KIND: &'static str = "escrow.take_snapshots";
    fn key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Proves the books.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProveBooks {}

impl Task for ProveBooks {
    const KIND: &'static str = "escrow.prove_books";
    const MAX_ATTEMPTS: u16 = 3;
    fn key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Registers all of this crate's background work.
pub fn register(registry: &mut Registry, service: &Arc<EscrowService>) {
    let with = |work: fn(&EscrowService, &TaskRun, PaymentId) -> Result<(), TaskError>| {
        let service = Arc::clone(service);
        move |run: &TaskRun, payment: PaymentId| work(&service, run, payment)
    };
    let lapse = with(|service, run, payment| {
        service.lapse(payment, run.request_id())?;
        Ok(())
    });
    registry.task(move |run, task: LapsePayment| lapse(run, task.payment));
    let read_back = with(|service, run, payment| {
        service.read_back_again(payment, run.request_id())?;
        Ok(())
    });
    registry.task(move |run, task: ReadBackPayment| read_back(run, task.payment));

    let sending = Arc::clone(service);
    registry.task(move |run, task: SendPayout| match sending.send_payout(task.payout, run.request_id())? {
        PayoutStatus::Paid | PayoutStatus::WaitingAccount => Ok(()),
        PayoutStatus::Failed => Err(TaskError::Park("the provider refused".to_owned())),
        PayoutStatus::Pending => Err(TaskError::Retry("still pending".to_owned())),
    });
    let refunding = Arc::clone(service);
    registry
        .task(move |run, task: RefundSurplus| Ok(refunding.refund_surplus(task.refund, run.request_id())?));
    let handling = Arc::clone(service);
    registry.task(move |run, task: HandleProviderEvent| {
        Ok(handling.handle_event(&task.provider, &task.event, run.request_id())?)
    });
    let releasing = Arc::clone(service);
    registry.task(move |run, task: AutoRelease| auto_release(&releasing, run, &task));
    let hearing = Arc::clone(service);
    registry.on("milestone.approved", CONSUMER, move |_, event| schedule_release(&hearing, event));
    register_recurring(registry, service);
}

fn register_recurring(registry: &mut Registry, service: &Arc<EscrowService>) {
    let settings = service.settings();
    let waiting = Arc::clone(service);
    registry.task(move |_, _: RetryWaitingPayouts| retry_waiting(&waiting));
    registry.every(Duration::from_secs(u64::from(settings.payout_wait_minutes) * 60), RetryWaitingPayouts {});
    let snapping = Arc::clone(service);
    registry.task(move |_, _: TakeSnapshots| Ok(snapping.take_snapshots()?));
    registry.every(Duration::from_secs(settings.snapshot_seconds.into()), TakeSnapshots {});
    let proving = Arc::clone(service);
    registry.task(move |_, _: ProveBooks| Ok(verify::prove(&proving)?));
    registry.every(Duration::from_secs(settings.verify_seconds.into()), ProveBooks {});
}

/// The hours of the contract's terms after the approval, the milestone is released.
fn schedule_release(service: &EscrowService, event: &Event) -> Result<(), TaskError> {
    let contract: ContractId = event.id("contractId")?;
    let milestone: MilestoneId = event.id("milestoneId")?;
    service.db().transaction(|tx| {
        let Some(facts) = contracts::facts(tx.conn(), contract)? else {
            return Err(Error::NotFound("contract"));
        };
        let due = event.occurred_at + chrono::Duration::hours(facts.terms.auto_release_hours.into());
        outbox::enqueue_at(tx, &AutoRelease { contract, milestone }, due);
        Ok(())
    })?;
    Ok(())
}

fn auto_release(service: &EscrowService, run: &TaskRun, task: &AutoRelease) -> Result<(), TaskError> {
    let escrow = service.db().read(|conn| escrows::find_of_contract(conn, task.contract))?;
    let Some(escrow) = escrow else {
        return Err(TaskError::Park("the contract has no escrow account".to_owned()));
    };
    let release =
        Release { escrow_id: EscrowId::from(escrow.id), milestone_id: task.milestone, amount: None };
    match service.release_milestone(&Actor::system(run.request_id()), release) {
        // Somebody released it before the hours were over.
        Ok(_) | Err(Error::WrongState { .. } | Error::AlreadyPosted) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn retry_waiting(service: &EscrowService) -> Result<(), TaskError> {
    let waiting = service.db().read(payouts::waiting)?;
    service.db().transaction(|tx| {
        for payout in &waiting {
            outbox::enqueue(tx, &SendPayout { payout: *payout });
        }
        Ok::<_, database::Error>(())
    })?;
    Ok(())
}
