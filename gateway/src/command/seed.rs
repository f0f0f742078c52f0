//! `fairtrade seed`: fills a database that nobody lives in.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use ::seed::{Error, Filled, Plan, Progress, check_own, fill};
use database::Db;
use serde_json::json;

use super::access::Access;
use super::admin::from_domain;
use super::args::Seed;
use super::assembly::{self, Use};
use super::failure::Failure;
use super::output::Voice;
use super::trail;
use crate::config::{Environment, Loaded};

/// Between two lines, where nobody sits before the terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Between two changes of the bar.
const BAR_EVERY: Duration = Duration::from_millis(200);
/// Characters of the bar.
const BAR: u64 = 28;

/// Makes and loads what is asked for, and says how long that took.
///
/// # Errors
/// [`Failure::Refused`] in production, and of a database that is not the seed's own.
pub(super) fn run(asked: &Seed, voice: Voice, loaded: &Loaded) -> Result<(), Failure> {
    if loaded.environment == Environment::Production {
        return Err(Failure::Refused(
            "people and jobs that were made up do not belong into a production installation".to_owned(),
        ));
    }
    let access = Access::open(loaded)?;
    let result = assembly::current_schema(&access, false).and_then(|()| {
        let db = access.connect_as_owner()?;
        let filled = trail::acting_on(&db, "fairtrade seed", || put_in(asked, loaded, &db))?;
        drop(db);
        follow(loaded, &access)?;
        Ok(filled)
    });
    let closed = access.close();
    let filled = result?;
    closed?;
    tell(asked, &filled, voice)
}

fn put_in(asked: &Seed, loaded: &Loaded, db: &Db) -> Result<Filled, Failure> {
    check_own(db, asked.seed).map_err(|error| refused(&error))?;
    let now = db.now().map_err(|error| from_domain(&error))?;
    let plan = Plan::new(asked.seed, asked.jobs, asked.bids, now);
    let plan = Plan { people: asked.people.unwrap_or(plan.people), ..plan };
    let all = u64::from(plan.people) + u64::from(plan.jobs) + u64::from(plan.bids);
    let mut teller = Teller::new(all);
    let filled =
        fill(db, &plan, &loaded.config.platform().marketplace, &mut |progress| teller.tell(progress));
    teller.end();
    filled.map_err(|error| refused(&error))
}

/// Does what the rows are a reason for and no time has to pass for: the words of all jobs, the figures that are due.
fn follow(loaded: &Loaded, access: &Access) -> Result<(), Failure> {
    let platform = assembly::assemble(loaded, access, Use::Command)?.platform;
    outbox::run_due(platform.db(), &platform.registry()).map_err(|error| from_domain(&error))?;
    Ok(())
}

fn refused(error: &Error) -> Failure {
    match error {
        Error::Refused(refusal) => Failure::Refused(refusal.to_string()),
        Error::Database(error) => from_domain(error),
    }
}

fn tell(asked: &Seed, filled: &Filled, voice: Voice) -> Result<(), Failure> {
    let Filled { people, jobs, bids, reviews, elapsed } = *filled;
    let seconds = elapsed.as_secs_f64();
    let value = json!({
        "seed": asked.seed, "people": people, "jobs": jobs, "bids": bids, "reviews": reviews, "seconds": seconds,
    });
    voice.tell(&value, || {
        format!(
            "Number {}: {} people, {} jobs, {} bids and {} reviews in {seconds:.1} s.",
            asked.seed,
            grouped(people),
            grouped(jobs),
            grouped(bids),
            grouped(reviews)
        )
    })
}

/// Tells on standard error how far it is: a bar before somebody's eyes, a line now and then for a log.
struct Teller {
    all: u64,
    live: bool,
    told: Option<Instant>,
    stage: &'static str,
}

impl Teller {
    fn new(all: u64) -> Self {
        Self { all, live: std::io::stderr().is_terminal(), told: None, stage: "" }
    }

    fn tell(&mut self, progress: Progress) {
        let (stage, line) = match progress {
            Progress::Loading(filled) => ("loading", self.loading(&filled)),
            Progress::Indexing(done, all) => ("indexing", format!("indexes and keys: {done} of {all}")),
            Progress::Listing => ("listing", "the directory and the figures".to_owned()),
            Progress::Analyzing => ("analyzing", "figures for the planner".to_owned()),
        };
        let pause = if self.live { BAR_EVERY } else { LINE_EVERY };
        let due = stage != self.stage || self.told.is_none_or(|told| told.elapsed() >= pause);
        if due {
            self.stage = stage;
            self.told = Some(Instant::now());
            self.write(&line);
        }
    }

    fn loading(&self, filled: &Filled) -> String {
        let done = filled.people + filled.jobs + filled.bids;
        let millis = u64::try_from(filled.elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = done.saturating_mul(1_000) / millis;
        let counts = format!(
            "{} % · {} of {} · {} a second",
            done.min(self.all) * 100 / self.all.max(1),
            grouped(done),
            grouped(self.all),
            grouped(rate)
        );
        if self.live { format!("{} {counts}", bar(done, self.all)) } else { counts }
    }

    /// Whoever does not read this has lost nothing: a terminal that has gone is no failure.
    fn write(&self, line: &str) {
        let mut out = std::io::stderr().lock();
        let _ = if self.live {
            write!(out, "\r\x1b[2K{line}").and_then(|()| out.flush())
        } else {
            writeln!(out, "{line}")
        };
    }

    fn end(&self) {
        if self.live && self.told.is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[2K");
        }
    }
}

fn bar(done: u64, all: u64) -> String {
    let full = usize::try_from(done.min(all) * BAR / all.max(1)).unwrap_or_default();
    let empty = usize::try_from(BAR).unwrap_or_default().saturating_sub(full);
    format!("[{}{}]", "#".repeat(full), "·".repeat(empty))
}

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_and_bars_are_never_longer_than_they_are() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), shown);
        }
        assert_eq!(bar(7, 14).matches('#').count(), 14);
        assert_eq!(bar(20, 10), format!("[{}]", "#".repeat(28)));
        assert_eq!(bar(0, 0), format!("[{}]", "·".repeat(28)));
    }

    #[test]
    fn a_line_tells_how_much_of_how_much_and_how_fast() {
        let teller = Teller { all: 2_000, live: false, told: None, stage: "" };
        let filled = Filled { people: 200, jobs: 800, elapsed: Duration::from_secs(2), ..Filled::default() };
        assert_eq!(teller.loading(&filled), "50 % · 1,000 of 2,000 · 500 a second");
    }
}
