//! Refused calls, on their way into the audit trail. Whoever is refused does not wait for that: a thread of its own writes, and what
//! one caller is refused beyond a number in a minute is counted in one row.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::{Method, StatusCode};
use audit::{AddressKey, Context};
use database::{Db, Error};
use kernel::PartyId;
use platform::Platform;

use crate::operation::{Operation, Who};

/// For how long a caller's refusals are counted together.
const WINDOW: Duration = Duration::from_secs(60);
/// Refusals that wait to be written; what comes beyond is counted.
const QUEUE: usize = 1_024;
/// Callers that are counted apart at a time; all beyond are counted as one.
const CALLERS_MAX: usize = 10_000;
/// How long a server that stops waits for the last rows.
const PATIENCE: Duration = Duration::from_secs(5);
/// The action and the reason of a row that stands for several.
const SEVERAL: &str = "several";

/// Whose refusals are counted together: an account's, an address's, or those of all whom there is no room for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Caller {
    Party(PartyId),
    Address([u8; 32]),
    Others,
}

/// What a caller was refused since some instant.
struct Tally {
    since: Instant,
    listed: u32,
    counted: u32,
    /// Who it is, for the row that says how many.
    context: Context,
}

/// A row to be written.
enum Note {
    Refused {
        context: Box<Context>,
        code: &'static str,
        times: u32,
    },
    /// Everything before it has been written when this is answered.
    Written(SyncSender<()>),
}

/// Takes refused calls.
pub(crate) struct Refusals {
    tallies: Mutex<HashMap<Caller, Tally>>,
    notes: SyncSender<Note>,
    most: u32,
}

/// Whether a refusal goes into the trail: of an operation that needs a right, everything that is refused to administrators' paths, and
/// sign-ins that failed.
pub(crate) fn is_noted(operation: &Operation, status: StatusCode) -> bool {
    match status {
        StatusCode::FORBIDDEN => true,
        StatusCode::UNAUTHORIZED => {
            operation.who == Who::Admin || operation.who == Who::Newcomer && operation.method == Method::POST
        }
        StatusCode::NOT_FOUND => operation.who == Who::Admin,
        _ => false,
    }
}

impl Refusals {
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn start(platform: &Platform) -> Result<Self, Error> {
        let (notes, received) = sync_channel(QUEUE);
        let db = platform.db().clone();
        std::thread::Builder::new()
            .name("audit-refusals".to_owned())
            .spawn(move || write(&db, &received))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let most = platform.audit().settings().refusals_per_minute;
        Ok(Self { tallies: Mutex::default(), notes, most })
    }

    /// Notes a refusal.
    pub(crate) fn note(&self, context: Context, code: &'static str) {
        let now = Instant::now();
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let mut caller = caller(&context);
        if tallies.len() >= CALLERS_MAX && !tallies.contains_key(&caller) {
            caller = Caller::Others;
        }
        let tally = tallies.entry(caller).or_insert_with(|| Tally::new(now, context.clone()));
        if now.duration_since(tally.since) >= WINDOW {
            self.tell_counted(tally);
            *tally = Tally::new(now, context.clone());
        }
        if tally.listed < self.most && self.send(context, code, 1) {
            tally.listed += 1;
        } else {
            tally.counted = tally.counted.saturating_add(1);
        }
    }

    /// Writes down how many there were beyond those listed, of callers whose minute is over, and forgets them.
    pub(crate) fn tidy(&self) {
        self.sweep(WINDOW);
    }

    /// Writes down what is counted, and waits until everything is written.
    pub(crate) fn finish(&self) {
        self.sweep(Duration::ZERO);
        let (written, receiver) = sync_channel(1);
        // A queue that is full is being written: what waits there is more than what could be waited for.
        if self.notes.try_send(Note::Written(written)).is_err() || receiver.recv_timeout(PATIENCE).is_err() {
            tracing::warn!("some refused calls may not have been written down");
        }
    }

    fn sweep(&self, older_than: Duration) {
        let now = Instant::now();
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.retain(|_, tally| {
            let over = now.duration_since(tally.since) >= older_than;
            // What there is no room for is told in the next round.
            !(over && self.tell_counted(tally))
        });
    }

    fn tell_counted(&self, tally: &Tally) -> bool {
        tally.counted == 0 || self.send(tally.context.summary(SEVERAL), SEVERAL, tally.counted)
    }

    fn send(&self, context: Context, code: &'static str, times: u32) -> bool {
        let note = Note::Refused { context: Box::new(context), code, times };
        match self.notes.try_send(note) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

impl Tally {
    fn new(since: Instant, context: Context) -> Self {
        Self { since, listed: 0, counted: 0, context }
    }
}

fn caller(context: &Context) -> Caller {
    match (context.party(), context.address()) {
        (Some(party), _) => Caller::Party(party),
        (None, Some(address)) => Caller::Address(AddressKey::bytes(address)),
        (None, None) => Caller::Others,
    }
}

/// Writes until the server is gone. What the database does not take is lost for the trail, and counted for the operator.
fn write(db: &Db, notes: &Receiver<Note>) {
    while let Ok(note) = notes.recv() {
        match note {
            Note::Refused { context, code, times } => {
                if let Err(error) = audit::refuse(db, &context, code, times) {
                    metrics::counter!("audit_refusals_lost_total").increment(u64::from(times));
                    tracing::warn!(%error, "a refused call could not be written down");
                }
            }
            Note::Written(answer) => drop(answer.send(())),
        }
    }
}
