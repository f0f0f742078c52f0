//! `fairtrade keys`: the keys that access tokens are signed with.

use identity::{IdentityCommands, IdentityQueries, SigningKeyView};
use serde::Serialize;

use super::failure::Failure;
use super::output::{Voice, table};

/// A key as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    kid: &'a str,
    state: &'static str,
    created_at: String,
    signs_from: String,
    refused_from: Option<String>,
}

/// Lists the keys, the newest first.
///
/// # Errors
/// [`Failure`] when the database fails.
pub(super) fn list(identity: &dyn IdentityQueries, voice: Voice) -> Result<(), Failure> {
    tell(&identity.list_signing_keys().map_err(failed)?, voice, None)
}

/// Makes a new key, and says from when on it signs.
///
/// # Errors
/// [`Failure::Refused`] while one made before waits to sign.
pub(super) fn rotate(identity: &dyn IdentityCommands, at_once: bool, voice: Voice) -> Result<(), Failure> {
    let keys = identity.rotate_signing_keys(at_once).map_err(failed)?;
    let note = if at_once {
        "All access tokens are refused from now on; clients get new ones with their refresh tokens."
    } else {
        "Nobody is signed out: the new key signs once every server knows it, the old one is recognised until its last token has ended."
    };
    tell(&keys, voice, Some(note))
}

fn failed(error: identity::Error) -> Failure {
    match error {
        identity::Error::KeyWaiting { .. } => Failure::Refused(error.to_string()),
        identity::Error::Database(error) => Failure::Database(error.to_string()),
        other => Failure::Internal(other.to_string()),
    }
}

fn tell(keys: &[SigningKeyView], voice: Voice, note: Option<&str>) -> Result<(), Failure> {
    let rows: Vec<Row<'_>> = keys.iter().map(Row::from).collect();
    voice.tell(&rows, || {
        let head = ["KEY", "STATE", "MADE", "SIGNS FROM", "REFUSED FROM"].map(str::to_owned).to_vec();
        let cells = rows.iter().map(|row| {
            let refused_from = row.refused_from.clone().unwrap_or_default();
            let [kid, state] = [row.kid, row.state].map(str::to_owned);
            vec![kid, state, row.created_at.clone(), row.signs_from.clone(), refused_from]
        });
        let lines = table(&std::iter::once(head).chain(cells).collect::<Vec<_>>(), &[]);
        [Some(lines.as_str()), note].into_iter().flatten().collect::<Vec<_>>().join("\n\n")
    })
}

impl<'a> From<&'a SigningKeyView> for Row<'a> {
    fn from(key: &'a SigningKeyView) -> Self {
        let moment = |at: kernel::Instant| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        Self {
            kid: &key.kid,
            state: key.state.as_str(),
            created_at: moment(key.created_at),
            signs_from: moment(key.signs_from),
            refused_from: key.refused_from.map(moment),
        }
    }
}
