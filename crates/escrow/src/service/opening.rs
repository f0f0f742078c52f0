//! Opening an escrow account.

use contracts::ContractStatus;
use database::Tx;
use kernel::Actor;

use super::{EscrowService, events, trail};
use crate::Error;
use crate::model::{Escrow, EscrowFigures, EscrowId, EscrowStatus, NewEscrow};
use crate::store::escrows::{self, EscrowRow};

impl EscrowService {
    pub(super) fn open_escrow(&self, actor: &Actor, command: NewEscrow) -> Result<Escrow, Error> {
        self.db.transaction(|tx| {
            let facts = contracts::facts(tx.conn(), command.contract_id)?;
            let Some(facts) =
                facts.filter(|facts| [facts.homeowner, facts.contractor].contains(&actor.party))
            else {
                return Err(Error::NotFound("contract"));
            };
            if actor.party != facts.homeowner {
                return Err(Error::Forbidden("homeowner"));
            }
            if facts.status != ContractStatus::Active {
                let allowed =
                    if facts.status == ContractStatus::PendingSignatures { vec!["sign"] } else { Vec::new() };
                return Err(Error::WrongState { thing: "contract", state: facts.status.as_str(), allowed });
            }
            let row = EscrowRow {
                id: EscrowId::new().uuid(),
                contract_id: facts.id.uuid(),
                job_id: facts.job_id.uuid(),
                homeowner_id: facts.homeowner.uuid(),
                contractor_id: facts.contractor.uuid(),
                currency: facts.price.currency().code().to_owned(),
                status: EscrowStatus::Active.as_str().to_owned(),
                created_at: tx.now()?,
                closed_at: None,
            };
            open(tx, row, &actor.request_id)
        })
    }
}

fn open(tx: &mut Tx<'_>, row: EscrowRow, request_id: &str) -> Result<Escrow, Error> {
    // Locked, so that the schedule is of the milestones as they will stay.
    let mut milestones = contracts::lock_milestones(tx, row.contract())?;
    milestones.sort_unstable_by_key(|milestone| milestone.ordinal);
    let schedule: Vec<_> =
        milestones.iter().map(|milestone| (milestone.id, milestone.amount, milestone.due_date)).collect();
    match escrows::insert(tx.conn(), &row, &schedule) {
        Err(error) if error.is_unique("one_escrow_a_contract") => return Err(Error::EscrowExists),
        other => other?,
    }
    trail::opened(tx, &row);
    outbox::publish(tx, events::created(&row, request_id));
    Ok(escrows::complete(tx.conn(), row, EscrowFigures::default())?)
}
