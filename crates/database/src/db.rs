//! [`Db`]: lends connections and runs transactions. A thread that holds a connection (see the executor) uses it for all
//! it does; any other takes one from the pool for each read or transaction.
//!
//! What is read or written does not belong here.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection};
use kernel::Instant;

use crate::error::{Error, TransactionError};

diesel::define_sql_function! {
    /// The database's clock, which tests can turn.
    #[sql_name = "app.clock"]
    fn app_clock() -> diesel::sql_types::Timestamptz;
}

/// How many connections, and how long to wait for one.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// A `postgres://` URL or a key=value string.
    pub url: String,
    /// The most connections that this pool opens.
    pub max_connections: u32,
    /// How long a caller waits for a free one.
    pub checkout_timeout: Duration,
}

/// A handle on one database. Cheap to clone; every clone shares the pool.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

struct Shared {
    id: u64,
    pool: Pool<ConnectionManager<PgConnection>>,
}

/// What one thread has under way on one database.
struct Session {
    connection: PooledConnection<ConnectionManager<PgConnection>>,
    /// Kept when nothing is under way, because this thread holds it for life.
    held: bool,
    in_transaction: bool,
    poisoned: bool,
    buffers: HashMap<TypeId, Box<dyn Any>>,
    flushes: Vec<Flush>,
    after_commit: Vec<Box<dyn FnOnce()>>,
}

type Flush = Box<dyn FnOnce(&mut Tx<'_>) -> Result<(), Error>>;

enum Slot {
    Idle(Box<Session>),
    /// Lent to a closure further up the stack.
    Lent,
}

thread_local! {
    static SLOTS: RefCell<HashMap<u64, Slot>> = RefCell::new(HashMap::new());
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Db").field(&self.0.id).finish()
    }
}

