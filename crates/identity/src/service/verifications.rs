//! Contractors hand in their credentials, administrators judge them.

use database::Tx;
use kernel::{AdminActor, ContractorActor, Instant, Limit, Page, PersonId, Position};
use outbox::{Aggregate, NewEvent};
use serde_json::{Map, Value, json};

use super::{IdentityService, person_of, trail};
use crate::model::{
    Decision, Verification, VerificationId, VerificationStanding, VerificationState, VerificationStep,
    VerificationSubmission, bids_end,
};
use crate::tasks::{CredentialReminder, VerificationExpiry};
use crate::{Error, rules, store};

/// How many unwatched verifications are seen to in one transaction.
const WATCH_BATCH: i64 = 100;

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

    pub(super) fn verification_standing(
        &self,
        contractor: &ContractorActor<'_>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<VerificationStanding, Error> {
        let party = contractor.party;
        self.db.read(|conn| {
            let rows = store::list_verifications_of(conn, party, after, limit)?;
            Ok(VerificationStanding {
                newest: store::newest_verification_state(conn, party)?,
                may_bid: store::may_bid(conn, party)?,
                approved: store::find_verification_in(conn, party, VerificationState::Approved)?,
                pending: store::find_verification_in(conn, party, VerificationState::Pending)?,
                history: Page::cut(rows, limit, |row| Position { key: row.submitted_at, id: row.id.uuid() }),
            })
        })
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
            trail::verification(tx, id, None, verification.state);
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
                Decision::Approve { .. } => {
                    self.watch(tx, &verification, now)?;
                    "verification.approved"
                }
                Decision::Reject { .. } => "verification.rejected",
            };
            publish(tx, event, &verification, &admin.request_id);
            Ok(verification)
        })
    }

    /// Arranges the warnings before each credential of an approved verification ends, and what happens when bidding stops.
    fn watch(&self, tx: &mut Tx<'_>, approved: &Verification, now: Instant) -> Result<(), Error> {
        for (ordinal, credential) in (0_i32..).zip(&approved.credentials) {
            let days = &self.settings.credential_reminder_days;
            for (days, at) in rules::credential_reminders(now, credential.end(), days) {
                outbox::enqueue_at(tx, &CredentialReminder { verification: approved.id, ordinal, days }, at);
            }
        }
        if let Some(end) = approved.valid_until {
            outbox::enqueue_at(tx, &VerificationExpiry { verification: approved.id }, end);
        }
        Ok(store::note_watched(tx.conn(), approved.id, now)?)
    }

    /// Arranges the same for what was approved before it was arranged with the approval. Of warnings that are past none is made up for; an
    /// end that is past is told at once.
    pub(crate) fn watch_what_is_unwatched(&self) -> Result<(), Error> {
        loop {
            let found = self.db.transaction(|tx| {
                let found = store::lock_unwatched(tx.conn(), WATCH_BATCH)?;
                let now = tx.now()?;
                for approved in &found {
                    self.watch(tx, approved, now)?;
                }
                Ok::<_, Error>(found.len())
            })?;
            if found == 0 {
                return Ok(());
            }
        }
    }

    /// Warns of a credential's end, unless the verification was superseded meanwhile, the end is past, or a warning nearer to it is due.
    pub(crate) fn remind_of_expiry(&self, task: &CredentialReminder, request_id: &str) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let Some((verification, now)) = approved(tx, task.verification)? else { return Ok(()) };
            let found = usize::try_from(task.ordinal).ok().and_then(|at| verification.credentials.get(at));
            let Some(end) = found.map(crate::model::Credential::end) else { return Ok(()) };
            let planned = &self.settings.credential_reminder_days;
            if !rules::reminder_is_due(task.days, planned, end, now)
                || !store::note_reminder(tx.conn(), verification.id, task.ordinal, i32::from(task.days))?
            {
                return Ok(());
            }
            let more = json!({ "ordinal": task.ordinal, "days": task.days, "endsAt": end });
            publish_with(tx, "credential.expiring", &verification, request_id, more);
            Ok(())
        })
    }

    /// Tells once that an approved verification has ended; says when to come back if that is not so yet.
    pub(crate) fn expire_verification(
        &self,
        task: &VerificationExpiry,
        request_id: &str,
    ) -> Result<Option<Instant>, Error> {
        self.db.transaction(|tx| {
            let Some((verification, now)) = approved(tx, task.verification)? else { return Ok(None) };
            if let Some(end) = verification.valid_until.filter(|end| *end > now) {
                return Ok(Some(end));
            }
            if store::note_expiry(tx.conn(), verification.id, now)? {
                publish(tx, "verification.expired", &verification, request_id);
            }
            Ok(None)
        })
    }
}

/// The verification, if it still is the approved one, with its contractor locked; and the instant after the wait for that.
fn approved(tx: &mut Tx<'_>, id: VerificationId) -> Result<Option<(Verification, Instant)>, Error> {
    let Some(owner) = store::find_verification_owner(tx.conn(), id)? else { return Ok(None) };
    store::lock_person(tx.conn(), owner)?;
    let found = store::find_verification(tx.conn(), id)?;
    let now = tx.now()?;
    Ok(found.filter(|found| found.state == VerificationState::Approved).map(|found| (found, now)))
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
        Decision::Reject { reason, note } => (note.as_deref(), Some(reason.as_str()), None),
    };
    Ok(store::Step { id: old.id, from: old.state, to, decided: Some((now, by)), note, reason, valid_until })
}

/// Makes room for another verification in a state that only one can be in.
pub(super) fn supersede(
    tx: &mut Tx<'_>,
    contractor: kernel::PartyId,
    state: VerificationState,
) -> Result<(), Error> {
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
        trail::verification(tx, step.id, Some(step.from), step.to);
        Ok(())
    } else {
        Err(Error::Decided { state: step.from.as_str() })
    }
}

fn stored(tx: &mut Tx<'_>, id: VerificationId) -> Result<Verification, Error> {
    store::find_verification(tx.conn(), id)?.ok_or(Error::NotFound("verification"))
}

fn publish(tx: &mut Tx<'_>, name: &'static str, verification: &Verification, request_id: &str) {
    publish_with(tx, name, verification, request_id, json!({}));
}

fn publish_with(
    tx: &mut Tx<'_>,
    name: &'static str,
    verification: &Verification,
    request_id: &str,
    more: Value,
) {
    let mut data = Map::new();
    data.insert("verificationId".to_owned(), json!(verification.id));
    data.insert("contractorId".to_owned(), json!(verification.contractor));
    data.insert("personId".to_owned(), json!(PersonId::from(verification.contractor.uuid())));
    if let Value::Object(more) = more {
        data.extend(more);
    }
    outbox::publish(
        tx,
        NewEvent {
            name,
            version: 1,
            aggregate: Aggregate { kind: "verification", id: verification.id.uuid() },
            request_id: request_id.to_owned(),
            data: Value::Object(data),
        },
    );
}
