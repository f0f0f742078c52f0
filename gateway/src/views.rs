//! Looks at jobs, on their way into the database. Reading a job is the hottest thing there is and must not wait for a write: a look is kept in memory
//! and written with the others every few seconds, by a thread of its own. What is kept is bounded; what there is no room for is counted and let go, for
//! one look more or less moves nothing.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use database::Error;
use kernel::Instant;
use marketplace::{JobLook, MarketplaceCommands};
use platform::Platform;

/// How long a look waits to be written.
const WRITE_EVERY: Duration = Duration::from_secs(2);
/// Looks that may wait; what comes beyond is let go.
const WAITING_MAX: usize = 4_000;
/// Looks that one statement writes.
const BATCH: usize = 1_000;
/// Looks of the day that are remembered, so that whoever reloads a page is not written again. When it is full it begins anew: the database counts each
/// once all the same.
const SEEN_MAX: usize = 50_000;
/// How long somebody who asks for it waits until all is written.
const PATIENCE: Duration = Duration::from_secs(5);
/// What programs that read on nobody's behalf call themselves, in small letters.
const PROGRAMS: [&str; 9] =
    ["bot", "crawl", "spider", "slurp", "preview", "headless", "monitor", "curl/", "wget/"];

#[derive(Default)]
struct Kept {
    day: NaiveDate,
    seen: HashSet<JobLook>,
    waiting: Vec<JobLook>,
}

/// Asks for everything to be written, and hears when it is.
type Ask = SyncSender<()>;

/// Takes looks at jobs.
pub(crate) struct Views {
    kept: Arc<Mutex<Kept>>,
    ask: SyncSender<Ask>,
}

/// Whether a request comes from a program and not from somebody who looks: by its own word, or because it does not say at all.
pub(crate) fn is_program(user_agent: Option<&str>) -> bool {
    user_agent.is_none_or(|name| {
        let name = name.to_ascii_lowercase();
        name.trim().is_empty() || PROGRAMS.iter().any(|program| name.contains(program))
    })
}

impl Views {
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn start(platform: &Platform) -> Result<Self, Error> {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (ask, asked) = sync_channel(1);
        let (marketplace, of_thread) = (platform.commands().marketplace.clone(), Arc::clone(&kept));
        std::thread::Builder::new()
            .name("job-views".to_owned())
            .spawn(move || keep_writing(marketplace.as_ref(), &of_thread, &asked))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { kept, ask })
    }

    /// Notes a look.
    pub(crate) fn note(&self, look: JobLook, now: Instant) {
        let mut kept = lock(&self.kept);
        let today = now.date_naive();
        if kept.day != today || kept.seen.len() >= SEEN_MAX {
            kept.seen.clear();
            kept.day = today;
        }
        if kept.waiting.len() >= WAITING_MAX {
            drop(kept);
            metrics::counter!("job_views_dropped_total").increment(1);
        } else if kept.seen.insert(look) {
            kept.waiting.push(look);
        }
    }

    /// Waits until everything noted so far is written; not for ever.
    pub(crate) fn finish(&self) {
        let (written, receiver) = sync_channel(1);
        if self.ask.try_send(written).is_err() || receiver.recv_timeout(PATIENCE).is_err() {
            tracing::warn!("some looks at jobs may not have been written down");
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    // Sets and lists of looks cannot be left half changed by a panic.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes until the server is gone, and once more then.
fn keep_writing(marketplace: &dyn MarketplaceCommands, kept: &Mutex<Kept>, asked: &Receiver<Ask>) {
    loop {
        let asked = asked.recv_timeout(WRITE_EVERY);
        write(marketplace, kept);
        match asked {
            Ok(written) => drop(written.send(())),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// What the database does not take is lost: it was interest of some seconds.
fn write(marketplace: &dyn MarketplaceCommands, kept: &Mutex<Kept>) {
    let looks = std::mem::take(&mut lock(kept).waiting);
    for batch in looks.chunks(BATCH) {
        if let Err(error) = marketplace.record_views(batch) {
            metrics::counter!("job_views_dropped_total")
                .increment(u64::try_from(batch.len()).unwrap_or(u64::MAX));
            tracing::warn!(%error, "looks at jobs could not be written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_people_by_what_they_call_themselves() {
        for program in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "curl/8.5.0",
            "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0",
            "facebookexternalhit/1.1 link preview",
            " ",
        ] {
            assert!(is_program(Some(program)), "{program}");
        }
        assert!(is_program(None));
        for person in [
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15",
            "okhttp/4.12.0",
            "FairTradeWorker/3.1 CFNetwork/1410",
        ] {
            assert!(!is_program(Some(person)), "{person}");
        }
    }
}
