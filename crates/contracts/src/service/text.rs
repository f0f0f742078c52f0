//! Sealing, keeping and reading the text of a contract.

use database::{PgConnection, Tx};
use identity::{Vault, VaultSubject};
use kernel::Instant;

use crate::document::{self, Particulars};
use crate::error::{Error, corrupt};
use crate::model::{Contract, ContractId, Document, DocumentHash, SignatureId};
use crate::store::{self, NewDocument};

/// Texts and evidence are kept under a key of the contract: its people may be erased before the years are over for which a
/// signed document must be kept.
pub(super) fn subject(contract: ContractId) -> VaultSubject {
    VaultSubject::Record { kind: "contract", id: contract.uuid() }
}

fn particulars_place(contract: ContractId) -> String {
    format!("contracts.contracts.particulars/{}", contract.uuid())
}

fn text_place(contract: ContractId, version: i32) -> String {
    format!("contracts.documents.sealed_text/{}/{version}", contract.uuid())
}

/// Seals what the text says beside the milestones.
pub(super) fn seal_particulars(
    tx: &mut Tx<'_>,
    vault: &Vault,
    contract: ContractId,
    particulars: &Particulars,
) -> Result<Vec<u8>, Error> {
    let plain = serde_json::to_vec(particulars).map_err(corrupt)?;
    Ok(vault.seal(tx, subject(contract), particulars_place(contract).as_bytes(), &plain)?)
}

/// Writes the text of the contract's current version and keeps it.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    vault: &Vault,
    contract: &Contract,
    particulars: &Particulars,
    now: Instant,
) -> Result<(), Error> {
    let version = contract.document_version;
    let milestones = store::list_milestones(tx.conn(), contract.id)?;
    let text = document::write(contract, version, particulars, &milestones);
    let sealed =
        vault.seal(tx, subject(contract.id), text_place(contract.id, version).as_bytes(), text.as_bytes())?;
    let sha256 = DocumentHash::of(&text);
    let new = NewDocument {
        contract: contract.id,
        version,
        sha256: &sha256,
        sealed_text: &sealed,
        created_at: now,
    };
    store::insert_document(tx.conn(), &new)?;
    Ok(())
}

/// Writes the text anew after the milestones changed, voids the signatures under the old one, and returns the contract as it is
/// now.
pub(super) fn rewrite(
    tx: &mut Tx<'_>,
    vault: &Vault,
    contract: &Contract,
    now: Instant,
) -> Result<Contract, Error> {
    let particulars = particulars(tx.conn(), vault, contract.id)?.ok_or(identity::VaultError::Destroyed)?;
    let next = Contract {
        document_version: contract.document_version.saturating_add(1),
        version: contract.version.saturating_add(1),
        updated_at: now,
        ..contract.clone()
    };
    store::void_signatures(tx.conn(), contract.id, now)?;
    keep(tx, vault, &next, &particulars, now)?;
    store::replace_text(tx.conn(), contract.id, next.document_version, now)?;
    Ok(next)
}

/// What the text says beside the milestones; none once somebody was forgotten.
pub(super) fn particulars(
    conn: &mut PgConnection,
    vault: &Vault,
    contract: ContractId,
) -> Result<Option<Particulars>, Error> {
    let sealed = store::find_particulars(conn, contract)?.ok_or(Error::ContractNotFound)?;
    if sealed.is_empty() {
        return Ok(None);
    }
    let plain = vault.open(conn, subject(contract), particulars_place(contract).as_bytes(), &sealed)?;
    Ok(plain.map(|plain| serde_json::from_slice(&plain)).transpose().map_err(corrupt)?)
}

/// The text of the contract's current version.
pub(super) fn read(conn: &mut PgConnection, vault: &Vault, contract: &Contract) -> Result<Document, Error> {
    read_version(conn, vault, contract.id, contract.document_version)?.ok_or(Error::ContractNotFound)
}

/// The text of one version; none once its key was destroyed.
pub(super) fn read_version(
    conn: &mut PgConnection,
    vault: &Vault,
    contract: ContractId,
    version: i32,
) -> Result<Option<Document>, Error> {
    let (sha256, sealed, created_at) =
        store::find_document(conn, contract, version)?.ok_or_else(|| corrupt("a contract without a text"))?;
    let place = text_place(contract, version);
    let Some(plain) = vault.open(conn, subject(contract), place.as_bytes(), &sealed)? else {
        return Ok(None);
    };
    let text = String::from_utf8(plain).map_err(corrupt)?;
    if DocumentHash::of(&text) != sha256 {
        return Err(corrupt("a text that is not the one of its hash").into());
    }
    Ok(Some(Document { contract_id: contract, version, sha256, text, created_at }))
}

/// Where the evidence of a signature is kept.
pub(super) fn evidence_place(signature: SignatureId) -> String {
    format!("contracts.signatures.sealed_evidence/{}", signature.uuid())
}
