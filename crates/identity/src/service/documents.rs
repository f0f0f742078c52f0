//! Documents of a verification: the contractor adds them while it waits, the contractor and administrators read them.

use files::{ContentType, File, FileId, FileName, Limits, NewFile, Received};
use kernel::{Actor, ContractorActor, Role};
use serde_json::{Value, json};

use super::IdentityService;
use crate::model::{Verification, VerificationId, VerificationState};
use crate::{Error, store};

/// What papers come as.
const TYPES: &[ContentType] = &[ContentType::Pdf, ContentType::Jpeg, ContentType::Png, ContentType::Webp];
/// What the files of this crate are for.
const PURPOSE: &str = "verification";

impl IdentityService {
    pub(super) fn document_plan(
        &self,
        contractor: &ContractorActor<'_>,
        verification: VerificationId,
        name: FileName,
    ) -> Result<NewFile, Error> {
        let found = self.db.read(|conn| store::find_verification(conn, verification))?;
        self.may_add(contractor, found)?;
        let limits = Limits { bytes_max: self.settings.verification_document_bytes_max, types: TYPES };
        Ok(NewFile { owner: contractor.party, purpose: PURPOSE, name, limits })
    }

    pub(super) fn keep_document(
        &self,
        contractor: &ContractorActor<'_>,
        verification: VerificationId,
        received: &Received,
    ) -> Result<File, Error> {
        self.db.transaction(|tx| {
            let owner = store::find_verification_owner(tx.conn(), verification)?
                .filter(|owner| Some(*owner) == contractor.person)
                .ok_or(Error::NotFound("verification"))?;
            // A decision, and another document, wait for this one.
            store::lock_person(tx.conn(), owner)?;
            let found = store::find_verification(tx.conn(), verification)?;
            let verification = self.may_add(contractor, found)?;
            let file = files::keep(tx, received)?;
            store::insert_document(tx.conn(), verification.id, file.id, file.stored_at)?;
            let after = json!({
                "verificationId": verification.id, "contentType": file.content_type.as_str(), "size": file.size,
            });
            audit::changed(tx, audit::Object::new("file", file.id), Value::Null, after);
            Ok(file)
        })
    }

    pub(super) fn document(
        &self,
        actor: &Actor,
        verification: VerificationId,
        document: FileId,
    ) -> Result<File, Error> {
        let contractor = match actor.role {
            Role::Admin => None,
            Role::Contractor | Role::Homeowner => Some(actor.party),
        };
        self.db
            .read(|conn| store::find_document(conn, verification, document, contractor))?
            .ok_or(Error::NotFound("document"))
    }

    /// The verification, if it is this contractor's, waits, and has room for one more.
    fn may_add(
        &self,
        contractor: &ContractorActor<'_>,
        found: Option<Verification>,
    ) -> Result<Verification, Error> {
        let found = found
            .filter(|found| found.contractor == contractor.party)
            .ok_or(Error::NotFound("verification"))?;
        if found.state != VerificationState::Pending {
            return Err(Error::Decided { state: found.state.as_str() });
        }
        let most = self.settings.verification_documents_max;
        if found.documents.len() >= usize::from(most) {
            return Err(Error::TooManyDocuments { most });
        }
        Ok(found)
    }
}
