//! One kind of threads with its queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use metrics::{Counter, Gauge, Histogram};
use tokio::sync::oneshot;

use super::answer::{Answer, Rejected};
use crate::db::Db;
use crate::error::Error;

/// How often a lane that is being waited for is looked at.
const JOIN_PAUSE: Duration = Duration::from_millis(2);

pub(super) struct LaneSpec {
    pub(super) name: &'static str,
    pub(super) threads: u16,
    pub(super) queue: u16,
    /// Whether each thread holds a connection for life.
    pub(super) pinned: bool,
    pub(super) retry_after: Duration,
}

pub(super) struct Lane {
    sender: Sender<Message>,
    closed: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
    retry_after: Duration,
    metrics: LaneMetrics,
}

enum Message {
    Work(Unit),
    /// One for each thread, behind all work.
    End,
}

struct Unit {
    deadline: Instant,
    queued: Instant,
    /// Does it, or says why not.
    run: Box<dyn FnOnce(Option<Rejected>) -> Outcome + Send>,
}

#[derive(PartialEq, Eq)]
enum Outcome {
    Ended,
    Panicked,
}

/// Looked up once: a look-up by name and labels at every unit would show.
#[derive(Clone)]
pub(super) struct LaneMetrics {
    pub(super) wait: Histogram,
    pub(super) depth: Gauge,
    pub(super) full: Counter,
    pub(super) late: Counter,
    pub(super) panics: Counter,
}

impl LaneMetrics {
    pub(super) fn new(lane: &'static str) -> Self {
        Self {
            wait: metrics::histogram!("executor_queue_wait_seconds", "lane" => lane),
            depth: metrics::gauge!("executor_queue_depth", "lane" => lane),
            full: metrics::counter!("executor_rejected_total", "lane" => lane, "reason" => "full"),
            late: metrics::counter!("executor_rejected_total", "lane" => lane, "reason" => "late"),
            panics: metrics::counter!("executor_panics_total", "lane" => lane),
        }
    }

    /// A queue's length as a gauge takes it; queues are bounded far below what a float counts exactly.
    pub(super) fn set_depth(&self, length: usize) {
        self.depth.set(f64::from(u32::try_from(length).unwrap_or(u32::MAX)));
    }
}

impl Lane {
    pub(super) fn start(db: &Db, spec: LaneSpec) -> Result<Self, Error> {
        let (sender, receiver) = crossbeam_channel::bounded(spec.queue.into());
        let metrics = LaneMetrics::new(spec.name);
        let mut threads = Vec::with_capacity(spec.threads.into());
        let (ready, started) = crossbeam_channel::bounded(spec.threads.into());
        for number in 0..spec.threads {
            let (db, receiver, metrics, ready) =
                (db.clone(), receiver.clone(), metrics.clone(), ready.clone());
            let thread =
                std::thread::Builder::new().name(format!("{}-{number}", spec.name)).spawn(move || {
                    let held = if spec.pinned { db.hold() } else { Ok(()) };
                    let go = held.is_ok();
                    // The starter went away only if another thread failed; then this one has nothing to do either.
                    let told = ready.send(held).is_ok();
                    drop(ready);
                    if told && go {
                        serve(&db, &receiver, &metrics, spec.retry_after);
                    }
                    db.release_held();
                });
            threads.push(thread.map_err(|error| Error::Unavailable(format!("no thread: {error}")))?);
        }
        drop(ready);
        for held in started {
            held?;
        }
        Ok(Self {
            sender,
            closed: AtomicBool::new(false),
            threads: Mutex::new(threads),
            retry_after: spec.retry_after,
            metrics,
        })
    }

    pub(super) fn submit<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        if self.closed.load(Ordering::Acquire) {
            return Answer::rejected(Rejected::Stopping);
        }
        let (sender, receiver) = oneshot::channel();
        let run = move |rejected: Option<Rejected>| {
            let result = match rejected {
                Some(why) => Err(why),
                None => catch_unwind(AssertUnwindSafe(work)).map_err(|_| Rejected::Panicked),
            };
            let outcome =
                if matches!(result, Err(Rejected::Panicked)) { Outcome::Panicked } else { Outcome::Ended };
            // Nobody may be waiting any more.
            let _ = sender.send(result);
            outcome
        };
        let unit = Unit { deadline, queued: Instant::now(), run: Box::new(run) };
        match self.sender.try_send(Message::Work(unit)) {
            Ok(()) => {
                self.metrics.set_depth(self.sender.len());
                Answer::waiting(receiver)
            }
            Err(TrySendError::Full(_)) => {
                self.metrics.full.increment(1);
                Answer::rejected(Rejected::Full { retry_after: self.retry_after })
            }
            Err(TrySendError::Disconnected(_)) => Answer::rejected(Rejected::Stopping),
        }
    }

    /// Takes nothing new, and tells each thread to end when all before is done.
    pub(super) fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).len();
        let sender = self.sender.clone();
        // The queue may be full, and the caller has other lanes to close.
        std::thread::spawn(move || {
            for _ in 0..threads {
                if sender.send(Message::End).is_err() {
                    return;
                }
            }
        });
    }

    /// Waits for the threads to end; says whether all did.
    pub(super) fn join(&self, deadline: Instant) -> bool {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            threads.retain(|thread| !thread.is_finished());
            if threads.is_empty() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(JOIN_PAUSE);
        }
    }
}

/// A thread's life.
fn serve(db: &Db, receiver: &Receiver<Message>, metrics: &LaneMetrics, retry_after: Duration) {
    while let Ok(Message::Work(unit)) = receiver.recv() {
        let now = Instant::now();
        metrics.wait.record(now.duration_since(unit.queued).as_secs_f64());
        metrics.set_depth(receiver.len());
        let late = now > unit.deadline;
        if late {
            metrics.late.increment(1);
        }
        let outcome = (unit.run)(late.then_some(Rejected::Late { retry_after }));
        if outcome == Outcome::Panicked {
            metrics.panics.increment(1);
        }
        db.settle_thread();
    }
}
