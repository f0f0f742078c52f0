//! One connection as the pool keeps it, with what has to be known about it before somebody else may have it.
//!
//! Diesel tells callers about failures, and callers may swallow what they are told. So each connection is watched by its own
//! instrumentation: whether it was lost, whether a plan went stale, whether a statement failed inside the transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;
use diesel::sql_types::Bool;
use diesel::{Connection, PgConnection};

use crate::error::{Error, Trouble};
use crate::roles::{Roles, ident};

/// Makes connections for the pool and says which may be used again.
pub(crate) struct Manager {
    url: String,
    /// The roles, when connections have to take the runtime's on by themselves.
    become_runtime: Option<Roles>,
    generation: Generation,
}

/// Counts server restarts and schema changes, as far as they were noticed: connections from before are not used again.
#[derive(Clone, Default)]
pub(crate) struct Generation(Arc<AtomicU64>);

/// A connection in the pool.
pub(crate) struct Link {
    pub(crate) conn: PgConnection,
    watch: Arc<Watch>,
    generation: u64,
    discard: bool,
}

/// What happened on a connection, seen by its instrumentation.
#[derive(Default)]
struct Watch {
    lost: AtomicBool,
    stale: AtomicBool,
    failed: AtomicBool,
    statements: AtomicU32,
}

impl Manager {
    pub(crate) fn new(url: String, become_runtime: Option<Roles>, generation: Generation) -> Self {
        Self { url, become_runtime, generation }
    }
}

impl Generation {
    fn current(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether the link is from before a restart or a schema change.
    pub(crate) fn is_past(&self, link: &Link) -> bool {
        link.generation != self.current()
    }

    /// Takes the link out of use when it is not fit for more. A lost connection or a stale plan makes all of its
    /// generation suspect: the others reconnect before they are used, instead of failing one by one.
    pub(crate) fn inspect(&self, link: &mut Link) {
        if link.was_lost() || link.is_stale() {
            let from = link.generation;
            // Should another have noticed first, there is nothing left to do.
            let _ = self.0.compare_exchange(from, from + 1, Ordering::Relaxed, Ordering::Relaxed);
            link.discard = true;
        } else if link.conn.is_broken() {
            link.discard = true;
        }
    }
}

impl Link {
    pub(crate) fn discard(&mut self) {
        self.discard = true;
    }

    pub(crate) fn is_discarded(&self) -> bool {
        self.discard
    }

    pub(crate) fn was_lost(&self) -> bool {
        self.watch.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.watch.stale.load(Ordering::Relaxed)
    }

    /// Whether Postgres has given the transaction up, so that COMMIT would quietly roll back.
    pub(crate) fn transaction_failed(&self) -> bool {
        self.watch.failed.load(Ordering::Relaxed)
    }

    /// How many statements were begun on it so far, modulo 2³².
    pub(crate) fn statements(&self) -> u32 {
        self.watch.statements.load(Ordering::Relaxed)
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Link;
    type Error = ConnectError;

    fn connect(&self) -> Result<Link, ConnectError> {
        let mut conn = PgConnection::establish(&self.url).map_err(|error| ConnectError(error.to_string()))?;
        if let Some(roles) = &self.become_runtime {
            become_runtime(&mut conn, roles).map_err(|error| ConnectError(error.to_string()))?;
        }
        let watch = Arc::new(Watch::default());
        conn.set_instrumentation(Watcher(Arc::clone(&watch)));
        Ok(Link { conn, watch, generation: self.generation.current(), discard: false })
    }

    fn is_valid(&self, link: &mut Link) -> Result<(), ConnectError> {
        link.conn.ping().map_err(|error| ConnectError(error.to_string()))
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.discard || std::thread::panicking() || link.conn.is_broken() || self.generation.is_past(link)
    }
}

/// Why a connection could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConnectError(String);

#[derive(QueryableByName)]
struct IsRuntime {
    #[diesel(sql_type = Bool)]
    is_runtime: bool,
}

/// Where owner and runtime sign in as one user, the runtime role and its limits are taken on here; limits set on a role
/// count for sessions that sign in as it.
fn become_runtime(conn: &mut PgConnection, roles: &Roles) -> Result<(), Error> {
    let current: IsRuntime = diesel::sql_query("SELECT current_user = $1 AS is_runtime")
        .bind::<diesel::sql_types::Text, _>(&roles.runtime)
        .get_result(conn)?;
    if current.is_runtime {
        return Ok(());
    }
    conn.batch_execute(&format!("SET ROLE {}", ident(&roles.runtime)))?;
    for (name, value) in roles.session_settings() {
        crate::roles::set_setting(conn, name, &value)?;
    }
    let (name, value) = crate::roles::PLANNED_ONCE;
    crate::roles::set_setting(conn, name, value)
}

struct Watcher(Arc<Watch>);

impl Instrumentation for Watcher {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let watch = &self.0;
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                watch.statements.fetch_add(1, Ordering::Relaxed);
            }
            InstrumentationEvent::FinishQuery { error: Some(error), .. } => {
                watch.failed.store(true, Ordering::Relaxed);
                match Trouble::of(error) {
                    Some(Trouble::Lost) => watch.lost.store(true, Ordering::Relaxed),
                    Some(Trouble::StalePlan) => watch.stale.store(true, Ordering::Relaxed),
                    None => {}
                }
            }
            // A new transaction starts clean, and going back to a savepoint mends one.
            InstrumentationEvent::BeginTransaction { depth, .. } if depth.get() == 1 => {
                watch.failed.store(false, Ordering::Relaxed);
            }
            InstrumentationEvent::RollbackTransaction { depth, .. } if depth.get() > 1 => {
                watch.failed.store(false, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}
