//! [`Db`]: lends connections and runs transactions. A thread that holds a connection (see the executor) uses it for all
//! it does; any other takes one from the pool for each read or transaction.
//!
//! What is read or written does not belong here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::PgConnection;
use diesel::prelude::*;
use kernel::Instant;

use crate::error::{Error, TransactionError};
use crate::link::{Generation, Manager};
use crate::roles::Roles;
use crate::tx::{Session, Tx};

/// A connection as long as it is out of the pool.
pub(crate) type PooledLink = r2d2::PooledConnection<Manager>;

/// How often a checkout may find a connection from before a restart before it gives up. More than any pool holds.
const OUTDATED_MAX: u32 = 1_000;

diesel::define_sql_function! {
    /// The database's clock, which tests can turn.
    #[sql_name = "app.clock"]
    fn app_clock() -> diesel::sql_types::Timestamptz;
}

/// Where the database is, how many connections to open, and how long to wait for one.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// A `postgres://` URL or a key=value string.
    pub url: String,
    /// The most connections that this pool opens.
    pub max_connections: u32,
    /// How long a caller waits for a free one.
    pub checkout_timeout: Duration,
    /// The roles, when `url` signs in as somebody else than the runtime role: each connection then takes that role on.
    pub become_runtime: Option<Roles>,
}

impl PoolConfig {
    /// A pool of sixteen connections that waits five seconds.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 16,
            checkout_timeout: Duration::from_secs(5),
            become_runtime: None,
        }
    }
}

/// A handle on one database. Cheap to clone; every clone shares the pool.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

struct Shared {
    id: u64,
    pool: r2d2::Pool<Manager>,
    generation: Generation,
}

/// What a thread has of one database.
enum Slot {
    Idle(Box<Session>),
    /// Lent to a closure further up the stack.
    Lent,
    /// This thread holds a connection for life, and the one it had was given up: the next use takes another.
    Vacant,
}

/// What a transaction begins with.
type Opening = fn(&mut Tx<'_>);

thread_local! {
    static SLOTS: RefCell<HashMap<u64, Slot>> = RefCell::new(HashMap::new());
    static OPENINGS: RefCell<HashMap<u64, Opening>> = RefCell::new(HashMap::new());
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Db").field(&self.0.id).finish()
    }
}

