//! Releasing a milestone's money.

use contracts::{MilestoneFacts, MilestoneStatus, ReleasedHow};
use database::Tx;
use kernel::{Actor, Role, Via};

use super::{EscrowService, contract_of, events, refusal, side, trail, wrong_state};
use crate::Error;
use crate::model::{EscrowId, PayoutId, Posting, Release, ReleaseOutcome, TransactionId, TransactionKind};
use crate::rules::{self, ReleasePlan};
use crate::store::escrows::{self, EscrowRow, NewRelease};
use crate::store::ledger;
use crate::tasks::SendPayout;

impl EscrowService {
    pub(super) fn release(&self, actor: &Actor, command: Release) -> Result<ReleaseOutcome, Error> {
        self.db.transaction(|tx| {
            let escrow = escrows::lock(tx.conn(), actor, command.escrow_id)?
                .ok_or(Error::NotFound("escrow account"))?;
            let how = released_how(actor)?;
            let side = side(actor, &escrow);
            let contract = contract_of(tx.conn(), &escrow)?;
            let milestone = contracts::lock_milestones(tx, escrow.contract())?
                .into_iter()
                .find(|milestone| milestone.id == command.milestone_id)
                .ok_or_else(|| Error::UnknownMilestone { pointer: "/milestoneId".to_owned() })?;
            if milestone.status != MilestoneStatus::Approved {
                return Err(wrong_state(milestone.status, &contract, side));
            }
            let facts =
                escrows::release_facts(tx.conn(), &escrow.currency, milestone.id, escrow.contractor())?;
            let parts_max = self.settings.release_parts_max;
            let plan = rules::release(
                milestone.id,
                escrow.contractor(),
                facts,
                command.amount,
                &contract.terms,
                parts_max,
            )
            .map_err(|refused| refusal(refused, &contract, side))?;
            let outcome = carry_out(tx, &escrow, &milestone, &plan, &actor.request_id)?;
            trail::released(tx, &outcome);
            // Told before what follows from it: the last release completes the contract.
            let by = if how == ReleasedHow::ByService { "service" } else { "party" };
            outbox::publish(tx, events::released(&escrow, &outcome, by, &actor.request_id));
            if plan.remaining == 0 {
                contracts::record_released(tx, escrow.contract(), milestone.id, how, &actor.request_id)?;
            }
            Ok(outcome)
        })
    }
}

/// Either party may, and the service itself when the hours are over.
fn released_how(actor: &Actor) -> Result<ReleasedHow, Error> {
    match (&actor.via, actor.role) {
        (Via::System, _) => Ok(ReleasedHow::ByService),
        (Via::Session(_) | Via::AdminFor(_), Role::Homeowner | Role::Contractor) => {
            Ok(ReleasedHow::ByParty(actor.party))
        }
        (Via::Session(_) | Via::AdminFor(_), Role::Admin) => Err(Error::Forbidden("parties")),
    }
}

/// Posts a plan, notes it, and has the share paid out.
fn carry_out(
    tx: &mut Tx<'_>,
    escrow: &EscrowRow,
    milestone: &MilestoneFacts,
    plan: &ReleasePlan,
    request_id: &str,
) -> Result<ReleaseOutcome, Error> {
    let currency = escrow.currency()?;
    let posting = Posting {
        id: TransactionId::new(),
        kind: TransactionKind::Release,
        business_key: format!("release:{}:{}", milestone.id.uuid(), plan.part),
        contract_id: escrow.contract(),
        currency,
        entries: plan.entries.clone(),
    };
    ledger::post(tx.conn(), &posting, request_id)?;
    let payout = (plan.share > 0).then(PayoutId::new);
    let released_at = escrows::note_release(
        tx.conn(),
        &NewRelease { escrow, milestone: milestone.id, transaction: posting.id, payout, plan },
    )?;
    if let Some(payout) = payout {
        outbox::enqueue(tx, &SendPayout { payout });
    }
    Ok(ReleaseOutcome {
        escrow_id: EscrowId::from(escrow.id),
        milestone_id: milestone.id,
        part: plan.part,
        amount: plan.amount,
        fee: plan.fee,
        netted: plan.netted,
        share: plan.share,
        currency,
        remaining: plan.remaining,
        transaction_id: posting.id,
        payout_id: payout,
        released_at,
    })
}
