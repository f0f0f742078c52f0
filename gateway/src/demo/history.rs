//! The town around the hand-made scenes: jobs that others posted, and what was awarded in the last months, so that searches find something,
//! and figures, which need five people and five jobs, have something to tell. Nobody of it can sign in.

use ::seed::{Error, Plan, fill, is_in};
use database::Db;
use marketplace::Settings;

use crate::command::Failure;

/// Where the scenes are, too.
const CITY: &str = "Austin";
/// The numbers that the two parts are made from.
const PAST: u64 = 1;
const OPEN: u64 = 2;

/// Puts in what is missing of it; false when nothing was.
///
/// # Errors
/// [`Failure::Database`].
pub fn history(db: &Db, settings: &Settings) -> Result<bool, Failure> {
    let failed =
        |error: Error| Failure::Database(format!("the history of the demo could not be put in: {error}"));
    let now = db.now().map_err(|error| Failure::Database(error.to_string()))?;
    let around = |plan: Plan| Plan { city: Some(CITY.to_owned()), ..plan };
    // Few trades over a few months, so that each of them has enough in every month.
    let past =
        Plan { people: 120, open_percent: 0, days: 180, trades: Some(4), ..Plan::new(PAST, 420, 2_100, now) };
    let open = Plan { people: 80, open_percent: 100, days: 101, ..Plan::new(OPEN, 170, 500, now) };
    let mut changed = false;
    for plan in [past, open].map(around) {
        if !is_in(db, plan.number).map_err(failed)? {
            fill(db, &plan, settings, &mut |_| {}).map_err(failed)?;
            changed = true;
        }
    }
    Ok(changed)
}