impl Db {
    /// Opens the pool; connections are made as they are needed. Looks whether the server is one that we can use.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the first connection cannot be made; [`Error::UnfitServer`] when the server is too old or
    /// speaks another language than English.
    pub fn connect(config: &PoolConfig) -> Result<Self, Error> {
        let generation = Generation::default();
        let pool = r2d2::Pool::builder()
            .max_size(config.max_connections)
            .min_idle(Some(0))
            .connection_timeout(config.checkout_timeout)
            // The default asks the server at every checkout: a whole round trip, 40 % of the rate of small reads.
            .test_on_check_out(false)
            .error_handler(Box::new(LogConnectFailures))
            .build(Manager::new(config.url.clone(), config.become_runtime.clone(), generation.clone()))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let db = Self(Arc::new(Shared { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), pool, generation }));
        db.read(crate::server_check::check)?;
        Ok(db)
    }

    /// The most connections that the pool opens.
    #[must_use]
    pub fn max_connections(&self) -> u32 {
        self.0.pool.max_size()
    }

    /// Reads, outside a transaction, or inside the one that is under way on this thread. When the connection turns out to be
    /// lost at the first statement, another is taken and `work` runs once more.
    ///
    /// # Errors
    /// The closure's own, or [`Error`] when there is no connection.
    pub fn read<T, E: From<Error>>(
        &self,
        mut work: impl FnMut(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let (result, again) = self.read_once(&mut work)?;
        match result {
            Err(_) if again => self.read_once(&mut work)?.0,
            result => result,
        }
    }

    /// Runs `work` in a transaction, or joins the one that is under way on this thread. At the outermost level a deadlock
    /// or a serialization failure is tried again up to 5 times and a taken lock up to 2, after a random pause; so `work` may run
    /// more than once.
    ///
    /// # Errors
    /// The closure's own, after rolling back; [`Error`] when there is no connection or COMMIT failed.
    pub fn transaction<T, E: TransactionError>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.joins() {
            return self.join(|| self.lend()?.with(|session| work(&mut Tx { session })));
        }
        self.outermost(|db| db.lend()?.with(|session| work(&mut Tx { session })))
    }

    /// Runs `work` in a transaction that every [`Db::transaction`] and [`Db::read`] inside it joins: for putting calls of
    /// services, which open their own, into one unit. Tried again as [`Db::transaction`] is.
    ///
    /// # Errors
    /// As [`Db::transaction`].
    pub fn unit<T, E: TransactionError>(&self, mut work: impl FnMut() -> Result<T, E>) -> Result<T, E> {
        if self.joins() {
            return self.join(work);
        }
        self.outermost(|_| work())
    }

    /// Runs `work`; every outermost transaction on this database that it begins on this thread begins with `opening`. For what
    /// belongs to whole calls, such as the trail of who made them, and is none of the services' business.
    pub fn opening<T>(&self, opening: fn(&mut Tx<'_>), work: impl FnOnce() -> T) -> T {
        /// Puts the former one back, also when `work` panics.
        struct Restore(u64, Option<Opening>);
        impl Drop for Restore {
            fn drop(&mut self) {
                OPENINGS.with_borrow_mut(|openings| match self.1 {
                    Some(former) => openings.insert(self.0, former),
                    None => openings.remove(&self.0),
                });
            }
        }
        let former = OPENINGS.with_borrow_mut(|openings| openings.insert(self.0.id, opening));
        let _restore = Restore(self.0.id, former);
        work()
    }

    /// Whether a transaction is under way on this thread.
    #[must_use]
    pub fn joins(&self) -> bool {
        SLOTS.with_borrow(|slots| match slots.get(&self.0.id) {
            Some(Slot::Idle(session)) => session.in_transaction,
            Some(Slot::Lent) => true,
            Some(Slot::Vacant) | None => false,
        })
    }

    /// Takes a connection for this thread to keep until [`Db::release_held`]. When that connection is lost, the next use
    /// takes another in its place.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is none.
    pub fn hold(&self) -> Result<(), Error> {
        self.lend()?.with(|session| {
            session.held = true;
            Ok(())
        })
    }

    /// Gives up whatever connection this thread holds.
    pub fn release_held(&self) {
        take_slot(self.0.id);
    }

    /// The instant by the database's clock.
    ///
    /// # Errors
    /// [`Error`] when it cannot be asked.
    pub fn now(&self) -> Result<Instant, Error> {
        self.read(now)
    }

    /// Between two units of work of an executor's thread: whatever the last one left, the next starts on a connection with
    /// no transaction open.
    pub(crate) fn settle_thread(&self) {
        let left_open = SLOTS.with_borrow(|slots| match slots.get(&self.0.id) {
            Some(Slot::Idle(session)) => session.in_transaction,
            Some(Slot::Lent) => true,
            Some(Slot::Vacant) | None => false,
        });
        if left_open {
            self.abandon();
        }
    }

    /// One read, and whether it may be tried again: it failed because the connection is no good, and did nothing yet.
    fn read_once<T, E: From<Error>>(
        &self,
        work: &mut impl FnMut(&mut PgConnection) -> Result<T, E>,
    ) -> Result<(Result<T, E>, bool), E> {
        self.lend()?.with(|session| {
            let before = session.link.statements();
            let result = work(&mut session.link.conn);
            let begun = session.link.statements().wrapping_sub(before);
            let lost = session.link.was_lost() && begun <= 1;
            Ok((result, !session.in_transaction && (lost || session.link.is_stale())))
        })
    }

    /// Runs a part of the transaction under way; when it fails the whole must not be committed.
    fn join<T, E: From<Error>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let result = work();
        if result.is_err() {
            SLOTS.with_borrow_mut(|slots| {
                if let Some(Slot::Idle(session)) = slots.get_mut(&self.0.id) {
                    session.poisoned = true;
                }
            });
        }
        result
    }

    fn outermost<T, E: TransactionError>(&self, mut work: impl FnMut(&Self) -> Result<T, E>) -> Result<T, E> {
        let mut tried = 0;
        loop {
            let error = match self.attempt(&mut work) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let Some((_, cause)) = error.database().and_then(Error::retry).filter(|(most, _)| tried < *most)
            else {
                return Err(error);
            };
            tried += 1;
            metrics::counter!("database_transaction_retries_total", "cause" => cause).increment(1);
            std::thread::sleep(Duration::from_micros(rand::random_range(500..4_000 << tried.min(4))));
        }
    }

    /// One try: BEGIN, the work with the session parked where nested calls find it, the buffers, COMMIT.
    fn attempt<T, E: TransactionError>(&self, work: &mut impl FnMut(&Self) -> Result<T, E>) -> Result<T, E> {
        self.begin()?;
        // Leaves no open transaction behind, whatever happens in between: a panic included.
        let guard = Abandon { db: self };
        let opened = self.run_opening().map_err(E::from);
        let outcome = opened.and_then(|()| work(self)).and_then(|value| {
            let after_commit = self.lend()?.with(Session::finish)?;
            Ok((value, after_commit))
        });
        std::mem::forget(guard);
        match outcome {
            Ok((value, after_commit)) => {
                self.settle();
                for action in after_commit {
                    if catch_unwind(AssertUnwindSafe(action)).is_err() {
                        tracing::error!("what was to be done after a commit panicked");
                    }
                }
                Ok(value)
            }
            Err(error) => {
                let clean = self.lend().is_ok_and(|lent| {
                    let rolled_back: Result<bool, Error> = lent.with(|session| Ok(session.roll_back()));
                    rolled_back.unwrap_or(false)
                });
                if clean {
                    self.settle()
                } else {
                    self.abandon()
                }
                Err(error)
            }
        }
    }

    fn run_opening(&self) -> Result<(), Error> {
        let Some(opening) = OPENINGS.with_borrow(|openings| openings.get(&self.0.id).copied()) else {
            return Ok(());
        };
        self.lend()?.with(|session| {
            opening(&mut Tx { session });
            Ok(())
        })
    }

    /// BEGIN; on another connection when this one turns out to be lost, since nothing was done yet.
    fn begin(&self) -> Result<(), Error> {
        match self.lend()?.with(Session::begin) {
            Err(Error::Unavailable(_)) => self.lend()?.with(Session::begin),
            other => other,
        }
    }

    /// Back to idle after a transaction: a held connection stays, another goes back to the pool.
    fn settle(&self) {
        if let Some(Slot::Idle(mut session)) = take_slot(self.0.id) {
            session.reset();
            self.put(session);
        }
    }

    /// Throws this thread's connection away. A thread that holds one for life takes another at its next use.
    fn abandon(&self) {
        let vacant = match take_slot(self.0.id) {
            Some(Slot::Idle(mut session)) => {
                self.0.generation.inspect(&mut session.link);
                session.link.discard();
                session.held
            }
            Some(Slot::Vacant) => true,
            Some(Slot::Lent) | None => false,
        };
        if vacant {
            set_slot(self.0.id, Slot::Vacant);
        }
    }

    /// Parks a session where the next use finds it, or lets it go.
    fn put(&self, mut session: Box<Session>) {
        if !session.in_transaction {
            self.0.generation.inspect(&mut session.link);
        }
        if session.in_transaction || session.held && !session.link.is_discarded() {
            set_slot(self.0.id, Slot::Idle(session));
        } else if session.held {
            set_slot(self.0.id, Slot::Vacant);
        }
    }

    fn checkout(&self) -> Result<PooledLink, Error> {
        for _ in 0..OUTDATED_MAX {
            let link = self.0.pool.get().map_err(|error| Error::Unavailable(error.to_string()))?;
            if !self.0.generation.is_past(&link) {
                return Ok(link);
            }
        }
        Err(Error::Unavailable("every connection is from before a restart".to_owned()))
    }

    /// This thread's session, taken out of its slot for as long as the result lives.
    fn lend(&self) -> Result<Lent<'_>, Error> {
        let session = match set_slot(self.0.id, Slot::Lent) {
            Some(Slot::Lent) => return Err(Error::Reentrant),
            Some(Slot::Idle(session))
                if session.in_transaction || !self.0.generation.is_past(&session.link) =>
            {
                session
            }
            Some(Slot::Idle(outdated)) => {
                drop(outdated);
                self.fresh_session(true)?
            }
            Some(Slot::Vacant) => self.fresh_session(true)?,
            None => self.fresh_session(false)?,
        };
        Ok(Lent { db: self, session: Some(session) })
    }

    fn fresh_session(&self, held: bool) -> Result<Box<Session>, Error> {
        match self.checkout() {
            Ok(link) => Ok(Box::new(Session::new(link, held))),
            Err(error) => {
                take_slot(self.0.id);
                if held {
                    set_slot(self.0.id, Slot::Vacant);
                }
                Err(error)
            }
        }
    }
}

