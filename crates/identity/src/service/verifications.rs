//! Contractors hand in their credentials, administrators judge them.

use database::Tx;
use kernel::{AdminActor, ContractorActor, Instant, Limit, Page, PersonId, Position};
use outbox::{Aggregate, NewEvent};
use serde_json::json;

use super::{IdentityService, person_of};
use crate::model::{
    Decision, Verification, VerificationId, VerificationState, VerificationStep, VerificationSubmission,
    bids_end,
};
use crate::{Error, store};

impl IdentityService {
    pub(super) fn verification_queue(
        &self,
        state: Option<VerificationState>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Verification>, Error> {
        let rows = self.db.read(|conn| store::list_verifications(conn, state, after, limit))?;
        Ok(Page::cut(rows, limit, |row| Position { key: row.submitted_at, id: row.id.uuid() }))
    }

    pub(super) fn hand_in(
        &self,
        contractor: &ContractorActor<'_>,
        submission: &VerificationSubmission,
    ) -> Result<Verification, Error> {
        let person = person_of(contractor)?;
        self.db.transaction(|tx| {
            // One contractor's verifications change one at a time.
            store::lock_person(tx.conn(), person)?.ok_or(Error::SignedOut)?;
            let now = tx.now()?;
            submission.check_expiry(now)?;
            supersede(tx, contractor.party, VerificationState::Pending)?;
            let id = VerificationId::new();
            store::insert_verification(tx.conn(), id, contractor.party, &submission.credentials, now)?;
            let verification = stored(tx, id)?;
            publish(tx, "verification.submitted", &verification, &contractor.request_id);
            Ok(verification)
        })
    }

    pub(super) fn decide(
        &self,
        admin: &AdminActor<'_>,
        id: VerificationId,
        decision: &Decision,
    ) -> Result<Verification, Error> {
        self.db.transaction(|tx| {
            let owner =
                store::find_verification_owner(tx.conn(), id)?.ok_or(Error::NotFound("verification"))?;
            store::lock_person(tx.conn(), owner)?;
            let old = stored(tx, id)?;
            let now = tx.now()?;
            let to = old.state.after(decision.step()).ok_or(Error::Decided { state: old.state.as_str() })?;
            let step = decided_step(&old, to, decision, now, admin.person)?;
            if to == VerificationState::Approved {
                supersede(tx, old.contractor, VerificationState::Approved)?;
            }
            take(tx, &step)?;
            let verification = stored(tx, id)?;
            let event = match decision {
                Decision::Approve { .. } => "verification.approved",
                Decision::Reject { .. } => "verification.rejected",
            };
            publish(tx, event, &verification, &admin.request_id);
            Ok(verification)
        })
    }
}

fn decided_step<'a>(
    old: &Verification,
    to: VerificationState,
    decision: &'a Decision,
    now: Instant,
    by: Option<PersonId>,
) -> Result<store::Step<'a>, Error> {
    let (note, reason, valid_until) = match decision {
        Decision::Approve { note } => {
            let end = bids_end(&old.credentials).filter(|end| *end > now).ok_or(Error::CredentialExpired)?;
            (note.as_deref(), None, Some(end))
        }
        Decision::Reject { reason } => (None, Some(reason.as_str()), None),
    };
    Ok(store::Step { id: old.id, from: old.state, to, decided: Some((now, by)), note, reason, valid_until })
}

/// Makes room for another verification in a state that only one can be in.
fn supersede(tx: &mut Tx<'_>, contractor: kernel::PartyId, state: VerificationState) -> Result<(), Error> {
    let Some(old) = store::find_verification_in(tx.conn(), contractor, state)? else { return Ok(()) };
    let to =
        old.state.after(VerificationStep::Supersede).ok_or(Error::Decided { state: old.state.as_str() })?;
    take(
        tx,
        &store::Step {
            id: old.id,
            from: old.state,
            to,
            decided: None,
            note: None,
            reason: None,
            valid_until: None,
        },
    )
}

/// The contractor is locked, so the state cannot have changed; if it had, nothing is overwritten.
fn take(tx: &mut Tx<'_>, step: &store::Step<'_>) -> Result<(), Error> {
    if store::step_verification(tx.conn(), step)? == 1 {
        Ok(())
    } else {
        Err(Error::Decided { state: step.from.as_str() })
    }
}

fn stored(tx: &mut Tx<'_>, id: VerificationId) -> Result<Verification, Error> {
    store::find_verification(tx.conn(), id)?.ok_or(Error::NotFound("verification"))
}

fn publish(tx: &mut Tx<'_>, name: &'static str, verification: &Verification, request_id: &str) {
    outbox::publish(
        tx,
        NewEvent {
            name,
            version: 1,
            aggregate: Aggregate { kind: "verification", id: verification.id.uuid() },
            request_id: request_id.to_owned(),
            data: json!({
                "verificationId": verification.id,
                "contractorId": verification.contractor,
                "personId": PersonId::from(verification.contractor.uuid()),
            }),
        },
    );
}