impl Db {
    /// Opens the pool; connections are made as they are needed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the first connection cannot be made.
    pub fn connect(config: &PoolConfig) -> Result<Self, Error> {
        let pool = Pool::builder()
            .max_size(config.max_connections)
            .min_idle(Some(0))
            .connection_timeout(config.checkout_timeout)
            // The default asks the server at every checkout: a whole round trip, 40 % of the rate of small reads.
            .test_on_check_out(false)
            .build(ConnectionManager::new(config.url.as_str()))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let db = Self(Arc::new(Shared { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), pool }));
        drop(db.checkout()?);
        Ok(db)
    }

    /// Reads, outside a transaction, or inside the one that is under way on this thread.
    ///
    /// # Errors
    /// The closure's own, or [`Error`] when there is no connection.
    pub fn read<T, E: From<Error>>(
        &self,
        mut work: impl FnMut(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut lent = self.lend()?;
        work(&mut lent.session()?.connection)
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
            let mut lent = self.lend()?;
            let session = lent.session()?;
            let result = work(&mut Tx { session });
            if result.is_err() {
                session.poisoned = true;
            }
            return result;
        }
        self.outermost(|db| {
            let mut lent = db.lend()?;
            work(&mut Tx { session: lent.session()? })
        })
    }

    /// Runs `work` in a transaction that every [`Db::transaction`] and [`Db::read`] inside it joins: for putting calls of
    /// services, which open their own, into one unit. Tried again as [`Db::transaction`] is.
    ///
    /// # Errors
    /// As [`Db::transaction`].
    pub fn unit<T, E: TransactionError>(&self, mut work: impl FnMut() -> Result<T, E>) -> Result<T, E> {
        if self.joins() {
            return work();
        }
        self.outermost(|_| work())
    }

    /// Whether a transaction is under way on this thread.
    #[must_use]
    pub fn joins(&self) -> bool {
        SLOTS.with_borrow(|slots| match slots.get(&self.0.id) {
            Some(Slot::Idle(session)) => session.in_transaction,
            Some(Slot::Lent) => true,
            None => false,
        })
    }

    /// Takes a connection for this thread to keep until [`Db::release_held`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is none.
    pub fn hold(&self) -> Result<(), Error> {
        let mut lent = self.lend()?;
        lent.session()?.held = true;
        Ok(())
    }

    /// Gives up whatever connection this thread holds; after a failure that is the way to a clean one.
    pub fn release_held(&self) {
        SLOTS.with_borrow_mut(|slots| slots.remove(&self.0.id));
    }

    /// The instant by the database's clock.
    ///
    /// # Errors
    /// [`Error`] when it cannot be asked.
    pub fn now(&self) -> Result<Instant, Error> {
        self.read(now)
    }

    fn outermost<T, E: TransactionError>(&self, mut work: impl FnMut(&Self) -> Result<T, E>) -> Result<T, E> {
        let mut tried = 0;
        loop {
            let error = match self.attempt(&mut work) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let Some(cause) = error.database().and_then(Error::retry).filter(|(most, _)| tried < *most)
            else {
                return Err(error);
            };
            tried += 1;
            metrics::counter!("database_transaction_retries_total", "cause" => cause.1).increment(1);
            std::thread::sleep(Duration::from_micros(rand::random_range(500..4_000 << tried.min(4))));
        }
    }

    /// One try: BEGIN, the work with the session parked where nested calls find it, the buffers, COMMIT.
    fn attempt<T, E: TransactionError>(&self, work: &mut impl FnMut(&Self) -> Result<T, E>) -> Result<T, E> {
        {
            let mut lent = self.lend()?;
            let session = lent.session()?;
            begin(session)?;
        }
        // Leaves no open transaction behind, whatever happens in between: a panic included.
        let guard = Abandon { db: self };
        let outcome = work(self).and_then(|value| {
            let mut lent = self.lend()?;
            let session = lent.session()?;
            if session.poisoned {
                return Err(Error::Poisoned.into());
            }
            flush(session)?;
            commit(session)?;
            Ok((value, std::mem::take(&mut session.after_commit)))
        });
        match outcome {
            Ok((value, after_commit)) => {
                std::mem::forget(guard);
                self.settle();
                for action in after_commit {
                    action();
                }
                Ok(value)
            }
            Err(error) => {
                if error.database().is_some_and(Error::breaks_connection) {
                    drop(guard);
                } else {
                    std::mem::forget(guard);
                    self.roll_back();
                }
                Err(error)
            }
        }
    }

    /// Back to idle after a commit: a held connection stays, another goes back to the pool.
    fn settle(&self) {
        SLOTS.with_borrow_mut(|slots| {
            if let Some(Slot::Idle(session)) = slots.get_mut(&self.0.id) {
                session.reset();
                if !session.held {
                    slots.remove(&self.0.id);
                }
            }
        });
    }

    fn roll_back(&self) {
        let clean = match self.lend() {
            Ok(mut lent) => lent.session().is_ok_and(|session| {
                AnsiTransactionManager::rollback_transaction(&mut *session.connection).is_ok()
            }),
            Err(_) => false,
        };
        if clean { self.settle() } else { self.release_held() }
    }

    fn checkout(&self) -> Result<PooledConnection<ConnectionManager<PgConnection>>, Error> {
        self.0.pool.get().map_err(|error| Error::Unavailable(error.to_string()))
    }

    /// This thread's session, taken out of its slot for as long as the result lives.
    fn lend(&self) -> Result<Lent<'_>, Error> {
        let taken = SLOTS.with_borrow_mut(|slots| slots.insert(self.0.id, Slot::Lent));
        let session = match taken {
            Some(Slot::Idle(session)) => session,
            Some(Slot::Lent) => return Err(Error::Reentrant),
            None => match self.checkout() {
                Ok(connection) => Box::new(Session::new(connection)),
                Err(error) => {
                    self.release_held();
                    return Err(error);
                }
            },
        };
        Ok(Lent { db: self, session: Some(session) })
    }
}

/// The instant by the database's clock, read now: after a lock was waited for, ask again.
///
/// # Errors
/// [`Error`] when it cannot be asked.
pub(crate) fn now(connection: &mut PgConnection) -> Result<Instant, Error> {
    Ok(diesel::select(app_clock()).get_result(connection)?)
}

