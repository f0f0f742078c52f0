//! Jobs that many look at. A task reckons their heat every few minutes; who asks reads what it came to.

use std::collections::HashSet;

use chrono::TimeDelta;
use kernel::{Instant, Limit, TypedId};
use uuid::Uuid;

use super::MarketplaceService;
use crate::error::Error;
use crate::model::{JobCard, JobId, JobSearch, ScoredJob, TrendingFilter};
use crate::store::trending::{BATCH, FIRST, Heat};
use crate::traits::SearchQueries as _;
use crate::{OpenPage, PageRequest};
use crate::{rules, store};

/// How far back a refresh looks beyond the one before: looks that were being written then are not missed.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

impl MarketplaceService {
    pub(super) fn hottest_jobs(&self, filter: TrendingFilter, limit: Limit) -> Result<Vec<ScoredJob>, Error> {
        let now = self.clock.now();
        let (hot, mut cards) = self.db.read(|conn| {
            let hot = store::trending::hottest(conn, filter, limit.get())?;
            let ids: Vec<JobId> = hot.iter().map(|heat| heat.job).collect();
            let cards = store::jobs::job_cards(conn, &ids)?;
            Ok::<_, Error>((hot, cards))
        })?;
        let newest = if hot.len() < limit.get() { self.newest_open(filter, limit)? } else { Vec::new() };
        let noticed: HashSet<JobId> = hot.iter().map(|heat| heat.job).collect();
        let hot = hot.into_iter().filter_map(|heat| Some(self.noticed(heat, cards.remove(&heat.job)?, now)));
        // Nobody has looked at these lately; a fresh installation has no others.
        let rest = newest.into_iter().filter(|card| !noticed.contains(&card.id));
        let rest = rest.filter(|card| !rules::bidding_closed(card.status, card.bidding_deadline, now));
        let rest = rest.map(|job| ScoredJob {
            score: rules::unnoticed(job.published_at.unwrap_or(job.created_at), now),
            km: None,
            job,
        });
        let from = filter.circle.map(|circle| circle.centre);
        let measured = hot.chain(rest).map(|scored| {
            let km = from.zip(scored.job.area.point).map(|(from, to)| rules::km_between(from, to));
            ScoredJob { km, ..scored }
        });
        Ok(measured.take(limit.get()).collect())
    }

    /// The newest that pass the filter, whoever looked at them.
    fn newest_open(&self, filter: TrendingFilter, limit: Limit) -> Result<Vec<JobCard>, Error> {
        let TrendingFilter { category, circle } = filter;
        let Some(circle) = circle else {
            let page = PageRequest { after: None, limit };
            return Ok(self.page_of_open(OpenPage { category, page })?.items);
        };
        let search = JobSearch::newest_around(category, circle);
        let found = self.search_jobs(None, &search, None, limit)?;
        Ok(found.page.items.into_iter().map(|found| found.card).collect())
    }

    fn noticed(&self, heat: Heat, job: JobCard, now: Instant) -> ScoredJob {
        let interest = rules::interest(heat.heat, now, self.settings.trending_half_life_hours);
        let score = rules::trending(interest, heat.looks, self.settings.interest_days);
        ScoredJob { job, km: None, score }
    }

    /// Reckons the heat of what was looked at since it was last reckoned, or of everything that somebody was interested in.
    pub(crate) fn refresh_trending(&self, whole: bool) -> Result<(), Error> {
        let (now, since) = self.db.read(|conn| {
            let now = store::personal::now(conn)?;
            let horizon = now - self.settings.interest();
            let last = store::trending::last_refresh(conn)?.filter(|_| !whole);
            Ok::<_, Error>((now, last.map_or(horizon, |last| (last - OVERLAP).max(horizon))))
        })?;
        let mut after = FIRST;
        loop {
            let jobs = self.db.read(|conn| store::trending::looked_at_since(conn, since, after))?;
            self.refresh_heat(&jobs, now)?;
            match jobs.last() {
                Some(last) if jobs.len() == BATCH => after = *last,
                _ => break,
            }
        }
        self.db.transaction(|tx| {
            audit::withhold(tx);
            Ok(store::trending::tidy(tx.conn(), now - self.settings.interest())?)
        })
    }

    fn refresh_heat(&self, jobs: &[Uuid], now: Instant) -> Result<(), Error> {
        if jobs.is_empty() {
            return Ok(());
        }
        self.db.transaction(|tx| {
            // Nobody's deed: it follows from looks, which are nobody's either.
            audit::withhold(tx);
            let horizon = now - self.settings.interest();
            let most = rules::PEOPLE_OF_NETWORK_MAX;
            let looks = store::trending::counting_looks(tx.conn(), jobs, horizon, most)?;
            let heats: Vec<Heat> = looks
                .into_iter()
                .filter_map(|(job, looks)| {
                    let heat = rules::heat(&looks, self.settings.trending_half_life_hours)?;
                    let looked_at = looks.iter().max().copied()?;
                    let looks = i32::try_from(looks.len()).unwrap_or(i32::MAX);
                    Some(Heat { job: JobId::from_uuid(job), heat, looks, looked_at })
                })
                .collect();
            Ok(store::trending::keep(tx.conn(), now, &heats)?)
        })
    }
}
