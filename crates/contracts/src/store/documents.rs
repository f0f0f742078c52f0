//! The tables `contracts.documents` and `contracts.signatures`.

use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use kernel::{Instant, PartyId};
use uuid::Uuid;

use crate::error::corrupt;
use crate::model::{ContractId, DocumentHash, Signature, SignatureId};
use crate::schema::{documents, signatures};

/// A text to keep, sealed.
pub(crate) struct NewDocument<'a> {
    pub(crate) contract: ContractId,
    pub(crate) version: i32,
    pub(crate) sha256: &'a DocumentHash,
    pub(crate) sealed_text: &'a [u8],
    pub(crate) created_at: Instant,
}

pub(crate) fn insert_document(conn: &mut PgConnection, new: &NewDocument<'_>) -> Result<(), Error> {
    diesel::insert_into(documents::table)
        .values((
            documents::contract_id.eq(new.contract.uuid()),
            documents::version.eq(new.version),
            documents::sha256.eq(new.sha256.as_str()),
            documents::sealed_text.eq(new.sealed_text),
            documents::created_at.eq(new.created_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// The hash of one version's text.
pub(crate) fn find_document_hash(
    conn: &mut PgConnection,
    contract: ContractId,
    version: i32,
) -> Result<Option<DocumentHash>, Error> {
    let found: Option<String> = documents::table
        .find((contract.uuid(), version))
        .select(documents::sha256)
        .get_result(conn)
        .optional()?;
    found.map(|text| DocumentHash::parse(&text).map_err(corrupt)).transpose()
}

/// One version's hash, sealed text, and since when it stands.
pub(crate) fn find_document(
    conn: &mut PgConnection,
    contract: ContractId,
    version: i32,
) -> Result<Option<(DocumentHash, Vec<u8>, Instant)>, Error> {
    let found: Option<(String, Vec<u8>, Instant)> = documents::table
        .find((contract.uuid(), version))
        .select((documents::sha256, documents::sealed_text, documents::created_at))
        .get_result(conn)
        .optional()?;
    found.map(|(hash, text, at)| Ok((DocumentHash::parse(&hash).map_err(corrupt)?, text, at))).transpose()
}

/// A signature to keep, its evidence sealed.
pub(crate) struct NewSignature<'a> {
    pub(crate) id: SignatureId,
    pub(crate) contract: ContractId,
    pub(crate) party: PartyId,
    pub(crate) version: i32,
    pub(crate) sha256: &'a DocumentHash,
    pub(crate) sealed_evidence: &'a [u8],
    pub(crate) signed_at: Instant,
}

pub(crate) fn insert_signature(conn: &mut PgConnection, new: &NewSignature<'_>) -> Result<(), Error> {
    diesel::insert_into(signatures::table)
        .values((
            signatures::id.eq(new.id.uuid()),
            signatures::contract_id.eq(new.contract.uuid()),
            signatures::party_id.eq(new.party.uuid()),
            signatures::document_version.eq(new.version),
            signatures::document_sha256.eq(new.sha256.as_str()),
            signatures::sealed_evidence.eq(new.sealed_evidence),
            signatures::signed_at.eq(new.signed_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// The signatures that stand, the earlier first.
pub(crate) fn live_signatures(
    conn: &mut PgConnection,
    contract: ContractId,
) -> Result<Vec<Signature>, Error> {
    let rows: Vec<(Uuid, Uuid, String, Instant)> = signatures::table
        .filter(signatures::contract_id.eq(contract.uuid()))
        .filter(signatures::voided_at.is_null())
        .order((signatures::signed_at, signatures::id))
        .select((signatures::id, signatures::party_id, signatures::document_sha256, signatures::signed_at))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, party, hash, signed_at)| {
            Ok(Signature {
                id: id.into(),
                party: party.into(),
                document_sha256: DocumentHash::parse(&hash).map_err(corrupt)?,
                signed_at,
            })
        })
        .collect()
}

/// Voids the signatures that stand.
pub(crate) fn void_signatures(
    conn: &mut PgConnection,
    contract: ContractId,
    now: Instant,
) -> Result<usize, Error> {
    let standing = signatures::table
        .filter(signatures::contract_id.eq(contract.uuid()))
        .filter(signatures::voided_at.is_null());
    Ok(diesel::update(standing).set(signatures::voided_at.eq(now)).execute(conn)?)
}
