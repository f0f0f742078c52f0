//! The market's figures: what is asked, and what is published.

use chrono::{Datelike, NaiveDate};
use kernel::{Currency, Fault, Faults, Instant, Page};
use uuid::Uuid;

use super::{Category, Country, Place};
use crate::rules::market::{Least, MarketFigure};

/// The first year that can be asked about; nothing is older.
const YEAR_MIN: i32 = 2000;
/// The last one.
const YEAR_MAX: i32 = 9999;
const MONTHS: i64 = 12;

/// A calendar month, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(NaiveDate);

impl Month {
    /// # Errors
    /// A fault for anything but `2026-05`, from 2000 to 9999.
    pub fn new(text: &str) -> Result<Self, Faults> {
        let digits = text.len() == "2026-05".len();
        let parsed = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok().filter(|_| digits);
        let known = parsed.filter(|first| (YEAR_MIN..=YEAR_MAX).contains(&first.year()));
        known.map(Self).ok_or_else(|| Fault::new("", "not_a_month", "must be a month such as 2026-05").into())
    }

    /// The month of an instant.
    #[must_use]
    pub fn of(instant: Instant) -> Self {
        Self::of_day(instant.date_naive())
    }

    /// The month of a day.
    #[must_use]
    pub fn of_day(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// So many months later, or earlier.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        let count = chrono::Months::new(months.unsigned_abs());
        let moved =
            if months < 0 { self.0.checked_sub_months(count) } else { self.0.checked_add_months(count) };
        Self(moved.unwrap_or(self.0))
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> NaiveDate {
        self.0
    }

    /// Its first instant.
    #[must_use]
    pub fn starts_at(self) -> Instant {
        self.0.and_time(chrono::NaiveTime::MIN).and_utc()
    }

    /// Its number in a list's order.
    pub(crate) fn key(self) -> i64 {
        i64::from(self.0.year()) * MONTHS + i64::from(self.0.month0())
    }

    /// The month of that number; the first that can be asked about when there is none.
    pub(crate) fn of_key(key: i64) -> Self {
        let year = i32::try_from(key.div_euclid(MONTHS)).unwrap_or(YEAR_MIN);
        let month = u32::try_from(key.rem_euclid(MONTHS)).unwrap_or_default() + 1;
        Self(NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default())
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// What is asked of the market, before it is checked.
#[derive(Debug, Clone, Default)]
pub struct MarketForm {
    /// The trade.
    pub trade: Option<String>,
    /// The country.
    pub country: Option<String>,
    /// The region in it.
    pub region: Option<String>,
    /// The currency.
    pub currency: Option<String>,
    /// The first month.
    pub from: Option<String>,
    /// The last month.
    pub to: Option<String>,
}

/// Which figures are wanted.
#[derive(Debug, Clone, Default)]
pub struct MarketFilter {
    pub(crate) trade: Option<Category>,
    pub(crate) country: Option<Country>,
    pub(crate) region: Option<Place>,
    pub(crate) currency: Option<Currency>,
    pub(crate) from: Option<Month>,
    pub(crate) to: Option<Month>,
}

impl MarketFilter {
    /// # Errors
    /// Every fault of the form, at `/trade`, `/from` and so on.
    pub fn new(form: &MarketForm) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let trade = form.trade.as_deref().and_then(|trade| faults.take("/trade", Category::new(trade)));
        let country = form.country.as_deref().and_then(|word| faults.take("/country", Country::new(word)));
        let region = form.region.as_deref().and_then(|name| faults.take("/region", Place::new(name)));
        faults.check(
            form.region.is_none() || form.country.is_some(),
            "/region",
            "without_country",
            "is a region of a country: give that too",
        );
        let currency = form.currency.as_deref().and_then(|code| faults.take("/currency", currency(code)));
        let from = form.from.as_deref().and_then(|month| faults.take("/from", Month::new(month)));
        let to = form.to.as_deref().and_then(|month| faults.take("/to", Month::new(month)));
        if let (Some(from), Some(to)) = (from, to) {
            faults.check(from <= to, "/to", "before_from", "must not lie before the first month");
        }
        faults.or(|| Self { trade, country, region, currency, from, to })
    }
}

/// A currency by its code.
pub(super) fn currency(code: &str) -> Result<Currency, Faults> {
    code.parse().map_err(|_| Fault::new("", "unknown_currency", "is not a currency's three letters").into())
}

/// What is published of a trade in a place and month. Each part stands only where it is of enough jobs and people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketRow {
    /// Tells the rows of a month apart.
    pub id: Uuid,
    /// The month.
    pub month: Month,
    /// The country.
    pub country: String,
    /// The region; none for all regions of the country together that have no such figure of their own in this month.
    pub region: Option<String>,
    /// The trade.
    pub trade: String,
    /// The currency of the jobs and the prices.
    pub currency: Currency,
    /// Jobs published.
    pub demand: Option<Demand>,
    /// Contractors of the trade who come there.
    pub supply: Option<i32>,
    /// How the prices of the jobs awarded in that month spread.
    pub prices: Option<MarketFigure>,
}

/// Jobs published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// How many.
    pub jobs: i32,
    /// By how many homeowners.
    pub homeowners: i32,
}

/// A page of the market's figures.
#[derive(Debug, Clone)]
pub struct MarketPage {
    /// The newest month that is out.
    pub through: Option<Month>,
    /// Of how much every figure is at least.
    pub least: Least,
    /// The figures, the newest month first.
    pub rows: Page<MarketRow, i64>,
}
