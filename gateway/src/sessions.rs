//! Who an access token belongs to, whether its session still lives, and when it was used last.
//!
//! The token is verified here, without the database; then one batched query answers for all requests that wait. Nothing is remembered
//! in between: a session that has ended is refused at once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use database::{BatchReader, BatchSettings, Error};
use identity::{Authenticator, Claims, LiveSession, Settings, TokenError};
use kernel::{Actor, Instant, SessionId};
use platform::Platform;

use crate::app::App;
use crate::http::Problem;
use crate::lanes::answered;

/// Whoever showed an access token.
pub(crate) struct Known {
    pub(crate) actor: Actor,
    /// Whether a second factor has to be set up before anything else.
    pub(crate) owes_second_factor: bool,
}

/// Checks access tokens.
pub(crate) struct Sessions {
    authenticator: Authenticator,
    settings: Settings,
    live: BatchReader<SessionId, LiveSession, Error>,
    used: Used,
}

/// Sessions that were used and of which that is to be noted: each once, however many requests it sends meanwhile.
#[derive(Default)]
struct Used(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    sessions: HashSet<SessionId>,
    /// Whether somebody is about to note them.
    being_noted: bool,
}

impl Sessions {
    /// # Errors
    /// When there is no connection or thread for it.
    pub(crate) fn start(platform: &Platform) -> Result<Self, Error> {
        let db = platform.db().clone();
        let load = move |ids: &[SessionId]| db.read(|conn| identity::live_sessions(conn, ids));
        Ok(Self {
            authenticator: platform.authenticator().clone(),
            settings: platform.queries().identity.settings().clone(),
            live: BatchReader::start(platform.db(), &BatchSettings::new("sessions"), load)?,
            used: Used::default(),
        })
    }

    /// # Errors
    /// 401 for a token that is not ours, has expired, or whose session has ended.
    pub(crate) async fn authenticate(
        &self,
        app: &App,
        token: &str,
        request_id: &str,
    ) -> Result<Known, Problem> {
        let claims = self.verify(app, token).await?;
        let live = answered(self.live.get(app.lanes().deadline(), claims.session)).await?;
        let session = live.filter(|session| session.person == claims.person);
        let session = session.ok_or_else(|| identity::Error::SignedOut)?;
        if app.now() - session.last_used_at >= TimeDelta::seconds(identity::LAST_USE_SECONDS)
            && self.used.is_first(session.session)
        {
            let app = app.clone();
            // Nobody waits for it: what comes meanwhile is noted with the next statement.
            actix_web::rt::spawn(async move { app.sessions().used.note(&app).await });
        }
        let owes_second_factor = session.owes_second_factor(&self.settings);
        let LiveSession { session, person, role, email_verified, .. } = session;
        Ok(Known {
            actor: Actor::person(person, role, session, email_verified, request_id),
            owes_second_factor,
        })
    }
}

impl Sessions {
    /// What a token says; by keys that are read anew from time to time, and when it names one that is not known.
    async fn verify(&self, app: &App, token: &str) -> Result<Claims, Problem> {
        let now = app.now();
        if self.authenticator.is_stale(now) || self.authenticator.knows_none() {
            match self.read_keys(app, now).await {
                // Nobody can be told apart without any; with those that are known one goes on.
                Err(problem) if self.authenticator.knows_none() => return Err(problem),
                Err(problem) => tracing::warn!(code = problem.code(), "the signing keys could not be read"),
                Ok(()) => {}
            }
        }
        let claims = match self.authenticator.verify(token, now) {
            Err(TokenError::UnknownKey) if self.authenticator.may_look(now) => {
                self.read_keys(app, now).await?;
                self.authenticator.verify(token, now)
            }
            verified => verified,
        };
        Ok(claims.map_err(identity::Error::from)?)
    }

    async fn read_keys(&self, app: &App, now: Instant) -> Result<(), Problem> {
        let authenticator = self.authenticator.clone();
        app.lanes().database(move |conn| authenticator.read_keys(conn, now).map_err(Problem::from)).await
    }
}

impl Used {
    /// Has a session noted; whether nobody is about to note any.
    fn is_first(&self, session: SessionId) -> bool {
        let mut waiting = self.lock();
        waiting.sessions.insert(session);
        !std::mem::replace(&mut waiting.being_noted, true)
    }

    /// Notes those that wait, until none does.
    async fn note(&self, app: &App) {
        loop {
            let sessions: Vec<SessionId> = {
                let mut waiting = self.lock();
                waiting.being_noted = !waiting.sessions.is_empty();
                if !waiting.being_noted {
                    return;
                }
                waiting.sessions.iter().copied().collect()
            };
            let noted = sessions.clone();
            let work = app.lanes().write(move |lent| {
                let done = lent.db.transaction(|tx| identity::touch_sessions(tx, &sessions));
                done.map_err(Problem::from)
            });
            if let Err(problem) = work.await {
                tracing::warn!(code = problem.code(), "when sessions were used last could not be noted");
            }
            // Only now: a request that comes while it is being noted has not to note it again.
            let mut waiting = self.lock();
            for session in &noted {
                waiting.sessions.remove(session);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // A set of ids cannot be left half changed by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
