//! Figures of the market and of contractors: kept as facts arrive, published by tasks, read by everybody.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use database::Tx;
use kernel::{Actor, Currency, Limit, Page, PartyId, Position, Role};
use uuid::Uuid;

use super::MarketplaceService;
use crate::FigureQueries;
use crate::error::Error;
use crate::model::{
    Category, Country, Demand, JobId, MarketFilter, MarketPage, MarketRow, Month, Performance, Place,
};
use crate::rules::market::{self, Cell, MarketFigure};
use crate::store::market::{Field, Sought};
use crate::store::performance::Fact;
use crate::tasks::{FillFigures, PublishMarket, ReleasePerformance};
use crate::{rules, store};

/// Jobs whose facts are made in one transaction.
const FILL_BATCH: u16 = 500;
/// Contractors whose facts are counted in one transaction.
const RELEASE_BATCH: u16 = 200;
/// Months that are arranged for at a time; the next day goes on.
const MONTHS_MAX: usize = 600;

impl FigureQueries for MarketplaceService {
    fn market_figures(
        &self,
        filter: &MarketFilter,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<MarketPage, Error> {
        self.db.read(|conn| {
            let through = store::market::newest(conn)?;
            let rows = store::market::list(conn, filter, after, limit)?;
            let rows = Page::cut(rows, limit, |row| Position { key: row.month.key(), id: row.id });
            Ok(MarketPage { through, least: self.settings.figure_least(), rows })
        })
    }

    fn performance(&self, viewer: Option<&Actor>, contractor: PartyId) -> Result<Performance, Error> {
        let is_own = viewer.is_some_and(|viewer| viewer.party == contractor);
        self.db.read(|conn| {
            let card = identity::cards(conn, &[contractor])?.remove(&contractor);
            if card.is_none_or(|card| card.role != Role::Contractor) {
                return Err(Error::SubjectNotFound);
            }
            let sums =
                store::reviews::ratings_of(conn, &[contractor])?.remove(&contractor).unwrap_or_default();
            let rating = rules::summarise(&self.settings, sums);
            let tallies = store::performance::tallies(conn, contractor, is_own)?;
            Ok(rules::performance::performance(contractor, is_own, &tallies, rating))
        })
    }

    fn price_figure(
        &self,
        trade: Category,
        currency: Currency,
        country: &Country,
        region: Option<&Place>,
    ) -> Result<Option<MarketFigure>, Error> {
        let sought = [Sought {
            trade: trade.as_str().to_owned(),
            currency,
            country: country.as_str().to_owned(),
            region: region.map(|region| region.as_str().to_owned()),
        }];
        Ok(self.db.read(|conn| store::market::find_figures(conn, &sought))?.pop().flatten())
    }
}

impl MarketplaceService {
    /// A job was published, edited or awarded: keeps what it says of the market, and who won and lost it.
    pub(crate) fn record_job(&self, job: JobId) -> Result<(), Error> {
        self.db.transaction(|tx| {
            // Nobody's deed, here as below: figures follow what was done, and that has its row in the trail.
            audit::withhold(tx);
            let bidders = counted(tx, &[job])?;
            store::market::record(tx.conn(), &[job])?;
            if bidders.is_empty() {
                return Ok(());
            }
            store::performance::lock(tx.conn(), &bidders)?;
            store::performance::insert_decided(tx.conn(), &[job], &bidders)?;
            Ok(store::performance::recount(tx.conn(), &bidders)?)
        })
    }

    /// Something is known of how a contractor did.
    pub(crate) fn count_fact(&self, fact: &Fact) -> Result<(), Error> {
        let contractor = [PartyId::from(fact.contractor_id)];
        self.db.transaction(|tx| {
            audit::withhold(tx);
            if identity::hold_people(tx, &contractor)?.is_empty() {
                return Ok(());
            }
            store::performance::lock(tx.conn(), &contractor)?;
            store::performance::insert(tx.conn(), fact)?;
            Ok(store::performance::recount(tx.conn(), &contractor)?)
        })
    }

    /// Whoever was erased is counted no more.
    pub(crate) fn forget_performance(&self, contractor: PartyId) -> Result<(), Error> {
        self.db.transaction(|tx| {
            audit::withhold(tx);
            Ok(store::performance::remove(tx.conn(), contractor)?)
        })
    }

    /// Makes the facts of the next jobs from the jobs and bids, and has the rest follow; at the end they are published.
    pub(crate) fn fill_figures(&self, after: Option<JobId>) -> Result<(), Error> {
        self.db.transaction(|tx| {
            audit::withhold(tx);
            let jobs = store::jobs::list_published_ids(tx.conn(), after, FILL_BATCH)?;
            let bidders = counted(tx, &jobs)?;
            store::market::record(tx.conn(), &jobs)?;
            // Counted with all others when they are released.
            store::performance::insert_decided(tx.conn(), &jobs, &bidders)?;
            match jobs.last() {
                Some(last) if jobs.len() == usize::from(FILL_BATCH) => {
                    outbox::enqueue(tx, &FillFigures { after: Some(*last) });
                }
                _ => {
                    outbox::enqueue(tx, &PublishMarket { month: None });
                    outbox::enqueue(tx, &ReleasePerformance { after: None });
                }
            }
            Ok(())
        })
    }

