//! The market's facts and its published figures.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use database::composed::Composed;
use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, Nullable, Text, Uuid as SqlUuid};
use kernel::{Currency, Instant, Limit, PartyId, Position};
use uuid::Uuid;

use super::word;
use crate::model::{Country, Demand, JobId, MarketFilter, MarketRow, Month};
use crate::rules::market::{MONTHS_POOLED, MarketFigure, Sale, pool};
use crate::rules::{region_keys, region_written};
use crate::schema::{market_facts, market_figures, market_months};

/// Rows that one statement writes.
const ROWS_MAX: usize = 1_000;
/// The largest page that is read with the smaller of the two limits, which have to be constants.
const NARROW: usize = 20;

/// Says of these jobs what is true by now. A job that was awarded stays so.
struct Record(Vec<Uuid>);

impl Statement for Record {
    const SQL: &'static str = "INSERT INTO marketplace.market_facts AS f (job_id, trade, country, region, currency, latitude, longitude, \
         homeowner_id, posted_month, contractor_id, amount, awarded_month) \
         SELECT j.id, j.category, j.country, marketplace.region_key(j.region), j.currency, round(j.public_latitude * 4) / 4, \
             round(j.public_longitude * 4) / 4, j.homeowner_id, date_trunc('month', j.published_at AT TIME ZONE 'UTC')::date, \
             b.contractor_id, b.amount, date_trunc('month', b.updated_at AT TIME ZONE 'UTC')::date \
         FROM marketplace.jobs j LEFT JOIN marketplace.bids b ON b.job_id = j.id AND b.status = 'ACCEPTED' \
         WHERE j.id = ANY($1) AND j.status <> 'DRAFT' \
         ON CONFLICT (job_id) DO UPDATE SET trade = excluded.trade, country = excluded.country, region = excluded.region, \
             currency = excluded.currency, latitude = excluded.latitude, longitude = excluded.longitude, \
             contractor_id = coalesce(f.contractor_id, excluded.contractor_id), amount = coalesce(f.amount, excluded.amount), \
             awarded_month = coalesce(f.awarded_month, excluded.awarded_month) \
         WHERE (f.trade, f.country, f.region, f.currency, f.latitude, f.longitude, f.contractor_id) IS DISTINCT FROM \
             (excluded.trade, excluded.country, excluded.region, excluded.currency, excluded.latitude, excluded.longitude, \
             coalesce(f.contractor_id, excluded.contractor_id))";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<SqlUuid>, _>(&self.0)
    }
}

/// Keeps what these jobs add to the market's figures; drafts add nothing.
pub(crate) fn record(conn: &mut PgConnection, jobs: &[JobId]) -> Result<(), Error> {
    Hot(Record(jobs.iter().map(|job| job.uuid()).collect())).execute(conn)?;
    Ok(())
}

/// The jobs of an owner who is forgotten count by their country from now on.
pub(crate) fn blank(conn: &mut PgConnection, owner: PartyId) -> Result<(), Error> {
    let own = crate::schema::jobs::table
        .filter(crate::schema::jobs::homeowner_id.eq(owner.uuid()))
        .select(crate::schema::jobs::id);
    diesel::update(market_facts::table.filter(market_facts::job_id.eq_any(own)))
        .set((
            market_facts::region.eq(None::<String>),
            market_facts::latitude.eq(None::<f64>),
            market_facts::longitude.eq(None::<f64>),
        ))
        .execute(conn)?;
    Ok(())
}

/// The first month of which anything is known, and the months that are out.
pub(crate) fn months(conn: &mut PgConnection) -> Result<(Option<Month>, HashSet<Month>), Error> {
    let first: Option<NaiveDate> =
        market_facts::table.select(diesel::dsl::min(market_facts::posted_month)).first(conn)?;
    let out: Vec<NaiveDate> = market_months::table.select(market_months::month).load(conn)?;
    Ok((first.map(Month::of_day), out.into_iter().map(Month::of_day).collect()))
}

/// The newest month that is out.
pub(crate) fn newest(conn: &mut PgConnection) -> Result<Option<Month>, Error> {
    let newest: Option<NaiveDate> = market_months::table.select(max(market_months::month)).first(conn)?;
    Ok(newest.map(Month::of_day))
}

/// Notes that a month's figures are out, unless they are already.
pub(crate) fn claim(conn: &mut PgConnection, month: Month, now: Instant) -> Result<bool, Error> {
    let row = (market_months::month.eq(month.first_day()), market_months::published_at.eq(now));
    let claimed = diesel::insert_into(market_months::table).values(row).on_conflict_do_nothing();
    Ok(claimed.execute(conn)? == 1)
}

