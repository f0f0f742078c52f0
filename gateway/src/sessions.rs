//! Who an access token belongs to, and whether its session still lives.
//!
//! The token is verified here, without the database; then one batched query answers for all requests that wait. Nothing is remembered
//! in between: a session that has ended is refused at once.

use database::{BatchReader, BatchSettings, Error};
use identity::{Authenticator, LiveSession};
use kernel::{Actor, SessionId};
use platform::Platform;

use crate::app::App;
use crate::http::Problem;
use crate::lanes::answered;

/// Checks access tokens.
pub(crate) struct Sessions {
    authenticator: Authenticator,
    live: BatchReader<SessionId, LiveSession, Error>,
}

impl Sessions {
    /// # Errors
    /// When there is no connection or thread for it.
    pub(crate) fn start(platform: &Platform) -> Result<Self, Error> {
        let db = platform.db().clone();
        let load = move |ids: &[SessionId]| db.read(|conn| identity::live_sessions(conn, ids));
        Ok(Self {
            authenticator: platform.authenticator().clone(),
            live: BatchReader::start(platform.db(), &BatchSettings::new("sessions"), load)?,
        })
    }

    /// # Errors
    /// 401 for a token that is not ours, has expired, or whose session has ended.
    pub(crate) async fn authenticate(
        &self,
        app: &App,
        token: &str,
        request_id: &str,
    ) -> Result<Actor, Problem> {
        let claims = self.authenticator.verify(token, app.now()).map_err(identity::Error::from)?;
        let live = answered(self.live.get(app.lanes().deadline(), claims.session)).await?;
        let session = live.filter(|session| session.person == claims.person);
        let session = session.ok_or_else(|| identity::Error::SignedOut)?;
        Ok(Actor::person(session.person, session.role, session.session, session.email_verified, request_id))
    }
}
