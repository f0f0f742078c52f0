//! Brings what is made into the database: one thread makes, this one loads, in one transaction.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant as Moment};

use audit::Object;
use database::{Db, Tx};
use kernel::PartyId;
use marketplace::{Settings, bulk};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Error, Refusal};
use crate::plan::Plan;
use crate::store::{self, Seeding};
use crate::work::{Batch, Stop, make};

/// Batches that wait to be loaded.
const WAITING: usize = 4;
/// From so many rows on, indexes are made anew after loading.
const MANY: u32 = 50_000;
/// Contractors that are put into the directory at once.
const LISTED: u16 = 2_000;

/// What has been loaded, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filled {
    /// People.
    pub people: u64,
    /// Jobs.
    pub jobs: u64,
    /// Bids; each may have more than one revision.
    pub bids: u64,
    /// Reviews.
    pub reviews: u64,
    /// From the first row to the last.
    pub elapsed: Duration,
}

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Rows come in.
    Loading(Filled),
    /// So many of so many indexes and foreign keys are made anew.
    Indexing(usize, usize),
    /// Contractors go into the directory, jobs and bids into the figures.
    Listing,
    /// The planner is told.
    Analyzing,
}

/// Whether this database may be seeded with that number.
///
/// # Errors
/// [`Refusal::AlreadyIn`], [`Refusal::NotItsOwn`], or the database's.
pub fn check_own(db: &Db, number: u64) -> Result<(), Error> {
    db.read(|conn| {
        if store::is_in(conn, stored(number))? {
            return Err(Refusal::AlreadyIn(number).into());
        }
        let (people, jobs) = store::made(conn)?;
        let others = (identity::bulk::count(conn)? - people, bulk::count_jobs(conn)? - jobs);
        match others {
            (0, 0) => Ok(()),
            (people, jobs) => Err(Refusal::NotItsOwn { people, jobs }.into()),
        }
    })
}

/// Whether that number is in.
///
/// # Errors
/// The database's.
pub fn is_in(db: &Db, number: u64) -> Result<bool, Error> {
    Ok(db.read(|conn| store::is_in(conn, stored(number)))?)
}

/// Makes what the plan says and loads it, all or nothing; whether it may is for [`check_own`]. As the owner of the tables it is several times
/// faster than as the runtime role when there is much of it.
///
/// # Errors
/// [`Refusal`] of what cannot be made; the database's.
pub fn fill(
    db: &Db,
    plan: &Plan,
    settings: &Settings,
    told: &mut dyn FnMut(Progress),
) -> Result<Filled, Error> {
    plan.check()?;
    let many = plan.jobs.saturating_add(plan.bids) >= MANY;
    let filled = db.transaction(|tx| {
        let begun = Moment::now();
        let rebuild = many && store::may_rebuild(tx.conn())?;
        let aside = if rebuild { store::set_aside(tx.conn())? } else { Vec::new() };
        let mut filled = pour(tx, plan, settings, begun, told)?;
        for (done, statement) in aside.iter().enumerate() {
            told(Progress::Indexing(done, aside.len()));
            store::restore(tx.conn(), statement)?;
        }
        if rebuild {
            // Nobody else sees these rows yet: without this, what follows would be planned as if there were none.
            store::analyze(tx.conn(), false)?;
        }
        told(Progress::Listing);
        bulk::keep_ratings(tx.conn())?;
        list_contractors(tx, settings)?;
        bulk::keep_figures(tx)?;
        filled.elapsed = begun.elapsed();
        mark(tx, plan, &filled)?;
        Ok::<_, Error>(filled)
    })?;
    told(Progress::Analyzing);
    db.read(|conn| {
        store::may_rebuild(conn).and_then(|may| if may { store::analyze(conn, many) } else { Ok(()) })
    })?;
    Ok(filled)
}

/// Takes batch after batch, while another thread makes the next ones.
fn pour(
    tx: &mut Tx<'_>,
    plan: &Plan,
    settings: &Settings,
    begun: Moment,
    told: &mut dyn FnMut(Progress),
) -> Result<Filled, Error> {
    std::thread::scope(|scope| {
        let (send, batches) = sync_channel(WAITING);
        let making = scope.spawn(move || make(plan, &mut |batch| send.send(batch).map_err(|_| Stop::Gone)));
        let filled = take(tx, batches, settings, begun, told)?;
        match making.join() {
            Ok(Ok(()) | Err(Stop::Gone)) => Ok(filled),
            Ok(Err(Stop::Failed(error))) => Err(error.into()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn take(
    tx: &mut Tx<'_>,
    batches: Receiver<Batch>,
    settings: &Settings,
    begun: Moment,
    told: &mut dyn FnMut(Progress),
) -> Result<Filled, Error> {
    let mut filled = Filled::default();
    for batch in batches {
        load(tx, &batch, settings)?;
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        match &batch {
            Batch::People(people) => filled.people += count(people.len()),
            Batch::Jobs(jobs) => filled.jobs += count(jobs.len()),
            Batch::Bids(bids) => filled.bids += count(bids.iter().filter(|bid| bid.last).count()),
            Batch::Reviews(_, reviews) => filled.reviews += count(reviews.len()),
            Batch::Looks(..) => {}
        }
        filled.elapsed = begun.elapsed();
        told(Progress::Loading(filled));
    }
    Ok(filled)
}

fn load(tx: &mut Tx<'_>, batch: &Batch, settings: &Settings) -> Result<(), Error> {
    match batch {
        Batch::People(people) => identity::bulk::insert(tx.conn(), people)?,
        Batch::Jobs(jobs) => {
            bulk::insert_jobs(tx.conn(), jobs)?;
            bulk::arrange_ends(tx, jobs.iter().map(|(job, _)| job))?;
        }
        Batch::Bids(bids) => bulk::insert_bids(tx.conn(), bids)?,
        Batch::Reviews(windows, reviews) => {
            bulk::insert_reviews(tx.conn(), windows, reviews)?;
            bulk::arrange_publications(tx, windows, settings)?;
        }
        Batch::Looks(at, looks) => bulk::insert_looks(tx.conn(), *at, looks)?,
    }
    Ok(())
}

/// Whoever is not in the directory yet.
fn list_contractors(tx: &mut Tx<'_>, settings: &Settings) -> Result<(), Error> {
    let mut after: Option<PartyId> = None;
    loop {
        let ids = identity::contractor_ids(tx.conn(), after, LISTED)?;
        bulk::list_contractors(tx.conn(), &ids, settings)?;
        match ids.last() {
            Some(last) if ids.len() == usize::from(LISTED) => after = Some(*last),
            _ => return Ok(()),
        }
    }
}

fn mark(tx: &mut Tx<'_>, plan: &Plan, filled: &Filled) -> Result<(), Error> {
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let seeding = Seeding {
        number: stored(plan.number),
        people: whole(filled.people),
        jobs: whole(filled.jobs),
        bids: whole(filled.bids),
        seeded_at: tx.now()?,
    };
    store::insert(tx.conn(), seeding)?;
    let after = json!({ "people": filled.people, "jobs": filled.jobs, "bids": filled.bids });
    audit::changed(tx, Object::named("seeding", plan.number.to_string(), Uuid::nil()), Value::Null, after);
    Ok(())
}

/// Numbers are stored as Postgres has whole numbers; the command takes no larger ones.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