/// What prices can be compared in: a trade in a country, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) country: String,
    pub(crate) trade: String,
    pub(crate) currency: String,
}

/// Those in which something was posted or awarded in a month, in their order.
struct Fields(NaiveDate, NaiveDate);

impl Statement for Fields {
    const SQL: &'static str = "SELECT country, trade, currency FROM marketplace.market_facts WHERE posted_month = $1 \
         UNION SELECT country, trade, currency FROM marketplace.market_facts WHERE awarded_month = $2 ORDER BY 1, 2, 3";
    type Columns = (Text, Text, Text);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Date, _>(&self.0)?;
        binds.push::<Date, _>(&self.1)
    }
}

/// Those in which something was posted or awarded in a month, in their order.
pub(crate) fn fields(conn: &mut PgConnection, month: Month) -> Result<Vec<Field>, Error> {
    let rows: Vec<(String, String, String)> = Hot(Fields(month.first_day(), month.first_day())).load(conn)?;
    Ok(rows.into_iter().map(|(country, trade, currency)| Field { country, trade, currency }).collect())
}

/// Whose jobs were posted in a month, each with its region.
pub(crate) fn posted(
    conn: &mut PgConnection,
    month: Month,
    field: &Field,
) -> Result<Vec<(Option<String>, PartyId)>, Error> {
    Ok(market_facts::table
        .filter(market_facts::posted_month.eq(month.first_day()))
        .filter(market_facts::country.eq(&field.country).and(market_facts::trade.eq(&field.trade)))
        .filter(market_facts::currency.eq(&field.currency))
        .select((market_facts::region, market_facts::homeowner_id))
        .load::<(Option<String>, Uuid)>(conn)?
        .into_iter()
        .map(|(region, owner)| (region, owner.into()))
        .collect())
}

/// What was awarded in a month, each with its region.
pub(crate) fn sold(
    conn: &mut PgConnection,
    month: Month,
    field: &Field,
) -> Result<Vec<(Option<String>, Sale)>, Error> {
    type Row = (Option<String>, Uuid, Option<Uuid>, Option<i64>);
    let rows: Vec<Row> = market_facts::table
        .filter(market_facts::awarded_month.eq(month.first_day()))
        .filter(market_facts::country.eq(&field.country).and(market_facts::trade.eq(&field.trade)))
        .filter(market_facts::currency.eq(&field.currency))
        .select((
            market_facts::region,
            market_facts::homeowner_id,
            market_facts::contractor_id,
            market_facts::amount,
        ))
        .load(conn)?;
    let sale = |(region, owner, contractor, amount): Row| {
        let (contractor, amount) = word(contractor.zip(amount), "market_facts.amount")?;
        Ok((region, Sale { homeowner: owner.into(), contractor: contractor.into(), amount }))
    };
    rows.into_iter().map(sale).collect()
}

/// Contractors in the directory who come to where a month's jobs were, by region. Jobs stand on a grid of a quarter of a degree, so that few places are
/// compared; latitudes come before the distance, because that costs more.
struct Supply {
    month: NaiveDate,
    field: Field,
    /// The trade again: each placeholder stands once.
    trade: Vec<String>,
    before: Instant,
}

impl Statement for Supply {
    const SQL: &'static str = "SELECT DISTINCT p.region, d.party_id \
         FROM (SELECT DISTINCT region, latitude, longitude FROM marketplace.market_facts \
               WHERE posted_month = $1 AND country = $2 AND trade = $3 AND currency = $4 AND latitude IS NOT NULL) AS p \
         JOIN (SELECT party_id, public_latitude, public_longitude, coalesce(service_radius_km, 50) * 1000 AS metres \
               FROM marketplace.directory WHERE listed AND public_latitude IS NOT NULL AND trades @> $5 AND member_since < $6) AS d \
         ON abs(d.public_latitude - p.latitude) * 111000 <= d.metres \
            AND marketplace.metres_between(d.public_latitude, d.public_longitude, p.latitude, p.longitude) <= d.metres";
    type Columns = (Nullable<Text>, SqlUuid);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Date, _>(&self.month)?;
        binds.push::<Text, _>(&self.field.country)?;
        binds.push::<Text, _>(&self.field.trade)?;
        binds.push::<Text, _>(&self.field.currency)?;
        binds.push::<Array<Text>, _>(&self.trade)?;
        binds.push::<diesel::sql_types::Timestamptz, _>(&self.before)
    }
}