    /// Arranges that the figures of every month which has closed come out.
    pub(crate) fn arrange_market(&self) -> Result<(), Error> {
        self.db.transaction(|tx| {
            audit::withhold(tx);
            let now = tx.now()?;
            let (first, out) = store::market::months(tx.conn())?;
            let Some(first) = first else { return Ok(()) };
            let closed = std::iter::successors(Some(first), |month| Some(month.next()))
                .take_while(|month| market::has_closed(*month, now));
            for month in closed.filter(|month| !out.contains(month)).take(MONTHS_MAX) {
                outbox::enqueue(tx, &PublishMarket { month: Some(month.first_day()) });
            }
            Ok(())
        })
    }

    /// Publishes the figures of a month that has closed, once and for all.
    pub(crate) fn publish_market(&self, month: Month) -> Result<(), Error> {
        self.db.transaction(|tx| {
            audit::withhold(tx);
            let now = tx.now()?;
            if !market::has_closed(month, now) || !store::market::claim(tx.conn(), month, now)? {
                return Ok(());
            }
            // Who comes where is known of today only.
            let is_newest = !market::has_closed(month.next(), now);
            let mut rows = Vec::new();
            for field in store::market::fields(tx.conn(), month)? {
                rows.extend(self.figures_of(tx, month, &field, is_newest)?);
            }
            number(&mut rows);
            Ok(store::market::insert(tx.conn(), rows)?)
        })
    }

    fn figures_of(
        &self,
        tx: &mut Tx<'_>,
        month: Month,
        field: &Field,
        is_newest: bool,
    ) -> Result<Vec<MarketRow>, Error> {
        let least = self.settings.figure_least();
        let currency = field.currency.parse();
        let currency = currency.map_err(|_| database::Error::Corrupt("market_facts.currency".to_owned()))?;
        let blank = |region| MarketRow {
            id: Uuid::nil(),
            month,
            country: field.country.clone(),
            region,
            trade: field.trade.clone(),
            currency,
            demand: None,
            supply: None,
            prices: None,
        };
        // Regions by name, and after them what is told of the others together.
        let mut rows: BTreeMap<(bool, Option<String>), MarketRow> = BTreeMap::new();
        let place = |region: Option<String>| (region.is_none(), region);
        let supply = if is_newest { store::market::supply(tx.conn(), month, field)? } else { Vec::new() };
        let supply = by_region(field, supply);
        let posted = by_region(field, store::market::posted(tx.conn(), month, field)?);
        for cell in market::partition(posted, |owners| market::is_enough_demand(least, owners)) {
            let homeowners: HashSet<&PartyId> = cell.facts.iter().collect();
            let demand = Demand { jobs: count(cell.facts.len()), homeowners: count(homeowners.len()) };
            let contractors = comers(&supply, &cell);
            let row = rows.entry(place(cell.region.clone())).or_insert_with(|| blank(cell.region));
            row.demand = Some(demand);
            row.supply = Some(count(contractors)).filter(|_| contractors >= usize::from(least.people));
        }
        let sold = by_region(field, store::market::sold(tx.conn(), month, field)?);
        for cell in market::partition(sold, |sales| market::are_enough_sales(least, sales)) {
            let row = rows.entry(place(cell.region.clone())).or_insert_with(|| blank(cell.region));
            row.prices = market::spread(&cell.facts);
        }
        Ok(rows.into_values().collect())
    }

    /// Counts the facts of the next contractors, lets everybody see what is enough of them, and has the rest follow.
    pub(crate) fn release_performance(&self, after: Option<PartyId>) -> Result<(), Error> {
        let least = self.settings.figure_least();
        self.db.transaction(|tx| {
            audit::withhold(tx);
            let contractors = store::performance::contractors(tx.conn(), after, RELEASE_BATCH)?;
            store::performance::lock(tx.conn(), &contractors)?;
            for waiting in store::performance::waiting(tx.conn(), &contractors)? {
                if least.met(waiting.jobs, waiting.people) {
                    store::performance::release(tx.conn(), &waiting)?;
                }
            }
            store::performance::recount(tx.conn(), &contractors)?;
            if contractors.len() == usize::from(RELEASE_BATCH)
                && let Some(last) = contractors.last()
            {
                outbox::enqueue(tx, &ReleasePerformance { after: Some(*last) });
            }
            Ok(())
        })
    }
}

/// Who bid on those of these jobs that somebody was chosen for, and is there still: an event that comes late, or a filling anew, brings nothing of
/// anybody back who was erased.
fn counted(tx: &mut Tx<'_>, jobs: &[JobId]) -> Result<Vec<PartyId>, Error> {
    let bidders = store::performance::bidders_decided_on(tx.conn(), jobs)?;
    Ok(identity::hold_people(tx, &bidders)?)
}

/// The same facts, each state under one name.
fn by_region<T>(field: &Field, facts: Vec<(Option<String>, T)>) -> Vec<(Option<String>, T)> {
    let written = |region: String| rules::region_written(&field.country, &region);
    facts.into_iter().map(|(region, fact)| (region.map(written), fact)).collect()
}

/// How many contractors come to the regions of a group.
fn comers(supply: &[(Option<String>, PartyId)], cell: &Cell<PartyId>) -> usize {
    let come = supply.iter().filter(|(region, _)| cell.regions.contains(region));
    come.map(|(_, contractor)| contractor).collect::<BTreeSet<_>>().len()
}

/// Lists go by descending ids, so the last row gets the first one.
fn number(rows: &mut [MarketRow]) {
    for row in rows.iter_mut().rev() {
        row.id = Uuid::now_v7();
    }
}

fn count(things: usize) -> i32 {
    i32::try_from(things).unwrap_or(i32::MAX)
}
