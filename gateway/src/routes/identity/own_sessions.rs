//! `/api/auth/sessions`: a person's own sessions, on whatever device.

use chrono::{DateTime, Utc};
use identity::OwnSession;
use kernel::{SessionId, Via};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::SessionRef;
use crate::{Context, Operation, Paging, Path, Problem, Reply, SignedIn, Who};

/// One of the caller's sessions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthOwnSessionView {
    /// The session.
    pub id: SessionRef,
    /// The program and the system it was signed in with, as far as they are known.
    #[schema(example = "Firefox on Windows")]
    pub device: Option<String>,
    /// The network it was signed in or last refreshed from, shortened.
    #[schema(example = "203.0.113.0/24")]
    pub network: Option<String>,
    /// When it was signed in.
    pub created_at: DateTime<Utc>,
    /// When it was used last, to a minute.
    pub last_used_at: DateTime<Utc>,
    /// When it ends unless it is refreshed.
    pub expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A person's own sessions.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/auth/sessions")
            .summary("List one's own sessions")
            .description("Those that live: where one is signed in, with what, and when each was used last.")
            .by(Who::SignedIn)
            .lists::<AuthOwnSessionView>("Sessions, the newest first.", AuthOwnSessionView::example())
            .to(list_sessions),
        Operation::delete("/api/auth/sessions/{sessionId}")
            .summary("End one of one's own sessions")
            .description("At once: its access token is refused from now on, by every server. The present one may be ended, too.")
            .by(Who::SignedIn)
            .answers_empty(204, "It has ended.")
            .to(end_session),
        Operation::delete("/api/auth/sessions")
            .summary("End all one's other sessions")
            .description("Signs out everywhere else, at once. The session that asks goes on; `POST /api/auth/logout` ends it.")
            .by(Who::SignedIn)
            .answers_empty(204, "The others have ended.")
            .to(end_other_sessions),
    ]
}

async fn list_sessions(context: Context, actor: SignedIn, paging: Paging) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let current = match actor.via {
        Via::Session(session) => Some(session),
        Via::System | Via::AdminFor(_) => None,
    };
    let page = context.read(move |queries| queries.identity.list_sessions(&actor, after, limit)).await?;
    Ok(paging.reply(page, |session| AuthOwnSessionView::new(session, current)))
}

async fn end_session(context: Context, actor: SignedIn, id: Path<SessionId>) -> Result<Reply, Problem> {
    let work =
        context.command(move |commands| commands.identity.end_session(&actor, *id), |()| Reply::no_content());
    work.await
}

async fn end_other_sessions(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    let work = context
        .command(move |commands| commands.identity.end_other_sessions(&actor), |()| Reply::no_content());
    work.await
}

impl AuthOwnSessionView {
    fn new(session: OwnSession, current: Option<SessionId>) -> Self {
        Self {
            current: Some(session.id) == current,
            id: session.id.into(),
            device: session.device,
            network: session.network,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
        }
    }

    fn example() -> Self {
        Self {
            id: SessionId::from(Uuid::nil()).into(),
            device: Some("Firefox on Windows".to_owned()),
            network: Some("203.0.113.0/24".to_owned()),
            created_at: DateTime::UNIX_EPOCH,
            last_used_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH,
            current: true,
        }
    }
}