/// Contractors of the trade who were there by the month's end and come to where its jobs were, each with the region of those.
pub(crate) fn supply(
    conn: &mut PgConnection,
    month: Month,
    field: &Field,
) -> Result<Vec<(Option<String>, PartyId)>, Error> {
    let asked = Supply {
        month: month.first_day(),
        field: field.clone(),
        trade: vec![field.trade.clone()],
        before: month.next().starts_at(),
    };
    let rows: Vec<(Option<String>, Uuid)> = Hot(asked).load(conn)?;
    Ok(rows.into_iter().map(|(region, contractor)| (region, contractor.into())).collect())
}

/// A published figure; [`COLUMNS`] are in this order.
#[derive(Queryable, Insertable)]
#[diesel(table_name = market_figures)]
struct FigureRow {
    id: Uuid,
    month: NaiveDate,
    country: String,
    region: Option<String>,
    trade: String,
    currency: String,
    jobs: Option<i32>,
    homeowners: Option<i32>,
    contractors: Option<i32>,
    priced_jobs: Option<i32>,
    priced_people: Option<i32>,
    p10: Option<i64>,
    p25: Option<i64>,
    median: Option<i64>,
    p75: Option<i64>,
    p90: Option<i64>,
}

const COLUMNS: &str = "SELECT f.id, f.month, f.country, f.region, f.trade, f.currency, f.jobs, f.homeowners, f.contractors, f.priced_jobs, \
     f.priced_people, f.p10, f.p25, f.median, f.p75, f.p90 FROM marketplace.market_figures AS f WHERE true";

type Columns = (
    SqlUuid,
    Date,
    Text,
    Nullable<Text>,
    Text,
    Text,
    Nullable<Integer>,
    Nullable<Integer>,
    Nullable<Integer>,
    Nullable<Integer>,
    Nullable<Integer>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
);

impl FigureRow {
    fn of(row: MarketRow) -> Self {
        let prices = row.prices;
        Self {
            id: row.id,
            month: row.month.first_day(),
            country: row.country,
            region: row.region,
            trade: row.trade,
            currency: row.currency.code().to_owned(),
            jobs: row.demand.map(|demand| demand.jobs),
            homeowners: row.demand.map(|demand| demand.homeowners),
            contractors: row.supply,
            priced_jobs: prices.map(|prices| prices.jobs),
            priced_people: prices.map(|prices| prices.people),
            p10: prices.map(|prices| prices.p10),
            p25: prices.map(|prices| prices.p25),
            median: prices.map(|prices| prices.median),
            p75: prices.map(|prices| prices.p75),
            p90: prices.map(|prices| prices.p90),
        }
    }

    fn prices(&self) -> Option<MarketFigure> {
        Some(MarketFigure {
            jobs: self.priced_jobs?,
            people: self.priced_people?,
            p10: self.p10?,
            p25: self.p25?,
            median: self.median?,
            p75: self.p75?,
            p90: self.p90?,
        })
    }

    fn read(self) -> Result<MarketRow, Error> {
        let demand = self.jobs.zip(self.homeowners);
        Ok(MarketRow {
            id: self.id,
            month: Month::of_day(self.month),
            prices: self.prices(),
            country: self.country,
            region: self.region,
            trade: self.trade,
            currency: word(self.currency.parse().ok(), "market_figures.currency")?,
            demand: demand.map(|(jobs, homeowners)| Demand { jobs, homeowners }),
            supply: self.contractors,
        })
    }
}

/// Publishes figures.
pub(crate) fn insert(conn: &mut PgConnection, rows: Vec<MarketRow>) -> Result<(), Error> {
    let mut rows = rows.into_iter().map(FigureRow::of).peekable();
    while rows.peek().is_some() {
        let some: Vec<FigureRow> = rows.by_ref().take(ROWS_MAX).collect();
        diesel::insert_into(market_figures::table).values(some).execute(conn)?;
    }
    Ok(())
}

/// At least the figures of this page, and one more when there is one, the newest month first.
pub(crate) fn list(
    conn: &mut PgConnection,
    filter: &MarketFilter,
    after: Option<Position<i64>>,
    limit: Limit,
) -> Result<Vec<MarketRow>, Error> {
    let mut asked = Composed::new(COLUMNS);
    if let Some(trade) = filter.trade {
        asked = asked.text(" AND f.trade = ").value(trade.as_str().to_owned());
    }
    if let Some(country) = &filter.country {
        asked = asked.text(" AND f.country = ").value(country.as_str().to_owned());
    }
    if let Some(region) = &filter.region {
        let country = filter.country.as_ref().map_or("", Country::as_str);
        let keys = region_keys(country, region.as_str());
        asked = if keys.is_empty() {
            asked.text(" AND f.region = marketplace.region_key(").value(region.as_str().to_owned()).text(")")
        } else {
            asked.text(" AND f.region = ANY (").value(keys).text(")")
        };
    }
    if let Some(currency) = filter.currency {
        asked = asked.text(" AND f.currency = ").value(currency.code().to_owned());
    }
    for (bound, month) in [(" AND f.month >= ", filter.from), (" AND f.month <= ", filter.to)] {
        if let Some(month) = month {
            asked = asked.text(bound).value(month.first_day().to_string()).text("::date");
        }
    }
    if let Some(after) = after {
        let month = Month::of_key(after.key).first_day().to_string();
        asked =
            asked.text(" AND (f.month, f.id) < (").value(month).text("::date, ").value(after.id).text(")");
    }
    let end = if limit.get() > NARROW { " LIMIT 101" } else { " LIMIT 21" };
    let asked = asked.text(" ORDER BY f.month DESC, f.id DESC").text(end);
    let rows: Vec<FigureRow> = asked.rows::<Columns>().load(conn)?;
    rows.into_iter().map(FigureRow::read).collect()
}

