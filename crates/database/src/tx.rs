//! [`Tx`]: a transaction under way, with what is to be written just before COMMIT and done just after it.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::r2d2::R2D2Connection;
use kernel::Instant;

use crate::db::{PooledLink, now};
use crate::error::Error;

type Flush = Box<dyn FnOnce(&mut Tx<'_>) -> Result<(), Error>>;

/// What one thread has under way on one database.
pub(crate) struct Session {
    pub(crate) link: PooledLink,
    /// Kept when nothing is under way, because this thread holds it for life.
    pub(crate) held: bool,
    pub(crate) in_transaction: bool,
    /// A part of the transaction failed, so that the whole must not be committed.
    pub(crate) poisoned: bool,
    buffers: HashMap<TypeId, Box<dyn Any>>,
    flushes: Vec<Flush>,
    /// Those that wait until no other is left.
    closings: Vec<Flush>,
    after_commit: Vec<Box<dyn FnOnce()>>,
}

impl Session {
    pub(crate) fn new(link: PooledLink, held: bool) -> Self {
        Self {
            link,
            held,
            in_transaction: false,
            poisoned: false,
            buffers: HashMap::new(),
            flushes: Vec::new(),
            closings: Vec::new(),
            after_commit: Vec::new(),
        }
    }

    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        AnsiTransactionManager::begin_transaction(&mut self.link.conn)?;
        self.in_transaction = true;
        Ok(())
    }

    /// Writes what is buffered and commits; then hands over what is to be done after that.
    pub(crate) fn finish(&mut self) -> Result<Vec<Box<dyn FnOnce()>>, Error> {
        self.check_whole()?;
        loop {
            let due = self.next_flushes();
            if due.is_empty() {
                break;
            }
            for flush in due {
                flush(&mut Tx { session: self })?;
            }
        }
        self.check_whole()?;
        AnsiTransactionManager::commit_transaction(&mut self.link.conn).map_err(
            |error| match Error::from(error) {
                Error::Unavailable(_) => Error::CommitUnknown,
                other => other,
            },
        )?;
        Ok(std::mem::take(&mut self.after_commit))
    }

    /// The ordinary ones in the order in which their buffers were begun; when none is left, those that close.
    fn next_flushes(&mut self) -> Vec<Flush> {
        let due = std::mem::take(&mut self.flushes);
        if due.is_empty() { std::mem::take(&mut self.closings) } else { due }
    }

    /// After a failed statement Postgres answers COMMIT with a quiet ROLLBACK and no error. Whoever swallowed the failure
    /// would be told that all is written.
    fn check_whole(&self) -> Result<(), Error> {
        if self.poisoned || self.link.transaction_failed() { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// Whether the transaction is over now and the connection fit for the next.
    pub(crate) fn roll_back(&mut self) -> bool {
        // A COMMIT that was refused has ended the transaction already.
        !self.link.conn.is_broken()
            || AnsiTransactionManager::rollback_transaction(&mut self.link.conn).is_ok()
                && !self.link.conn.is_broken()
    }

    pub(crate) fn reset(&mut self) {
        self.in_transaction = false;
        self.poisoned = false;
        self.buffers.clear();
        self.flushes.clear();
        self.closings.clear();
        self.after_commit.clear();
    }
}

/// A transaction under way. Only [`crate::Db::transaction`] makes one, and functions that need one say so by taking it.
pub struct Tx<'a> {
    pub(crate) session: &'a mut Session,
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl Tx<'_> {
    /// The connection, for diesel.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.session.link.conn
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
        self.slot(flush, |session| &mut session.flushes)
    }

    /// As [`Tx::buffer`], and flushed when every other buffer has been: the last statement before COMMIT. For what takes a lock
    /// that others want, and for what tells of all the rest.
    pub fn closing_buffer<T: Default + 'static>(
        &mut self,
        flush: fn(&mut Tx<'_>, T) -> Result<(), Error>,
    ) -> &mut T {
        self.slot(flush, |session| &mut session.closings)
    }

    fn slot<T: Default + 'static>(
        &mut self,
        flush: fn(&mut Tx<'_>, T) -> Result<(), Error>,
        turn: fn(&mut Session) -> &mut Vec<Flush>,
    ) -> &mut T {
        let key = TypeId::of::<T>();
        if !self.session.buffers.contains_key(&key) {
            turn(self.session).push(Box::new(move |tx: &mut Tx<'_>| {
                let filled = tx.session.buffers.remove(&key);
                match filled.and_then(|buffer| buffer.downcast::<T>().ok()) {
                    Some(buffer) => flush(tx, *buffer),
                    None => Ok(()),
                }
            }));
        }
        let slot = self.session.buffers.entry(key).or_insert_with(|| Box::new(T::default()));
        match slot.downcast_mut::<T>() {
            Some(buffer) => buffer,
            None => unreachable!("the map is keyed by the type of what is in it"),
        }
    }

    /// Does this once the outermost transaction has been committed; forgotten when it rolls back. A panic in it is logged and
    /// changes nothing: what is committed is told as committed.
    pub fn after_commit(&mut self, action: impl FnOnce() + 'static) {
        self.session.after_commit.push(Box::new(action));
    }
}
