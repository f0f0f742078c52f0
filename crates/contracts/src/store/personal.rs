//! What contracts hold about one person, whole; and what is blanked of somebody who is forgotten.

use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use identity::Traces;
use kernel::{Instant, PartyId};
use marketplace::REMOVED_JOB;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::{ContractId, MilestoneId, SignatureId};
use crate::schema::{contracts, milestones, signatures, submissions};

/// A signature with its sealed evidence.
#[derive(Queryable)]
pub(crate) struct KeptSignature {
    pub(crate) id: SignatureId,
    pub(crate) document_version: i32,
    pub(crate) document_sha256: String,
    pub(crate) sealed_evidence: Vec<u8>,
    pub(crate) signed_at: Instant,
    pub(crate) voided_at: Option<Instant>,
}

/// What a party signed of a contract, voided or not, oldest first.
pub(crate) fn signatures_of(
    conn: &mut PgConnection,
    contract: ContractId,
    party: PartyId,
) -> Result<Vec<KeptSignature>, Error> {
    Ok(signatures::table
        .filter(signatures::contract_id.eq(contract.uuid()).and(signatures::party_id.eq(party.uuid())))
        .order((signatures::signed_at, signatures::id))
        .select((
            signatures::id,
            signatures::document_version,
            signatures::document_sha256,
            signatures::sealed_evidence,
            signatures::signed_at,
            signatures::voided_at,
        ))
        .load(conn)?)
}

/// A submission, and what came of it.
#[derive(Queryable)]
pub(crate) struct KeptSubmission {
    pub(crate) milestone: MilestoneId,
    pub(crate) number: i32,
    pub(crate) submitted_at: Instant,
    pub(crate) inspection_ends_at: Instant,
    pub(crate) outcome: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) decided_at: Option<Instant>,
}

/// All submissions of a contract's milestones.
pub(crate) fn submissions_of(
    conn: &mut PgConnection,
    contract: ContractId,
) -> Result<Vec<KeptSubmission>, Error> {
    Ok(submissions::table
        .inner_join(milestones::table)
        .filter(milestones::contract_id.eq(contract.uuid()))
        .order((milestones::ordinal, submissions::number))
        .select((
            submissions::milestone_id,
            submissions::number,
            submissions::submitted_at,
            submissions::inspection_ends_at,
            submissions::outcome,
            submissions::reason,
            submissions::decided_at,
        ))
        .load(conn)?)
}

/// The job's title goes with its owner.
pub(crate) fn blank_titles(conn: &mut PgConnection, homeowner: PartyId, now: Instant) -> Result<(), Error> {
    let own = contracts::homeowner_id.eq(homeowner.uuid()).and(contracts::title.ne(REMOVED_JOB));
    diesel::update(contracts::table.filter(own))
        .set((
            contracts::title.eq(REMOVED_JOB),
            contracts::version.eq(contracts::version + 1),
            contracts::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes a contractor's traces out of what others called its jobs.
pub(crate) fn efface_titles(
    conn: &mut PgConnection,
    contractor: PartyId,
    traces: &Traces,
    now: Instant,
) -> Result<(), Error> {
    let rows: Vec<(Uuid, String)> = contracts::table
        .filter(contracts::contractor_id.eq(contractor.uuid()))
        .select((contracts::id, contracts::title))
        .load(conn)?;
    for (id, title) in rows {
        if let Some(without) = traces.efface(&title) {
            diesel::update(contracts::table.find(id))
                .set((
                    contracts::title.eq(without),
                    contracts::version.eq(contracts::version + 1),
                    contracts::updated_at.eq(now),
                ))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// The sealed particulars of a party's contracts go: they were for writing another version while nobody was bound.
pub(crate) fn remove_particulars(conn: &mut PgConnection, party: PartyId) -> Result<(), Error> {
    let own = contracts::homeowner_id.eq(party.uuid()).or(contracts::contractor_id.eq(party.uuid()));
    diesel::update(contracts::table.filter(own))
        .set(contracts::particulars.eq(Vec::<u8>::new()))
        .execute(conn)?;
    Ok(())
}

/// The milestones of a party's contracts are told apart by their numbers from now on; either party may have written what they said.
pub(crate) fn blank_milestones(conn: &mut PgConnection, party: PartyId, now: Instant) -> Result<(), Error> {
    let own = contracts::table
        .filter(contracts::homeowner_id.eq(party.uuid()).or(contracts::contractor_id.eq(party.uuid())))
        .select(contracts::id);
    let rows: Vec<(Uuid, i32, String, bool, Value)> = milestones::table
        .filter(milestones::contract_id.eq_any(own))
        .order(milestones::id)
        .select((
            milestones::id,
            milestones::ordinal,
            milestones::title,
            milestones::description.is_not_null(),
            milestones::deliverables,
        ))
        .load(conn)?;
    for (id, ordinal, title, described, deliverables) in rows {
        let number = format!("Milestone {ordinal}");
        if title == number && !described && deliverables == json!([]) {
            continue;
        }
        diesel::update(milestones::table.find(id))
            .set((
                milestones::title.eq(number),
                milestones::description.eq(None::<String>),
                milestones::deliverables.eq(json!([])),
                milestones::version.eq(milestones::version + 1),
                milestones::updated_at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Why a homeowner sent work back, in its words.
pub(crate) fn blank_reasons(conn: &mut PgConnection, homeowner: PartyId) -> Result<(), Error> {
    let own = contracts::table.filter(contracts::homeowner_id.eq(homeowner.uuid())).select(contracts::id);
    let of_own = milestones::table.filter(milestones::contract_id.eq_any(own)).select(milestones::id);
    diesel::update(
        submissions::table
            .filter(submissions::milestone_id.eq_any(of_own).and(submissions::reason.is_not_null())),
    )
    .set(submissions::reason.eq(None::<String>))
    .execute(conn)?;
    Ok(())
}

/// Takes a contractor's traces out of the words in which its work was sent back.
pub(crate) fn efface_reasons(
    conn: &mut PgConnection,
    contractor: PartyId,
    traces: &Traces,
) -> Result<(), Error> {
    let rows: Vec<(Uuid, i32, Option<String>)> = submissions::table
        .inner_join(milestones::table.inner_join(contracts::table))
        .filter(contracts::contractor_id.eq(contractor.uuid()).and(submissions::reason.is_not_null()))
        .select((submissions::milestone_id, submissions::number, submissions::reason))
        .load(conn)?;
    for (milestone, number, reason) in rows {
        if let Some(without) = reason.as_deref().and_then(|reason| traces.efface(reason)) {
            diesel::update(submissions::table.find((milestone, number)))
                .set(submissions::reason.eq(without))
                .execute(conn)?;
        }
    }
    Ok(())
}
