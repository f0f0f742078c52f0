//! What readers get: rows put together with names and with what the reader could do.

use std::collections::HashMap;

use database::PgConnection;
use identity::PersonCard;
use kernel::{Page, PartyId};

use crate::error::{Error, corrupt};
use crate::model::{
    Contract, ContractCard, ContractView, Milestone, MilestoneStatus, MilestoneView, PartyName,
};
use crate::{rules, store};

/// A contract as this party sees it.
pub(super) fn contract(
    conn: &mut PgConnection,
    contract: Contract,
    viewer: PartyId,
) -> Result<ContractView, Error> {
    let names = identity::cards(conn, &[contract.homeowner, contract.contractor])?;
    let signatures = store::live_signatures(conn, contract.id)?;
    let document_sha256 = store::find_document_hash(conn, contract.id, contract.document_version)?
        .ok_or_else(|| corrupt("a contract without a text"))?;
    let signed = rules::has_signed(viewer, &signatures);
    Ok(ContractView {
        homeowner: name(&names, contract.homeowner),
        contractor: name(&names, contract.contractor),
        signatures,
        document_sha256,
        allowed_actions: rules::contract_actions(contract.status, contract.side(viewer), signed),
        contract,
    })
}

/// A page of contracts with their parties' names.
pub(super) fn cards(conn: &mut PgConnection, page: Page<Contract>) -> Result<Page<ContractCard>, Error> {
    let mut parties: Vec<PartyId> =
        page.items.iter().flat_map(|contract| [contract.homeowner, contract.contractor]).collect();
    parties.sort_unstable();
    parties.dedup();
    let names = if parties.is_empty() { HashMap::new() } else { identity::cards(conn, &parties)? };
    Ok(page.map(|contract| ContractCard {
        homeowner: name(&names, contract.homeowner),
        contractor: name(&names, contract.contractor),
        contract,
    }))
}

/// Milestones of one contract as this party sees them.
pub(super) fn milestones(
    conn: &mut PgConnection,
    contract: &Contract,
    rows: Vec<Milestone>,
    viewer: PartyId,
) -> Result<Vec<MilestoneView>, Error> {
    let sent_back: Vec<_> =
        rows.iter().filter(|row| row.status == MilestoneStatus::ChangesRequested).map(|row| row.id).collect();
    let mut reasons =
        if sent_back.is_empty() { HashMap::new() } else { store::change_requests(conn, &sent_back)? };
    let side = contract.side(viewer);
    Ok(rows
        .into_iter()
        .map(|milestone| MilestoneView {
            currency: contract.price.currency(),
            changes_requested: reasons.remove(&milestone.id),
            allowed_actions: rules::milestone_actions(contract.status, milestone.status, side),
            milestone,
        })
        .collect())
}

/// One milestone as this party sees it.
pub(super) fn milestone(
    conn: &mut PgConnection,
    contract: &Contract,
    row: Milestone,
    viewer: PartyId,
) -> Result<MilestoneView, Error> {
    milestones(conn, contract, vec![row], viewer)?.pop().ok_or(Error::MilestoneNotFound)
}

fn name(names: &HashMap<PartyId, PersonCard>, id: PartyId) -> PartyName {
    // Somebody who was erased has no name any more; the contract stays.
    PartyName { id, name: names.get(&id).map(|card| card.full_name.clone()).unwrap_or_default() }
}
