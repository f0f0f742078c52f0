//! Profiles, one's own and the public ones.

use database::Tx;
use kernel::{Actor, PartyId, PersonId, Role};
use outbox::{Aggregate, NewEvent};
use serde_json::json;

use super::{IdentityService, person_of, trail};
use crate::geo::snap_to_grid;
use crate::model::{
    ContractorProfile, Email, Person, Profile, ProfilePatch, PublicContractor, PublicCredential,
    VerificationState,
};
use crate::{Error, rules, store};

impl IdentityService {
    pub(super) fn profile(&self, person: PersonId) -> Result<Profile, Error> {
        self.db.read(|conn| {
            let person = store::find_person(conn, person)?.ok_or(Error::SignedOut)?;
            let contractor = store::find_contractor_profile(conn, person.id)?;
            let pending_email = store::find_pending_email(conn, person.id)?;
            Ok(Profile { person, contractor, pending_email })
        })
    }

    pub(super) fn change_profile(&self, actor: &Actor, patch: &ProfilePatch) -> Result<Profile, Error> {
        let person = person_of(actor)?;
        self.db.transaction(|tx| {
            let old = store::lock_person(tx.conn(), person)?.ok_or(Error::SignedOut)?;
            if patch.if_version.is_some_and(|read| read != i64::from(old.version)) {
                return Err(Error::Stale);
            }
            let contractor = store::find_contractor_profile(tx.conn(), person)?;
            let changed = changed_person(&old, patch);
            let changed_contractor =
                contractor.as_ref().map(|profile| changed_contractor(profile, &old, &changed, patch));
            let wished = match &patch.email {
                Some(email) => self.wish_for_email(tx, actor, &old, email)?,
                None => false,
            };
            let pending_email = store::find_pending_email(tx.conn(), person)?;
            if changed == old && changed_contractor == contractor && !wished {
                audit::withhold(tx);
                return Ok(Profile { person: old, contractor, pending_email });
            }
            if let Some(profile) = &changed_contractor {
                store::update_contractor_profile(tx.conn(), person, profile)?;
            }
            let now = tx.now()?;
            let person = store::update_person(tx.conn(), &changed, now)?;
            let version = |person: &Person| json!({ "version": person.version });
            trail::person(tx, person.id, version(&old), version(&person));
            publish_change(tx, &person, &actor.request_id);
            Ok(Profile { person, contractor: changed_contractor, pending_email })
        })
    }

    pub(super) fn public_contractor(&self, contractor: PartyId) -> Result<PublicContractor, Error> {
        let now = self.db.now()?;
        self.db.read(|conn| {
            let found = store::find_person(conn, PersonId::from(contractor.uuid()))?;
            let person = found
                .filter(|person| person.role == Role::Contractor && person.suspended_at.is_none())
                .ok_or(Error::NotFound("contractor"))?;
            let profile =
                store::find_contractor_profile(conn, person.id)?.ok_or(Error::NotFound("contractor"))?;
            let approved = store::find_verification_in(conn, contractor, VerificationState::Approved)?
                .filter(|verification| verification.valid_until.is_some_and(|until| until > now));
            let (_, display_name, _) = rules::names(person.name.as_deref(), person.role);
            let verified_at = approved.as_ref().and_then(|verification| verification.decided_at);
            let valid_until = approved.as_ref().and_then(|verification| verification.valid_until);
            let credentials = approved.map(|verification| verification.credentials).unwrap_or_default();
            let credentials = credentials.into_iter().filter(|credential| credential.end() > now);
            Ok(PublicContractor {
                id: contractor,
                display_name,
                profile,
                verified: verified_at.is_some(),
                verified_at,
                valid_until,
                credentials: credentials
                    .filter_map(|credential| {
                        Some(PublicCredential {
                            kind: credential.kind,
                            trade: credential.trade,
                            place: credential.place,
                            expires_on: credential.expires_on,
                            checked_at: verified_at?,
                        })
                    })
                    .collect(),
                member_since: person.created_at,
                version: person.version,
            })
        })
    }
}

/// Lets those who keep something of profiles know that they have to read this one anew. What it says now stands in no event.
fn publish_change(tx: &mut Tx<'_>, person: &Person, request_id: &str) {
    outbox::publish(
        tx,
        NewEvent {
            name: "profile.changed",
            version: 1,
            aggregate: Aggregate { kind: "person", id: person.id.uuid() },
            request_id: request_id.to_owned(),
            data: json!({ "personId": person.id, "partyId": PartyId::from(person.id), "role": person.role }),
        },
    );
}

fn changed_person(old: &Person, patch: &ProfilePatch) -> Person {
    let text = |name: &crate::model::PersonName| name.as_str().to_owned();
    // The same mailbox may be written in another way at once; another one has to be proved.
    let same = patch.email.as_ref().filter(|email| email.canonical() == Email::lookup(&old.email));
    Person {
        email: same.map_or_else(|| old.email.clone(), |email| email.as_str().to_owned()),
        name: patch.name.map(text).apply(old.name.clone()),
        phone: patch.phone.map(|phone| phone.as_str().to_owned()).apply(old.phone.clone()),
        time_zone: patch.time_zone.map_or_else(|| old.time_zone.clone(), |zone| zone.as_str().to_owned()),
        location: patch.location.clone().apply(old.location),
        ..old.clone()
    }
}

fn changed_contractor(
    old: &ContractorProfile,
    before: &Person,
    after: &Person,
    patch: &ProfilePatch,
) -> ContractorProfile {
    ContractorProfile {
        headline: patch.headline.clone().apply(old.headline.clone()),
        bio: patch.bio.clone().apply(old.bio.clone()),
        trades: patch.trades.clone().unwrap_or_else(|| old.trades.clone()),
        skills: patch.skills.clone().unwrap_or_else(|| old.skills.clone()),
        service_radius_km: patch.service_radius_km.clone().apply(old.service_radius_km),
        // Only when the place changes: the public point is made once for each place.
        public_point: if before.location == after.location {
            old.public_point
        } else {
            after.location.map(snap_to_grid)
        },
    }
}
