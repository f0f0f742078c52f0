//! What contracts owe a person: an account of them, a word while one runs, and to forget. A contract that has ended stays readable to
//! the other party with its price, its days and its states; what was signed stays sealed, as the law has it kept.

use std::collections::HashMap;

use database::{PgConnection, Tx};
use identity::{Blocker, Held, PersonCard, PersonalData};
use kernel::{PartyId, PersonId};
use serde_json::{Value, json};

use super::{ContractsService, text};
use crate::error::{Error, corrupt};
use crate::model::{Contract, ContractStatus, Milestone};
use crate::store::personal::KeptSubmission;
use crate::store::{self, personal};

impl PersonalData for ContractsService {
    fn section(&self) -> &'static str {
        "contracts"
    }

    fn held_about(&self, conn: &mut PgConnection, person: PersonId) -> Result<Held, identity::Error> {
        let party = PartyId::from(person);
        let mut contracts = Vec::new();
        for contract in store::list_all_of(conn, party)? {
            contracts.push(self.contract_json(conn, &contract, party).map_err(identity_error)?);
        }
        Ok(Held { data: json!({ "contracts": contracts }), files: Vec::new() })
    }

    /// No lock is taken here: a contract begins by an award, which holds the person's row first, and what has ended never runs again.
    fn blockers(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<Vec<Blocker>, identity::Error> {
        let running = store::open_contracts_of(tx.conn(), person.into())?;
        Ok(running.iter().filter_map(blocker).collect())
    }

    fn erase(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<(), identity::Error> {
        self.forget(tx, person).map_err(identity_error)
    }
}

fn blocker(contract: &Contract) -> Option<Blocker> {
    let (code, message) = match contract.status {
        ContractStatus::PendingSignatures => (
            "contract_unsigned",
            "A contract waits for signatures: it ends by itself when they do not come in time.",
        ),
        ContractStatus::Active => {
            ("contract_running", "A contract is running and has to be completed first.")
        }
        ContractStatus::Completed | ContractStatus::Terminated => return None,
    };
    Some(Blocker { code, message: message.to_owned(), kind: "contract", id: contract.id.to_string() })
}

fn identity_error(error: Error) -> identity::Error {
    match error {
        Error::Database(error) => error.into(),
        Error::Vault(error) => error.into(),
        other => corrupt(other).into(),
    }
}

impl ContractsService {
    fn forget(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<(), Error> {
        let party = PartyId::from(person);
        let traces = marketplace::traces(tx.conn(), person)?;
        // What was never binding is kept by no law: with its key every version of the text goes, and whatever one party gave under it.
        for contract in store::list_all_of(tx.conn(), party)? {
            if contract.activated_at.is_none() {
                self.vault.destroy(tx, text::subject(contract.id))?;
            }
        }
        let now = tx.now()?;
        personal::blank_titles(tx.conn(), party, now)?;
        personal::efface_titles(tx.conn(), party, &traces, now)?;
        personal::remove_particulars(tx.conn(), party)?;
        personal::blank_milestones(tx.conn(), party, now)?;
        personal::blank_reasons(tx.conn(), party)?;
        personal::efface_reasons(tx.conn(), party, &traces)?;
        Ok(())
    }

    fn contract_json(
        &self,
        conn: &mut PgConnection,
        contract: &Contract,
        party: PartyId,
    ) -> Result<Value, Error> {
        let names = identity::cards(conn, &[contract.homeowner, contract.contractor])?;
        let submissions = personal::submissions_of(conn, contract.id)?;
        let milestones: Vec<Value> = store::list_milestones(conn, contract.id)?
            .iter()
            .map(|milestone| milestone_json(milestone, contract, &submissions))
            .collect();
        let particulars = text::particulars(conn, &self.vault, contract.id)?;
        Ok(json!({
            "id": contract.id,
            "jobId": contract.job_id,
            "bidId": contract.bid_id,
            "title": contract.title,
            "status": contract.status.as_str(),
            "price": contract.price.minor(),
            "currency": contract.price.currency(),
            "homeowner": party_json(&names, contract.homeowner),
            "contractor": party_json(&names, contract.contractor),
            "contractorVerificationLapsedAt": contract.verification_lapsed_at,
            "terms": {
                "rulesVersion": contract.terms.rules_version,
                "feeBasisPoints": contract.terms.fee.points(),
                "inspectionDays": contract.terms.inspection_days,
                "autoReleaseHours": contract.terms.auto_release_hours,
            },
            "signBy": contract.sign_by,
            "activatedAt": contract.activated_at,
            "workStartedAt": contract.work_started_at,
            "completedAt": contract.completed_at,
            "terminatedAt": contract.terminated.map(|(at, _)| at),
            "terminationReason": contract.terminated.map(|(_, reason)| reason.as_str()),
            "createdAt": contract.created_at,
            "updatedAt": contract.updated_at,
            "particulars": particulars.map(|particulars| particulars.for_people()),
            "milestones": milestones,
            "signatures": self.signatures_json(conn, contract, party)?,
        }))
    }

    /// One's own signatures, each with the text that it was given under and the evidence that was kept of it.
    fn signatures_json(
        &self,
        conn: &mut PgConnection,
        contract: &Contract,
        party: PartyId,
    ) -> Result<Vec<Value>, Error> {
        let mut signatures = Vec::new();
        for kept in personal::signatures_of(conn, contract.id, party)? {
            let place = text::evidence_place(kept.id);
            let subject = text::subject(contract.id);
            let evidence = self.vault.open(conn, subject, place.as_bytes(), &kept.sealed_evidence)?;
            let evidence: Option<Value> =
                evidence.map(|plain| serde_json::from_slice(&plain)).transpose().map_err(corrupt)?;
            let document = text::read_version(conn, &self.vault, contract.id, kept.document_version)?;
            signatures.push(json!({
                "id": kept.id,
                "documentVersion": kept.document_version,
                "documentSha256": kept.document_sha256,
                "signedAt": kept.signed_at,
                "voidedAt": kept.voided_at,
                "evidence": evidence,
                "text": document.map(|document| document.text),
            }));
        }
        Ok(signatures)
    }
}

fn party_json(names: &HashMap<PartyId, PersonCard>, party: PartyId) -> Value {
    json!({ "id": party, "name": names.get(&party).map(|card| &card.full_name) })
}

fn milestone_json(milestone: &Milestone, contract: &Contract, submissions: &[KeptSubmission]) -> Value {
    let of_it: Vec<Value> = submissions
        .iter()
        .filter(|submission| submission.milestone == milestone.id)
        .map(|submission| {
            json!({
                "number": submission.number,
                "submittedAt": submission.submitted_at,
                "inspectionEndsAt": submission.inspection_ends_at,
                "outcome": submission.outcome,
                "reason": submission.reason,
                "decidedAt": submission.decided_at,
            })
        })
        .collect();
    json!({
        "id": milestone.id,
        "ordinal": milestone.ordinal,
        "title": milestone.title,
        "description": milestone.description,
        "deliverables": milestone.deliverables,
        "targetAmount": milestone.amount,
        "currency": contract.price.currency(),
        "status": milestone.status.as_str(),
        "startDate": milestone.start_date,
        "dueDate": milestone.due_date,
        "submission": milestone.submission,
        "inspectionEndsAt": milestone.inspection_ends_at,
        "inspectionPausedAt": milestone.inspection_paused_at,
        "startedAt": milestone.started_at,
        "approvedAt": milestone.approved_at,
        "releasedAt": milestone.released_at,
        "createdAt": milestone.created_at,
        "updatedAt": milestone.updated_at,
        "submissions": of_it,
    })
}
