//! What was handed in beside the numbers. The files themselves are another crate's.

use std::collections::HashMap;

use database::{Error, PgConnection};
use diesel::prelude::*;
use files::{File, FileId};
use kernel::{Instant, PartyId};

use crate::model::VerificationId;
use crate::schema::{verification_documents, verifications};

pub(crate) fn insert_document(
    conn: &mut PgConnection,
    verification: VerificationId,
    file: FileId,
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(verification_documents::table)
        .values((
            verification_documents::file_id.eq(file),
            verification_documents::verification_id.eq(verification),
            verification_documents::added_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The documents of these verifications, each in the order they came. Two statements for any number.
pub(crate) fn documents_of_all(
    conn: &mut PgConnection,
    ids: &[VerificationId],
) -> Result<HashMap<VerificationId, Vec<File>>, Error> {
    let rows: Vec<(VerificationId, FileId)> = verification_documents::table
        .filter(verification_documents::verification_id.eq_any(ids))
        .order((
            verification_documents::verification_id,
            verification_documents::added_at,
            verification_documents::file_id,
        ))
        .select((verification_documents::verification_id, verification_documents::file_id))
        .load(conn)?;
    let files: Vec<FileId> = rows.iter().map(|(_, file)| *file).collect();
    let mut found = files::find_all(conn, &files)?;
    let mut documents: HashMap<VerificationId, Vec<File>> = HashMap::new();
    for (verification, file) in rows {
        documents.entry(verification).or_default().extend(found.remove(&file));
    }
    Ok(documents)
}

/// A document of a verification, if it is this contractor's; of any contractor's without one.
pub(crate) fn find_document(
    conn: &mut PgConnection,
    verification: VerificationId,
    file: FileId,
    contractor: Option<PartyId>,
) -> Result<Option<File>, Error> {
    let mut query = verification_documents::table
        .inner_join(verifications::table)
        .filter(verification_documents::file_id.eq(file))
        .filter(verifications::id.eq(verification))
        .select(verification_documents::file_id)
        .into_boxed();
    if let Some(contractor) = contractor {
        query = query.filter(verifications::contractor_id.eq(contractor));
    }
    let found: Option<FileId> = query.first(conn).optional()?;
    match found {
        Some(file) => Ok(files::find_all(conn, &[file])?.remove(&file)),
        None => Ok(None),
    }
}
