//! Signing, and what happens when nobody does.

use database::Tx;
use kernel::{Actor, Instant};
use serde::Serialize;
use serde_json::json;

use super::{ContractsService, locked, tell, text, trail, views};
use crate::error::{Error, corrupt};
use crate::model::{
    Contract, ContractId, ContractStatus, ContractView, DocumentHash, SignContract, Signature, SignatureId,
    TerminationReason,
};
use crate::rules;
use crate::store::{self, NewSignature};

/// What proves who signed from where; sealed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Evidence<'a> {
    person_id: Option<kernel::PersonId>,
    document_sha256: &'a str,
    signed_at: Instant,
    address: Option<&'a str>,
    user_agent: Option<&'a str>,
    request_id: &'a str,
}

pub(super) fn sign(
    tx: &mut Tx<'_>,
    service: &ContractsService,
    actor: &Actor,
    command: &SignContract,
) -> Result<ContractView, Error> {
    let mut contract = locked(tx, actor, command.contract)?;
    if service.settings.signing_needs_verified_email && !actor.email_verified {
        return Err(Error::EmailNotVerified);
    }
    let now = open_for_changes(tx, &contract, actor)?;
    unchanged(&contract, command.if_version)?;
    let mut signatures = store::live_signatures(tx.conn(), contract.id)?;
    if rules::has_signed(actor.party, &signatures) {
        return Err(wrong_state(&contract, actor, true));
    }
    let current = store::find_document_hash(tx.conn(), contract.id, contract.document_version)?
        .ok_or_else(|| corrupt("a contract without a text"))?;
    if current != command.document_sha256 {
        return Err(Error::DocumentChanged);
    }
    signatures.push(keep_signature(tx, service, &contract, actor, command, current, now)?);
    let signed = json!({ "signedBy": actor.party, "awardedAt": contract.created_at });
    tell(tx, &contract, "contract.signed", &actor.request_id, signed);
    if rules::is_fully_signed(&contract, &signatures) {
        if !store::activate(tx.conn(), contract.id, now)? {
            return Err(wrong_state(&contract, actor, true));
        }
        tell(tx, &contract, "contract.activated", &actor.request_id, json!({}));
        // The papers may have ended before the second signature.
        super::verification::heed(tx, contract.contractor, &actor.request_id)?;
    } else {
        store::touch_contract(tx.conn(), contract.id, now)?;
    }
    let before = contract.status;
    contract = store::find_contract_by_id(tx.conn(), contract.id)?.ok_or(Error::ContractNotFound)?;
    let signed = json!({ "status": contract.status.as_str(), "signedBy": actor.party });
    trail::contract(tx, contract.id, before, signed);
    views::contract(tx.conn(), contract, actor.party)
}

fn keep_signature(
    tx: &mut Tx<'_>,
    service: &ContractsService,
    contract: &Contract,
    actor: &Actor,
    command: &SignContract,
    sha256: DocumentHash,
    now: Instant,
) -> Result<Signature, Error> {
    let id = SignatureId::new();
    let evidence = Evidence {
        person_id: actor.person,
        document_sha256: sha256.as_str(),
        signed_at: now,
        address: command.address.as_deref(),
        user_agent: command.user_agent.as_deref(),
        request_id: &actor.request_id,
    };
    let plain = serde_json::to_vec(&evidence).map_err(corrupt)?;
    let place = text::evidence_place(id);
    let sealed = service.vault.seal(tx, text::subject(contract.id), place.as_bytes(), &plain)?;
    let new = NewSignature {
        id,
        contract: contract.id,
        party: actor.party,
        version: contract.document_version,
        sha256: &sha256,
        sealed_evidence: &sealed,
        signed_at: now,
    };
    store::insert_signature(tx.conn(), &new)?;
    Ok(Signature { id, party: actor.party, document_sha256: sha256, signed_at: now })
}

/// The instant, if the contract may still be signed and changed at it. Called once the contract is locked, so that the time that the
/// lock was waited for counts.
pub(super) fn open_for_changes(
    tx: &mut Tx<'_>,
    contract: &Contract,
    actor: &Actor,
) -> Result<Instant, Error> {
    if contract.status != ContractStatus::PendingSignatures {
        return Err(wrong_state(contract, actor, false));
    }
    let now = tx.now()?;
    if now >= contract.sign_by {
        return Err(Error::SigningPeriodOver);
    }
    Ok(now)
}

/// Refuses when the caller read another version of the contract.
pub(super) fn unchanged(contract: &Contract, if_version: Option<i32>) -> Result<(), Error> {
    if if_version.is_some_and(|version| version != contract.version) { Err(Error::Stale) } else { Ok(()) }
}

fn wrong_state(contract: &Contract, actor: &Actor, signed: bool) -> Error {
    let allowed = rules::contract_actions(contract.status, contract.side(actor.party), signed);
    Error::ContractState { state: contract.status.as_str(), allowed }
}

/// Ends a contract that not both have signed in time, and its job with it. Does nothing when it was signed, or has ended.
pub(crate) fn lapse(tx: &mut Tx<'_>, id: ContractId, request_id: &str) -> Result<Lapse, Error> {
    let contract = store::lock_contract_by_id(tx.conn(), id)?.ok_or(Error::ContractNotFound)?;
    if contract.status != ContractStatus::PendingSignatures {
        return Ok(Lapse::Settled);
    }
    let now = tx.now()?;
    if now < contract.sign_by {
        return Ok(Lapse::NotBefore(contract.sign_by));
    }
    let signatures = store::live_signatures(tx.conn(), id)?;
    let by_contractor = rules::has_signed(contract.contractor, &signatures);
    store::cancel_pending(tx.conn(), id, now)?;
    store::terminate(tx.conn(), id, TerminationReason::Unsigned, now)?;
    let ended = json!({ "status": ContractStatus::Terminated.as_str(), "reason": "UNSIGNED" });
    trail::contract(tx, id, contract.status, ended);
    marketplace::record_unsigned(tx, contract.job_id)?;
    tell(tx, &contract, "contract.unsigned", request_id, json!({ "contractorSigned": by_contractor }));
    Ok(Lapse::Settled)
}

/// What a clock that was looked at came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lapse {
    /// Nothing is left to do.
    Settled,
    /// It is not time yet.
    NotBefore(Instant),
}