/// The instant by the database's clock, read now: after a lock was waited for, ask again.
///
/// # Errors
/// [`Error`] when it cannot be asked.
pub(crate) fn now(connection: &mut PgConnection) -> Result<Instant, Error> {
    Ok(diesel::select(app_clock()).get_result(connection)?)
}

// Whatever comes out of a slot is dropped by the caller, outside the borrow: it may hold closures that use a `Db`.

fn take_slot(id: u64) -> Option<Slot> {
    SLOTS.with_borrow_mut(|slots| slots.remove(&id))
}

fn set_slot(id: u64, slot: Slot) -> Option<Slot> {
    SLOTS.with_borrow_mut(|slots| slots.insert(id, slot))
}

/// A session out of its slot; goes back when dropped.
struct Lent<'a> {
    db: &'a Db,
    session: Option<Box<Session>>,
}

impl Lent<'_> {
    fn with<T, E: From<Error>>(mut self, work: impl FnOnce(&mut Session) -> Result<T, E>) -> Result<T, E> {
        match self.session.as_deref_mut() {
            Some(session) => work(session),
            None => Err(Error::Reentrant.into()),
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        take_slot(self.db.0.id);
        let Some(mut session) = self.session.take() else { return };
        if std::thread::panicking() {
            // Nobody knows what was half done. Inside a transaction it stays in its slot, so that nothing that still
            // runs on this thread goes past it, and the outermost level throws it away.
            session.poisoned = true;
            session.link.discard();
        }
        self.db.put(session);
    }
}

/// Throws the connection away when dropped.
struct Abandon<'a> {
    db: &'a Db,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.db.abandon();
    }
}

/// The pool tries again and again while the server is away; whoever waits is told the reason once.
#[derive(Debug)]
struct LogConnectFailures;

impl<E: std::error::Error> r2d2::HandleError<E> for LogConnectFailures {
    fn handle_error(&self, error: E) {
        tracing::debug!(%error, "connecting to Postgres failed");
    }
}
