//! Waking workers of other processes: a few NOTIFYs a second, outside any business transaction (inside one, a NOTIFY halves the rate
//! of commits), and a connection that listens. It only saves the wait for the next poll; nothing rests on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use database::{Db, Error, PgConnection};
use diesel::Connection;

use crate::{bell, store};

/// The least time between two NOTIFYs of one process.
const BETWEEN_NOTIFIES: Duration = Duration::from_millis(250);
/// How often the listening socket is looked at. It costs no round trip.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// How long to wait before a lost connection is made anew.
const BEFORE_RECONNECTING: Duration = Duration::from_secs(5);
/// The longest sleep of a thread that may be told to stop.
const NAP: Duration = Duration::from_millis(100);

/// A thread that helps others wake up; ends when this is dropped.
#[derive(Debug)]
struct Helper {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Helper {
    fn start(name: &str, body: impl FnOnce(&AtomicBool) + Send + 'static) -> Result<Self, Error> {
        let stopping = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || body(&told));
        let thread = thread.map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { stopping, thread: Some(thread) })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        bell::COMMITS.ring_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to stop.
            drop(thread.join());
        }
    }
}

/// Tells other processes, a few times a second at most, that this one has committed something. For every process that serves
/// requests; ends when dropped.
#[derive(Debug)]
pub struct Waker(#[expect(dead_code, reason = "held for its end")] Helper);

impl Waker {
    /// Starts the thread. It uses a connection for a moment at a time.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no thread can be made.
    pub fn start(db: Db) -> Result<Self, Error> {
        Helper::start("outbox-waker", move |stopping| wake_others(&db, stopping)).map(Self)
    }
}

fn wake_others(db: &Db, stopping: &AtomicBool) {
    let mut seen = bell::COMMITS.count();
    while !stopping.load(Ordering::Acquire) {
        bell::COMMITS.wait(seen, NAP);
        let now = bell::COMMITS.count();
        if now == seen || stopping.load(Ordering::Acquire) {
            continue;
        }
        seen = now;
        if let Err(error) = db.read(store::notify) {
            tracing::debug!(%error, "other processes were not woken; they will find out by polling");
        }
        nap(BETWEEN_NOTIFIES, stopping);
    }
}

/// Wakes the workers of this process when another one has committed something; ends when dropped.
#[derive(Debug)]
pub struct Listener(#[expect(dead_code, reason = "held for its end")] Helper);

impl Listener {
    /// Starts the thread. The address must lead to Postgres itself: behind a pooler in transaction mode nobody listens.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no thread can be made. A connection that cannot be made is tried again, and told in the log.
    pub fn start(direct_url: &str) -> Result<Self, Error> {
        let url = direct_url.to_owned();
        Helper::start("outbox-listener", move |stopping| {
            while !stopping.load(Ordering::Acquire) {
                if let Err(error) = listen(&url, stopping) {
                    tracing::warn!(%error, "workers are not woken by other processes, they poll");
                    nap(BEFORE_RECONNECTING, stopping);
                }
            }
        })
        .map(Self)
    }
}

fn listen(url: &str, stopping: &AtomicBool) -> Result<(), Error> {
    let mut connection =
        PgConnection::establish(url).map_err(|error| Error::Unavailable(error.to_string()))?;
    store::listen(&mut connection)?;
    // Something may have been committed while nobody listened.
    let mut woken = true;
    while !stopping.load(Ordering::Acquire) {
        for notification in connection.notifications_iter() {
            notification?;
            woken = true;
        }
        if std::mem::take(&mut woken) {
            bell::EVENTS.ring();
            bell::TASKS.ring();
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(())
}

fn nap(length: Duration, stopping: &AtomicBool) {
    let until = Instant::now() + length;
    while !stopping.load(Ordering::Acquire) && Instant::now() < until {
        std::thread::sleep(NAP.min(until.saturating_duration_since(Instant::now())));
    }
}
