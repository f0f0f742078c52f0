//! Everything that is held about a person, and exports of it.

use std::collections::BTreeMap;

use files::File;
use kernel::{Instant, PartyId};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Person;

kernel::id!(
    /// An archive of everything that is held about a person.
    ExportId,
    "exp"
);

/// Everything that is held about a person: what `GET /api/users/me/data` answers, and an export's `data.json`.
#[derive(Debug, Clone)]
pub struct PersonalRecord {
    /// As of when.
    pub generated_at: Instant,
    /// The account.
    pub person: Person,
    /// What each crate holds, by the name of its section.
    pub sections: BTreeMap<&'static str, Value>,
    /// The stored files that belong to it.
    pub files: Vec<File>,
}

impl PersonalRecord {
    /// As one JSON document.
    #[must_use]
    pub fn document(&self) -> Value {
        let person = &self.person;
        json!({
            "generatedAt": self.generated_at,
            "person": {
                "id": person.id,
                "partyId": PartyId::from(person.id),
                "role": person.role,
                "email": person.email,
                "emailVerified": person.email_verified_at.is_some(),
                "name": person.name,
                "phone": person.phone,
                "timeZone": person.time_zone,
                "createdAt": person.created_at,
            },
            "sections": self.sections,
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
        })
    }
}

fn file(file: &File) -> Value {
    json!({
        "id": file.id,
        "name": file.name,
        "contentType": file.content_type.as_str(),
        "size": file.size,
        "sha256": hex::encode(file.sha256),
        "storedAt": file.stored_at,
        "path": path_in_export(file),
    })
}

/// Where a file is in an export. Its own name comes last; the id before it keeps two of one name apart.
#[must_use]
pub fn path_in_export(file: &File) -> String {
    format!("files/{}/{}", file.id, file.name)
}

/// Where an export stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportState {
    /// It is being made, or waits for that.
    Queued,
    /// It can be fetched.
    Ready,
    /// Its time is over, and the archive is gone.
    Expired,
    /// It could not be made.
    Failed,
}

impl ExportState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Ready, Self::Expired, Self::Failed];

    /// As the database and JSON have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Ready => "READY",
            Self::Expired => "EXPIRED",
            Self::Failed => "FAILED",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// How it stands by `now`: the archive counts for nothing from its end on, whether or not it has been removed already.
    #[must_use]
    pub(crate) fn at(self, expires_at: Option<Instant>, now: Instant) -> Self {
        match (self, expires_at) {
            (Self::Ready, Some(end)) if end <= now => Self::Expired,
            _ => self,
        }
    }
}

/// An export, as its own person sees it.
#[derive(Debug, Clone)]
pub struct Export {
    /// The export.
    pub id: ExportId,
    /// Where it stands.
    pub state: ExportState,
    /// When it was asked for.
    pub requested_at: Instant,
    /// When it was made, or given up.
    pub finished_at: Option<Instant>,
    /// Until when it can be fetched.
    pub expires_at: Option<Instant>,
    /// How many bytes the archive has.
    pub size: Option<u64>,
    /// What fetches the archive without signing in, while it is ready. A secret.
    pub token: Option<SecretString>,
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn an_archive_is_there_to_its_end_and_not_a_moment_longer() {
        let end = DateTime::UNIX_EPOCH;
        for (state, seconds, expected) in [
            (ExportState::Ready, -1, ExportState::Ready),
            (ExportState::Ready, 0, ExportState::Expired),
            (ExportState::Ready, 1, ExportState::Expired),
            (ExportState::Failed, 1, ExportState::Failed),
            (ExportState::Queued, 1, ExportState::Queued),
        ] {
            assert_eq!(
                state.at(Some(end), end + TimeDelta::seconds(seconds)),
                expected,
                "{state:?} {seconds}"
            );
        }
        assert_eq!(ExportState::Ready.at(None, end), ExportState::Ready);
        assert!(ExportState::ALL.into_iter().all(|state| ExportState::parse(state.as_str()) == Some(state)));
    }
}
