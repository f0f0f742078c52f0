//! A person's own sessions: looked at, and ended from another one.

use kernel::{Limit, Page, PersonId, Position, SessionId};

use serde_json::{Value, json};

use super::IdentityService;
use crate::Error;
use crate::model::OwnSession;
use crate::store::{self, EndReason};

impl IdentityService {
    pub(super) fn sessions_of(
        &self,
        person: PersonId,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<OwnSession>, Error> {
        let found = self.db.read(|conn| store::list_sessions(conn, person, after, limit))?;
        Ok(Page::cut(found, limit, |session| Position { key: session.created_at, id: session.id.uuid() }))
    }

    /// One that is another's, or has ended, is not there.
    pub(super) fn revoke_session(&self, person: PersonId, session: SessionId) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let now = tx.now()?;
            match store::end_own_session(tx.conn(), person, session, EndReason::Revoked, now)? {
                0 => Err(Error::NotFound("session")),
                _ => {
                    let ended = json!({ "state": "ENDED", "reason": "REVOKED" });
                    audit::changed(
                        tx,
                        audit::Object::new("session", session),
                        json!({ "state": "LIVE" }),
                        ended,
                    );
                    Ok(())
                }
            }
        })
    }

    pub(super) fn revoke_other_sessions(&self, person: PersonId, stays: SessionId) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let ended = store::end_sessions_of(tx, person, Some(stays), EndReason::Revoked)?;
            let after = json!({ "sessionsEnded": ended, "reason": "REVOKED" });
            audit::changed(tx, audit::Object::new("person", person), Value::Null, after);
            Ok(())
        })
    }
}
