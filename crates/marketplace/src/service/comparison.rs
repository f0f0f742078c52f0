//! A job's bids beside each other, for its owner.

use std::collections::HashMap;

use database::PgConnection;
use kernel::{HomeownerActor, Instant, Limit, Page, PartyId, Position};

use super::MarketplaceService;
use super::confirmation::{self, Changes};
use crate::PageRequest;
use crate::error::Error;
use crate::model::{
    BidAnalytics, BidDetail, BidId, BidOffer, BidRecommendations, BidderFacts, Comparison, JobId, JobStatus,
    JobSummary, JobWithBestBids, PublicJob,
};
use crate::rules::market::MarketFigure;
use crate::rules::{self, Offer, Ranked};
use crate::store;
use crate::store::bids::{Asked, OpenWithBids, Standers};
use crate::store::market::Sought;
use crate::traits::ComparisonQueries;

/// The most bids that are compared or ranked: the lowest ones. The statement says one more.
const COMPARED_MAX: usize = 100;
/// Jobs on a page of recommended bids.
const JOBS_A_PAGE: i64 = 20;
/// Bids recommended of each.
const BEST_SHOWN: usize = 3;

impl ComparisonQueries for MarketplaceService {
    fn compare_bids(&self, homeowner: HomeownerActor<'_>, job: JobId) -> Result<Comparison, Error> {
        let (job, now) = self.revealed_job(homeowner.party, job)?;
        self.db.read(|conn| {
            let (bids, more) = standing_of(conn, job.id, standers(job.status, now))?;
            let (bids, rows) = rules::compare(self.offers(conn, bids)?);
            Ok(Comparison { job: job.id, currency: job.currency, bids, rows, more })
        })
    }

    fn analyse_bids(&self, homeowner: HomeownerActor<'_>, job: JobId) -> Result<BidAnalytics, Error> {
        let (job, now) = self.revealed_job(homeowner.party, job)?;
        self.db.read(|conn| {
            let (asked, _) = asked_at(conn, &[job.id])?;
            let asked = asked.first().copied().unwrap_or((job.id, None));
            let found = store::bids::list_prices(conn, asked, standers(job.status, now))?;
            let unconfirmed = found.iter().filter(|(_, _, unconfirmed)| *unconfirmed).count();
            let mut prices: Vec<(BidId, i64)> = found.into_iter().map(|(id, price, _)| (id, price)).collect();
            prices.sort_by_key(|(_, price)| *price);
            let (spread, market) = (rules::spread(&prices), market_of(conn, &job)?);
            Ok(BidAnalytics { job: job.id, currency: job.currency, spread, unconfirmed, market })
        })
    }

    fn recommend_bids(&self, homeowner: HomeownerActor<'_>, job: JobId) -> Result<BidRecommendations, Error> {
        let (job, now) = self.revealed_job(homeowner.party, job)?;
        self.db.read(|conn| {
            let (bids, more) = standing_of(conn, job.id, Standers::Waiting(now))?;
            let market = market_of(conn, &job)?;
            let (bids, unconfirmed) = ranked(self.offers(conn, bids)?, &job, market.as_ref());
            Ok(BidRecommendations { job: job.id, currency: job.currency, bids, unconfirmed, more })
        })
    }

    fn list_recommended_bids(
        &self,
        homeowner: HomeownerActor<'_>,
        page: PageRequest,
    ) -> Result<Page<JobWithBestBids>, Error> {
        let now = self.db.now()?;
        let most = Limit::new(JOBS_A_PAGE).unwrap_or_default();
        let page =
            PageRequest { limit: if page.limit.get() > most.get() { most } else { page.limit }, ..page };
        self.db.read(|conn| {
            let open = store::bids::list_open_with_bids(conn, homeowner.party, now, page)?;
            let open = Page::cut(open, page.limit, |open: &OpenWithBids| Position {
                key: open.created_at,
                id: open.job.id.uuid(),
            });
            let ids: Vec<JobId> = open.items.iter().map(|open| open.job.id).collect();
            let mut best = self.best_bids(conn, &ids, now)?;
            Ok(open.map(|OpenWithBids { job, .. }| {
                let (bids, unconfirmed) = best.remove(&job.id).unwrap_or_default();
                let bidding_closed = rules::bidding_closed(job.status, job.bidding_deadline, now);
                JobWithBestBids { job: JobSummary { bidding_closed, ..job }, bids, unconfirmed }
            }))
        })
    }
}

/// The best of the bids that can be chosen, and how many more wait for their bidder's word.
type Best = (Vec<RankedOffer>, usize);

impl MarketplaceService {
    /// A job of this owner whose bids are revealed, and the instant that was judged by: the reveal is a decision, so it goes by the database's clock.
    fn revealed_job(&self, owner: PartyId, id: JobId) -> Result<(PublicJob, Instant), Error> {
        let job = self.db.read(|conn| store::jobs::find(conn, id))?;
        let job = job.filter(|job| job.homeowner == owner).ok_or(Error::JobNotFound)?;
        let now = self.db.now()?;
        if !rules::revealed(job.reveal, job.bidding_deadline, now) {
            return Err(Error::Sealed { state: job.status });
        }
        Ok((job, now))
    }

