//! Jobs, bids and reviews by the thousand, for data that is made in bulk: every row as the product would have written it, by COPY. Nothing
//! is told, asked or checked here but what the tables themselves refuse; what a person does never comes this way.

use database::{Error, PgConnection, Tx};
use kernel::{Instant, PartyId};

use crate::model::{Address, BidDetail, JobId, JobStatus, OpenReview, PublicJob, Review};
use crate::rules::{self, Sealed, ViewerKeys};
use crate::settings::Settings;
use crate::store;
use crate::tasks::{
    BiddingClose, CountWords, JobExpiry, PublishMarket, RefreshTrending, ReleasePerformance,
    ReviewPublication,
};

/// Jobs whose figures are kept by one statement.
const FIGURED: u16 = 5_000;

/// A bid in one of its revisions, sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedBid {
    /// The bid as it stood in this revision; what decides on it is read from the last.
    pub bid: BidDetail,
    /// What it is proved by.
    pub sealed: Sealed,
    /// Whether this is the revision that stands.
    pub last: bool,
}

/// Writes jobs with their addresses.
///
/// # Errors
/// [`Error`] when one is there already, or the database fails.
pub fn insert_jobs(conn: &mut PgConnection, jobs: &[(PublicJob, Address)]) -> Result<(), Error> {
    store::meanings::keep_if_first(conn, rules::meaning::fingerprint())?;
    store::bulk::copy_jobs(conn, jobs)
}

/// Writes bids with all their revisions.
///
/// # Errors
/// [`Error`] when one is there already, its job is not, or the database fails.
pub fn insert_bids(conn: &mut PgConnection, bids: &[SealedBid]) -> Result<(), Error> {
    store::bulk::copy_bids(conn, bids)
}

/// Writes windows of finished contracts, and reviews in them. What published ones come to is [`keep_ratings`]'s.
///
/// # Errors
/// [`Error`].
pub fn insert_reviews(
    conn: &mut PgConnection,
    windows: &[OpenReview],
    reviews: &[Review],
) -> Result<(), Error> {
    store::bulk::copy_reviews(conn, windows, reviews)
}

/// Keeps what the published reviews of everybody come to, who has none kept yet.
///
/// # Errors
/// [`Error`].
pub fn keep_ratings(conn: &mut PgConnection) -> Result<usize, Error> {
    store::bulk::fill_ratings(conn)
}

/// Puts contractors, who are not in it yet, into the directory.
///
/// # Errors
/// [`Error`].
pub fn list_contractors(
    conn: &mut PgConnection,
    contractors: &[PartyId],
    settings: &Settings,
) -> Result<(), Error> {
    let listed = store::bulk::listed_among(conn, contractors)?;
    let mut facts = identity::contractors(conn, contractors)?;
    let mut sums = store::reviews::ratings_of(conn, contractors)?;
    let rows = contractors.iter().filter(|id| !listed.contains(id)).filter_map(|id| {
        let rank = rules::rank(settings, sums.remove(id).unwrap_or_default());
        Some(store::directory::DirectoryRow::of(&facts.remove(id)?, rank))
    });
    let rows: Vec<_> = rows.collect();
    store::bulk::copy_directory(conn, rows)
}

/// Arranges what time will do to these jobs, as publishing them would have: the end of bidding, or the end of the time to choose.
///
/// # Errors
/// [`Error`].
pub fn arrange_ends<'a>(
    tx: &mut Tx<'_>,
    jobs: impl Iterator<Item = &'a PublicJob> + Clone,
) -> Result<(), Error> {
    let now = tx.now()?;
    let open = || jobs.clone().filter(|job| job.status == JobStatus::Open);
    let closing = open().filter_map(|job| {
        let deadline = job.bidding_deadline.filter(|deadline| *deadline > now)?;
        Some((BiddingClose { job_id: job.id, deadline }, deadline))
    });
    outbox::enqueue_all_at(tx, closing)?;
    let expiring = open().filter_map(|job| {
        let accept_until = job.accept_until.filter(|_| job.bidding_deadline.is_some_and(|end| end <= now))?;
        Some((JobExpiry { job_id: job.id, accept_until }, accept_until))
    });
    outbox::enqueue_all_at(tx, expiring)?;
    Ok(())
}

/// Arranges the publication of what is still hidden in these windows.
///
/// # Errors
/// [`Error`].
pub fn arrange_publications(
    tx: &mut Tx<'_>,
    windows: &[OpenReview],
    settings: &Settings,
) -> Result<(), Error> {
    let now = tx.now()?;
    let closing = windows.iter().filter_map(|window| {
        let closes_at = window.ended_at.checked_add_signed(settings.review_window())?;
        (closes_at > now).then_some((ReviewPublication { contract_id: window.contract_id }, closes_at))
    });
    outbox::enqueue_all_at(tx, closing)?;
    Ok(())
}

/// Keeps what the jobs and bids that are there add to the figures, and has them published; the words of the jobs are counted too, and what
/// is trending.
///
/// # Errors
/// [`Error`].
pub fn keep_figures(tx: &mut Tx<'_>) -> Result<(), Error> {
    let mut after = None;
    loop {
        let jobs = store::jobs::list_published_ids(tx.conn(), after, FIGURED)?;
        store::market::record(tx.conn(), &jobs)?;
        // Nobody was erased meanwhile: they are all made here.
        let bidders = store::performance::bidders_decided_on(tx.conn(), &jobs)?;
        store::performance::insert_decided(tx.conn(), &jobs, &bidders)?;
        after = jobs.last().copied();
        if jobs.len() < usize::from(FIGURED) {
            break;
        }
    }
    outbox::enqueue(tx, &PublishMarket { month: None });
    outbox::enqueue(tx, &ReleasePerformance { after: None });
    outbox::enqueue(tx, &CountWords {});
    outbox::enqueue(tx, &RefreshTrending { whole: true });
    Ok(())
}

/// Counts these looks at open jobs, each of somebody else, as of that instant.
///
/// # Errors
/// [`Error`].
pub fn insert_looks(
    conn: &mut PgConnection,
    at: Instant,
    looks: &[(JobId, ViewerKeys)],
) -> Result<(), Error> {
    store::views::record(conn, at.date_naive(), at, looks)
}

/// How many jobs there are, in any state.
///
/// # Errors
/// [`Error`].
pub fn count_jobs(conn: &mut PgConnection) -> Result<i64, Error> {
    store::bulk::count_jobs(conn)
}
