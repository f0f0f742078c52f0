//! [`Context`]: what a handler works with. It runs reads and commands on the executor's threads and turns what they give into answers.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use database::TransactionError;
use kernel::SessionId;
use platform::{Commands, Queries};
use uuid::Uuid;

use super::call::Call;
use super::incoming::Incoming;
use super::trail;
use crate::app::App;
use crate::http::etag::IfMatch;
use crate::http::{Problem, Reply, Version};
use crate::keyed;
use crate::lanes::Writing;
use crate::transfer::{self, Expected, Given};

/// One request, as its handler sees it.
#[derive(Clone)]
pub struct Context(Arc<Call>);

impl Context {
    /// Reads, on a reader's connection.
    ///
    /// # Errors
    /// The problem that the work's error is; 503 when too much is waiting.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&Queries) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        self.0.app.lanes().read(move |queries| work(queries).map_err(Into::into)).await
    }

    /// Does `work` and answers with what `answer` makes of it. With an `Idempotency-Key` both are one unit with the stored answer: the
    /// effect happens once, and the same request again gets the same bytes. The work may be tried again after a deadlock.
    ///
    /// # Errors
    /// The problem that the work's error is; 409 or 422 by the key; 503 when too much is waiting.
    pub async fn command<T, E>(
        &self,
        work: impl FnMut(&Commands) -> Result<T, E> + Send + 'static,
        answer: impl Fn(T) -> Reply + Send + 'static,
    ) -> Result<Reply, Problem>
    where
        T: 'static,
        E: TransactionError + Into<Problem> + Send + 'static,
    {
        keyed::run(Arc::clone(&self.0), work, answer).await
    }

    /// Receives the body as a file, piece by piece, and does `work` with what came; as [`Context::command`] otherwise. The body counts
    /// for the `Idempotency-Key` by its hash. A file that `work` does not keep is given up. Where nothing was planned, because the caller
    /// may not send it, the body is read to its end and forgotten: a client that sends everything before it listens hears the answer then.
    ///
    /// # Errors
    /// The problem that the work's error is, or the file itself: 413, 415, 422, 408.
    pub async fn receive<T, E>(
        &self,
        incoming: Incoming,
        planned: Result<files::NewFile, Problem>,
        work: impl FnMut(&Commands, &files::Received) -> Result<T, E> + Send + 'static,
        answer: impl Fn(T) -> Reply + Send + 'static,
    ) -> Result<Reply, Problem>
    where
        T: 'static,
        E: TransactionError + Into<Problem> + Send + 'static,
    {
        let mut work = work;
        let planned = planned.map(|file| Expected { file, drawing: None });
        let work = move |commands: &Commands, delivery: &files::Delivery| work(commands, &delivery.received);
        transfer::receive(Arc::clone(&self.0), incoming, planned, work, answer).await
    }

    /// As [`Context::receive`], and a picture is drawn anew before `work` gets both. Whatever comes of it, the picture as it came is given
    /// up.
    ///
    /// # Errors
    /// As [`Context::receive`]; 422 for a picture that cannot be drawn, 503 when too many wait for that.
    pub async fn receive_and_draw<T, E>(
        &self,
        incoming: Incoming,
        planned: Result<(files::NewFile, files::Drawing), Problem>,
        work: impl FnMut(&Commands, &files::Delivery) -> Result<T, E> + Send + 'static,
        answer: impl Fn(T) -> Reply + Send + 'static,
    ) -> Result<Reply, Problem>
    where
        T: 'static,
        E: TransactionError + Into<Problem> + Send + 'static,
    {
        let planned = planned.map(|(file, drawing)| Expected { file, drawing: Some(drawing) });
        transfer::receive(Arc::clone(&self.0), incoming, planned, work, answer).await
    }

    /// A file to be saved, or the part of it that was asked for.
    ///
    /// # Errors
    /// 416 for a part that lies outside of it; 503 when its storage does not answer.
    pub async fn send(&self, file: files::File) -> Result<HttpResponse, Problem> {
        transfer::send(&self.0, file, Given::ToSave).await
    }

    /// A picture that we drew ourselves, to be looked at; by everybody when it is `public`.
    ///
    /// # Errors
    /// As [`Context::send`].
    pub async fn show(&self, file: files::File, public: bool) -> Result<HttpResponse, Problem> {
        transfer::send(&self.0, file, Given::ToShow { public }).await
    }

    /// Does what needs another system's answer, such as a payment provider's, in three steps. `intend` is committed together with the
    /// claim on the key; the reference that it gets stays the same for whoever goes on after a crash, so what it makes is made under it.
    /// `ask` runs in no transaction and with no connection held, and must be fit to be done again. Then the answer is stored.
    ///
    /// # Errors
    /// The problem that a step's error is; 409 or 422 by the key; 503 when too much is waiting.
    pub async fn staged<I, T, E>(
        &self,
        intend: impl FnMut(&Commands, Uuid) -> Result<I, E> + Send + 'static,
        ask: impl FnOnce(&Commands, I) -> Result<T, E> + Send + 'static,
        answer: impl FnOnce(T) -> Reply + Send + 'static,
    ) -> Result<Reply, Problem>
    where
        E: TransactionError + Into<Problem> + Send + 'static,
    {
        keyed::run_staged(Arc::clone(&self.0), intend, ask, answer).await
    }

    /// Does work that takes long or cannot be one transaction, where it cannot starve others. It holds a connection only while it uses one.
    ///
    /// # Errors
    /// The problem that the work's error is; 503 when too much is waiting.
    pub async fn heavy<T, E>(
        &self,
        work: impl FnOnce(&Commands) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        self.0.app.lanes().heavy(self.audited(work)).await
    }

    /// Does work that hashes a password. Anybody may ask for that, so it has threads and a short queue of its own: a flood of it holds up
    /// nothing else. It holds a connection only while it uses one.
    ///
    /// # Errors
    /// The problem that the work's error is; 503 when too much is waiting.
    pub async fn hashing<T, E>(
        &self,
        work: impl FnOnce(&Commands) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        self.0.app.lanes().hashing(self.audited(work)).await
    }

    /// Asks another system, such as a provider of identities, which may take seconds: apart from everything else, so that a system that
    /// hangs holds up nobody but those who ask it. It holds a connection only while it uses one.
    ///
    /// # Errors
    /// The problem that the work's error is; 503 when too many are asking.
    pub async fn outside<T, E>(
        &self,
        work: impl FnOnce(&Commands) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        self.0.app.lanes().outside(move |lent| work(&lent.commands).map_err(Into::into)).await
    }

    /// The work as a command of this request's in the audit trail, for the threads that do it.
    fn audited<T, E, W>(&self, work: W) -> impl FnOnce(&Writing) -> Result<T, Problem> + Send + use<T, E, W>
    where
        E: Into<Problem>,
        W: FnOnce(&Commands) -> Result<T, E> + Send + 'static,
    {
        let trail = trail::of(&self.0);
        move |lent| audit::command(&lent.db, trail, || work(&lent.commands)).map_err(Into::into)
    }

    /// Counts the refresh of a session, or of none by the address: for an operation of [`Rate::Refresh`](crate::Rate).
    ///
    /// # Errors
    /// 429.
    pub async fn count_refresh(&self, session: Option<SessionId>) -> Result<(), Problem> {
        let (rates, address) = (self.0.app.rates(), self.0.address);
        let left = match session {
            Some(session) => rates.refresh(session, address).await?,
            None => rates.anonymous(address).await?,
        };
        if let Some(left) = left {
            self.0.left.get_or_init(|| left);
        }
        Ok(())
    }

    /// Refuses with 412 when the caller's `If-Match` names another version than the present one. Ask inside the command, after the
    /// thing was read there.
    ///
    /// # Errors
    /// 412.
    pub fn if_match(&self, present: impl Into<Version>) -> Result<(), Problem> {
        match &self.0.if_match {
            Some(IfMatch::Versions(versions)) if !versions.contains(&present.into().number()) => {
                Err(Problem::stale_precondition())
            }
            _ => Ok(()),
        }
    }

    /// The version that an `If-Match` names, for commands that compare it themselves under their lock; none without one or for `*`. Of
    /// several the latest: versions only grow, so no other of them can be the present one.
    ///
    /// # Errors
    /// 412 when the header names no version of ours at all.
    pub fn expected_version(&self) -> Result<Option<i64>, Problem> {
        match &self.0.if_match {
            None | Some(IfMatch::Any) => Ok(None),
            Some(IfMatch::Versions(versions)) => {
                versions.iter().max().copied().map(Some).ok_or_else(Problem::stale_precondition)
            }
        }
    }

    /// The request's id, for what is written down about it.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The client's address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.0.address
    }

    /// What the client calls itself.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// The server.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.0.app
    }
}

impl FromRequest for Context {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Call::of(request).map(Self))
    }
}
