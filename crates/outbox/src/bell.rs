//! The bells that a commit rings for the threads of its own process. Correctness rests on polling; they only save the wait.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Something to wait for.
pub(crate) struct Bell {
    rung: Mutex<u64>,
    waiting: Condvar,
}

/// Events were written: the keeper has to number them.
pub(crate) static EVENTS: Bell = Bell::new();
/// Tasks are due: a worker has to take them.
pub(crate) static TASKS: Bell = Bell::new();

/// Something was committed: other processes are to hear of it.
pub(crate) static COMMITS: Bell = Bell::new();

impl Bell {
    const fn new() -> Self {
        Self { rung: Mutex::new(0), waiting: Condvar::new() }
    }

    /// Wakes one thread. Who finds work behind the bell rings again, so that a burst wakes as many as it needs and a
    /// single task does not wake them all.
    pub(crate) fn ring(&self) {
        self.count_one();
        self.waiting.notify_one();
    }

    /// Wakes every thread.
    pub(crate) fn ring_all(&self) {
        self.count_one();
        self.waiting.notify_all();
    }

    /// How often the bell has rung: to be read before looking for work, so that no ring in between is missed.
    pub(crate) fn count(&self) -> u64 {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the bell has rung since `seen`, but no longer than this.
    pub(crate) fn wait(&self, seen: u64, longest: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        // The ring and the time-out mean the same to the caller: look again.
        drop(self.waiting.wait_timeout_while(rung, longest, |rung| *rung == seen));
    }

    fn count_one(&self) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        *rung = rung.wrapping_add(1);
    }
}