fn begin(session: &mut Session) -> Result<(), Error> {
    AnsiTransactionManager::begin_transaction(&mut *session.connection)?;
    session.in_transaction = true;
    Ok(())
}

fn flush(session: &mut Session) -> Result<(), Error> {
    while !session.flushes.is_empty() {
        for flush in std::mem::take(&mut session.flushes) {
            flush(&mut Tx { session })?;
        }
    }
    Ok(())
}

fn commit(session: &mut Session) -> Result<(), Error> {
    AnsiTransactionManager::commit_transaction(&mut *session.connection).map_err(|error| {
        match Error::from(error) {
            Error::Unavailable(_) => Error::CommitUnknown,
            other => other,
        }
    })
}

impl Session {
    fn new(connection: PooledConnection<ConnectionManager<PgConnection>>) -> Self {
        Self {
            connection,
            held: false,
            in_transaction: false,
            poisoned: false,
            buffers: HashMap::new(),
            flushes: Vec::new(),
            after_commit: Vec::new(),
        }
    }

    fn reset(&mut self) {
        self.in_transaction = false;
        self.poisoned = false;
        self.buffers.clear();
        self.flushes.clear();
        self.after_commit.clear();
    }
}

/// A session out of its slot; goes back when dropped, or is thrown away when the thread is panicking.
struct Lent<'a> {
    db: &'a Db,
    session: Option<Box<Session>>,
}

impl Lent<'_> {
    fn session(&mut self) -> Result<&mut Session, Error> {
        self.session.as_deref_mut().ok_or(Error::Reentrant)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let keep = self.session.take().filter(|session| {
            // After a panic the connection may be inside a transaction that nobody will ever commit.
            !std::thread::panicking() && (session.held || session.in_transaction)
        });
        SLOTS.with_borrow_mut(|slots| match keep {
            Some(session) => slots.insert(self.db.0.id, Slot::Idle(session)),
            None => slots.remove(&self.db.0.id),
        });
    }
}

/// Throws the connection away when dropped.
struct Abandon<'a> {
    db: &'a Db,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.db.release_held();
    }
}

/// A transaction under way. Only [`Db::transaction`] makes one, and functions that need one say so by taking it.
pub struct Tx<'a> {
    session: &'a mut Session,
}

impl Tx<'_> {
    /// The connection, for diesel.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.session.connection
    }

    /// The instant by the database's clock, read now: after a lock was waited for, ask again.
    ///
    /// # Errors
    /// [`Error`] when it cannot be asked.
    pub fn now(&mut self) -> Result<Instant, Error> {
        now(self.conn())
    }

    /// A buffer that lives as long as this transaction; `flush` gets what is in it just before COMMIT. For rows that many
    /// places add to and one statement can write.
    pub fn buffer<T: Default + 'static>(&mut self, flush: fn(&mut Tx<'_>, T) -> Result<(), Error>) -> &mut T {
        let Session { buffers, flushes, .. } = &mut *self.session;
        let slot = buffers.entry(TypeId::of::<T>()).or_insert_with(|| {
            flushes.push(Box::new(move |tx: &mut Tx<'_>| {
                let filled = tx.session.buffers.remove(&TypeId::of::<T>());
                match filled.and_then(|buffer| buffer.downcast::<T>().ok()) {
                    Some(buffer) => flush(tx, *buffer),
                    None => Ok(()),
                }
            }));
            Box::new(T::default())
        });
        // The map is keyed by the type, so the cast holds; a fresh buffer is the harmless answer if it ever did not.
        if !slot.is::<T>() {
            *slot = Box::new(T::default());
        }
        match slot.downcast_mut::<T>() {
            Some(buffer) => buffer,
            None => unreachable!("the slot was just filled with this type"),
        }
    }

    /// Does this once the outermost transaction has been committed; forgotten when it rolls back.
    pub fn after_commit(&mut self, action: impl FnOnce() + 'static) {
        self.session.after_commit.push(Box::new(action));
    }
}