    /// The best bids of each of these jobs, by as many statements whether they are one or twenty.
    fn best_bids(
        &self,
        conn: &mut PgConnection,
        ids: &[JobId],
        now: Instant,
    ) -> Result<HashMap<JobId, Best>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let bids = standing(conn, ids, Standers::Waiting(now))?;
        let mut offers: HashMap<JobId, Vec<BidOffer>> = HashMap::new();
        for offer in self.offers(conn, bids)? {
            offers.entry(offer.bid.job_id).or_default().push(offer);
        }
        let jobs: Vec<PublicJob> = store::jobs::public_jobs(conn, ids)?.into_values().collect();
        let sought: Vec<Sought> = jobs.iter().map(sought).collect();
        let figures = store::market::find_figures(conn, &sought)?;
        let best = jobs.iter().zip(figures).map(|(job, market)| {
            let mut offers = offers.remove(&job.id).unwrap_or_default();
            offers.truncate(COMPARED_MAX);
            let (mut bids, unconfirmed) = ranked(offers, job, market.as_ref());
            bids.truncate(BEST_SHOWN);
            (job.id, (bids, unconfirmed.len()))
        });
        Ok(best.collect())
    }

    /// These bids, each with what is known of its bidder.
    fn offers(&self, conn: &mut PgConnection, bids: Vec<BidDetail>) -> Result<Vec<BidOffer>, Error> {
        let mut places: Vec<(JobId, PartyId)> = bids.iter().map(|bid| (bid.job_id, bid.contractor)).collect();
        places.sort_unstable();
        places.dedup();
        let parties: Vec<PartyId> = places.iter().map(|(_, party)| *party).collect();
        let cards = identity::cards(conn, &parties)?;
        let sums = store::reviews::ratings_of(conn, &parties)?;
        let beside = store::comparison::list_beside(conn, &places)?;
        let offer = |bid: BidDetail| {
            let card = cards.get(&bid.contractor);
            let beside = beside.get(&(bid.job_id, bid.contractor)).copied().unwrap_or_default();
            let bidder = BidderFacts {
                id: bid.contractor,
                name: card.map(|card| card.full_name.clone()).unwrap_or_default(),
                rank: rules::rank(&self.settings, sums.get(&bid.contractor).copied().unwrap_or_default()),
                verified: card.is_some_and(|card| card.verified_contractor),
                licensed: beside.licensed,
                finished_jobs: beside.finished_jobs,
                metres: beside.metres,
            };
            BidOffer { bid, bidder }
        };
        Ok(bids.into_iter().map(offer).collect())
    }
}

/// Which bids of a job in this state an owner compares.
fn standers(job: JobStatus, now: Instant) -> Standers {
    match job {
        JobStatus::Draft | JobStatus::Open => Standers::Waiting(now),
        JobStatus::Awarded
        | JobStatus::InProgress
        | JobStatus::Completed
        | JobStatus::Cancelled
        | JobStatus::Expired => Standers::AtTheEnd,
    }
}

/// The bids of a job that are compared, and whether there are more.
fn standing_of(
    conn: &mut PgConnection,
    job: JobId,
    which: Standers,
) -> Result<(Vec<BidDetail>, bool), Error> {
    let mut bids = standing(conn, &[job], which)?;
    let more = bids.len() > COMPARED_MAX;
    bids.truncate(COMPARED_MAX);
    Ok((bids, more))
}

/// The bids of these jobs that are compared, and of each one more when there is; with what their bidders are asked.
fn standing(conn: &mut PgConnection, jobs: &[JobId], which: Standers) -> Result<Vec<BidDetail>, Error> {
    let (asked, changes) = asked_at(conn, jobs)?;
    let mut bids = store::bids::list_standing(conn, &asked, which)?;
    confirmation::put(&changes, &mut bids);
    Ok(bids)
}

/// Since when the bidders of these jobs are asked for their word, and about what.
fn asked_at(conn: &mut PgConnection, jobs: &[JobId]) -> Result<(Vec<Asked>, Changes), Error> {
    let changes = store::confirmation::changes_of(conn, jobs)?;
    let since = |job: &JobId| changes.get(job).and_then(|changes| rules::asked_at(changes));
    let asked = jobs.iter().map(|job| (*job, since(job))).collect();
    Ok((asked, changes))
}

/// What such jobs went for in the job's trade and place.
fn market_of(conn: &mut PgConnection, job: &PublicJob) -> Result<Option<MarketFigure>, Error> {
    Ok(store::market::find_figures(conn, &[sought(job)])?.pop().flatten())
}

fn sought(job: &PublicJob) -> Sought {
    Sought {
        trade: job.category.clone(),
        currency: job.currency,
        country: job.area.country.clone(),
        region: job.area.region.clone(),
    }
}

type RankedOffer = (BidOffer, Ranked);

/// The bids of a job in the order in which they are recommended: those that can be chosen, and apart from them those that wait for their bidder's
/// word. All are held against the middle of all: what they ask is known.
fn ranked(
    offers: Vec<BidOffer>,
    job: &PublicJob,
    market: Option<&MarketFigure>,
) -> (Vec<RankedOffer>, Vec<RankedOffer>) {
    let mut prices: Vec<(BidId, i64)> =
        offers.iter().map(|offer| (offer.bid.id, offer.bid.parts.amount)).collect();
    prices.sort_by_key(|(_, price)| *price);
    let Some(spread) = rules::spread(&prices) else { return (Vec::new(), Vec::new()) };
    let against = rules::against(&spread, market);
    let offers = offers.into_iter().map(|offer| {
        let judged = judged(&offer, job);
        (offer, judged)
    });
    let ranked = rules::rank_offers(offers.collect(), &against);
    ranked.into_iter().partition(|(offer, _)| offer.bid.confirmation.is_none())
}

fn judged(offer: &BidOffer, job: &PublicJob) -> Offer {
    let BidOffer { bid, bidder } = offer;
    Offer {
        price: bid.parts.amount,
        rank: bidder.rank,
        verified: bidder.verified,
        licensed: bidder.licensed,
        finished_jobs: bidder.finished_jobs,
        metres: bidder.metres,
        in_time: job.wanted_start.map(|wanted| bid.parts.start_date.is_some_and(|start| start <= wanted)),
    }
}