/// What prices are asked of: a trade in a place, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sought {
    pub(crate) trade: String,
    pub(crate) currency: Currency,
    pub(crate) country: String,
    pub(crate) region: Option<String>,
}

impl Sought {
    fn region_written(&self) -> Option<String> {
        self.region.as_ref().map(|region| region_written(&self.country, region))
    }

    /// What figures that came out before call the region, when it is a known state.
    fn region_name(&self) -> Option<String> {
        region_keys(&self.country, self.region.as_deref()?).pop()
    }
}

/// The price figures of places by month, each with the number of what it answers: the region's own, or those of the regions that it is counted with.
struct Prices {
    trades: Vec<String>,
    countries: Vec<String>,
    currencies: Vec<&'static str>,
    regions: Vec<Option<String>>,
    /// By what else figures call the region.
    names: Vec<Option<String>>,
    since: NaiveDate,
}

impl Statement for Prices {
    const SQL: &'static str = "SELECT a.n, m.priced_jobs, m.priced_people, m.p10, m.p25, m.median, m.p75, m.p90 \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) \
             WITH ORDINALITY AS a(trade, country, currency, region, name, n) CROSS JOIN LATERAL (\
         SELECT DISTINCT ON (f.month) f.priced_jobs, f.priced_people, f.p10, f.p25, f.median, f.p75, f.p90 \
         FROM marketplace.market_figures AS f WHERE f.trade = a.trade AND f.country = a.country AND f.currency = a.currency AND f.month >= $6 \
         AND f.priced_jobs IS NOT NULL AND (f.region IS NULL OR f.region = marketplace.region_key(a.region) OR f.region = a.name) \
         ORDER BY f.month, f.region IS NULL, f.priced_jobs DESC, f.region) AS m";
    type Columns = (BigInt, Integer, Integer, BigInt, BigInt, BigInt, BigInt, BigInt);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<Text>, _>(&self.trades)?;
        binds.push::<Array<Text>, _>(&self.countries)?;
        binds.push::<Array<Text>, _>(&self.currencies)?;
        binds.push::<Array<Nullable<Text>>, _>(&self.regions)?;
        binds.push::<Array<Nullable<Text>>, _>(&self.names)?;
        binds.push::<Date, _>(&self.since)
    }
}

/// What jobs of each of these trades went for in its place over the last twelve months that are out, in their order: made of published figures only,
/// each month's of the region itself, or of the country's regions that it is counted with. None where nothing is published.
pub(crate) fn find_figures(
    conn: &mut PgConnection,
    sought: &[Sought],
) -> Result<Vec<Option<MarketFigure>>, Error> {
    type Row = (i64, i32, i32, i64, i64, i64, i64, i64);
    let Some(newest) = newest(conn)? else { return Ok(vec![None; sought.len()]) };
    let asked = Prices {
        trades: sought.iter().map(|one| one.trade.clone()).collect(),
        countries: sought.iter().map(|one| one.country.clone()).collect(),
        currencies: sought.iter().map(|one| one.currency.code()).collect(),
        regions: sought.iter().map(Sought::region_written).collect(),
        names: sought.iter().map(Sought::region_name).collect(),
        since: newest.plus(1 - MONTHS_POOLED).first_day(),
    };
    let rows: Vec<Row> = Hot(asked).load(conn)?;
    let mut months: HashMap<i64, Vec<MarketFigure>> = HashMap::new();
    for (n, jobs, people, p10, p25, median, p75, p90) in rows {
        let figure = MarketFigure { jobs, people, p10, p25, median, p75, p90 };
        months.entry(n).or_default().push(figure);
    }
    Ok((1..).zip(sought).map(|(n, _)| pool(months.get(&n).map(Vec::as_slice).unwrap_or_default())).collect())
}
