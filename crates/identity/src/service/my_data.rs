//! What is held about a person, asked of everybody who holds something and put side by side.

use std::collections::BTreeMap;

use database::{Error as DbError, PgConnection};
use files::File;
use kernel::{Limit, PartyId, PersonId, Position};
use serde_json::{Value, json};

use super::IdentityService;
use crate::model::{Credential, Person, PersonalRecord, Verification};
use crate::{Error, Held, store};

/// The newest rows of the audit trail that a record holds; a person who is busy for years has hundreds of thousands.
const AUDIT_ENTRIES_MAX: usize = 1_000;

impl IdentityService {
    pub(super) fn personal_record(&self, id: PersonId) -> Result<PersonalRecord, Error> {
        let generated_at = self.db.now()?;
        self.db.read(|conn| {
            let person = store::find_person(conn, id)?.ok_or(Error::SignedOut)?;
            let mut record =
                PersonalRecord { generated_at, person, sections: BTreeMap::new(), files: Vec::new() };
            let identity = self.held_here(conn, &record.person)?;
            let audit = Held { data: deeds(conn, id.into())?, files: Vec::new() };
            let mut held = vec![("identity", identity), ("audit", audit)];
            for holder in self.holders() {
                held.push((holder.section(), holder.held_about(conn, id)?));
            }
            for (section, Held { data, files }) in held {
                record.sections.insert(section, data);
                record.files.extend(files);
            }
            Ok(record)
        })
    }

    fn held_here(&self, conn: &mut PgConnection, person: &Person) -> Result<Held, Error> {
        let (id, party) = (person.id, PartyId::from(person.id));
        let verifications = verifications(conn, party)?;
        let second_factor = self.second_factor_of(conn, person)?;
        let files: Vec<File> =
            verifications.iter().flat_map(|verification| verification.documents.clone()).collect();
        let data = json!({
            "location": person.location.map(|point| json!({ "lat": point.lat(), "lng": point.lng() })),
            "updatedAt": person.updated_at,
            "emailVerifiedAt": person.email_verified_at,
            "contractor": contractor(conn, id)?,
            "password": store::find_credentials_of(conn, id)?.map(|found| json!({ "setAt": found.password_set_at })),
            "secondFactor": {
                "on": second_factor.since.is_some(),
                "since": second_factor.since,
                "recoveryCodesLeft": second_factor.recovery_codes_left,
            },
            "emailChange": store::held_email_change(conn, id)?,
            "identities": store::held_identities(conn, id)?,
            "sessions": store::held_sessions(conn, id)?,
            "knownNetworks": store::held_networks(conn, id)?,
            "mails": store::held_mails(conn, id)?,
            "suspensions": store::held_suspensions(conn, id)?,
            "verifications": verifications.iter().map(verification).collect::<Vec<_>>(),
            "exports": store::held_exports(conn, id)?,
        });
        Ok(Held { data, files })
    }
}

fn contractor(conn: &mut PgConnection, id: PersonId) -> Result<Option<Value>, DbError> {
    let found = store::find_contractor_profile(conn, id)?;
    Ok(found.map(|profile| {
        json!({
            "headline": profile.headline,
            "bio": profile.bio,
            "trades": profile.trades,
            "skills": profile.skills,
            "serviceRadiusKm": profile.service_radius_km,
            "publicPoint": profile.public_point.map(|point| json!({ "lat": point.lat(), "lng": point.lng() })),
        })
    }))
}

/// All that the contractor handed in, newest first.
fn verifications(conn: &mut PgConnection, party: PartyId) -> Result<Vec<Verification>, DbError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let limit = Limit::default();
        let rows = store::list_verifications_of(conn, party, after, limit)?;
        let page =
            kernel::Page::cut(rows, limit, |row| Position { key: row.submitted_at, id: row.id.uuid() });
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

/// As its contractor sees it: what an administrator noted for others is not in it.
fn verification(verification: &Verification) -> Value {
    let credential = |credential: &Credential| {
        json!({
            "kind": credential.kind.as_str(),
            "trade": credential.trade,
            "number": credential.number,
            "holder": credential.holder,
            "place": credential.place,
            "timeZone": credential.time_zone,
            "expiresOn": credential.expires_on,
        })
    };
    json!({
        "id": verification.id,
        "status": verification.state.as_str(),
        "submittedAt": verification.submitted_at,
        "decidedAt": verification.decided_at,
        "reason": verification.reason,
        "validUntil": verification.valid_until,
        "credentials": verification.credentials.iter().map(credential).collect::<Vec<_>>(),
        "documents": verification.documents.iter().map(|file| file.id).collect::<Vec<_>>(),
    })
}

/// What the person did, newest first.
fn deeds(conn: &mut PgConnection, party: PartyId) -> Result<Value, DbError> {
    let entries = audit::entries_of(conn, party, AUDIT_ENTRIES_MAX)?;
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|entry| {
            json!({
                "id": entry.id,
                "occurredAt": entry.occurred_at,
                "action": entry.action,
                "outcome": entry.outcome.as_str(),
                "refusal": entry.refusal,
                "times": entry.times,
                "objects": entry.objects,
                "requestId": entry.request_id,
            })
        })
        .collect();
    Ok(json!({ "newestMax": AUDIT_ENTRIES_MAX, "entries": entries }))
}
