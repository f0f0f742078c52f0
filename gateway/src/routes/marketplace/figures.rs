//! `/api/market/analysis` and how a contractor does: figures that everybody sees, of so many people that nobody stands out.

use actix_web::http::StatusCode;
use kernel::{Currency, Fault, Faults, PartyId, TypedId};
use marketplace::rules::market::MarketFigure;
use marketplace::{Demand, MarketFilter, MarketForm, MarketRow, Pace, Performance, Share, rules};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::reviews::{ReviewRating, Subject};
use super::words::PartyRef;
use crate::routes::identity::users::ProfileSlug;
use crate::{Context, MaybeSignedIn, Operation, Paging, Path, Problem, Query, Reply, error};

/// For how many seconds the market's figures may be kept: new ones come once a month.
const MARKET_KEPT_SECONDS: u32 = 3_600;
/// Seconds of a minute.
const MINUTE: i64 = 60;

/// Which figures are wanted.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarketAnalysisFilter {
    /// Only of this trade.
    pub trade: Option<ProfileSlug>,
    /// Only of this country, by its ISO 3166 code.
    #[schema(pattern = "^[A-Z]{2}$")]
    pub country: Option<String>,
    /// Only of this region; goes with `country`. Capitals, accents and spaces do not matter, nor whether a state of the USA or a province of
    /// Canada is written by its code or its name.
    #[schema(min_length = 1, max_length = 120)]
    pub region: Option<String>,
    /// Only in this currency, by its ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// From this month on, as `2026-05`.
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$")]
    pub from: Option<String>,
    /// Up to this month, it included.
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$")]
    pub to: Option<String>,
}

impl MarketAnalysisFilter {
    /// # Errors
    /// Every fault, each named by its parameter.
    fn filter(self) -> Result<MarketFilter, Problem> {
        let form = MarketForm {
            trade: self.trade.map(|ProfileSlug(slug)| slug),
            country: self.country,
            region: self.region,
            currency: self.currency,
            from: self.from,
            to: self.to,
        };
        MarketFilter::new(&form).map_err(refused)
    }
}

/// A fault in a query parameter is 400, as every other there.
fn refused(faults: Faults) -> Problem {
    let faults = faults.into_vec().into_iter();
    let named = faults.map(|fault| Fault { pointer: fault.pointer.replacen('/', "?", 1), ..fault });
    Problem::invalid(StatusCode::BAD_REQUEST, named.collect())
}

/// The market in figures.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarketAnalysis {
    /// The newest month whose figures are out; null before the first.
    pub through: Option<String>,
    /// Every figure is of at least so many jobs.
    pub jobs_min: u16,
    /// Every figure is of at least so many people on each side that it tells of.
    pub people_min: u16,
    /// The figures, the newest month first.
    pub data: Vec<MarketMonth>,
    /// Where the next page goes on; null at the end.
    pub next_cursor: Option<String>,
}

/// A trade in a place and month. Each part is null where it would be of too few.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarketMonth {
    /// The month, in UTC.
    pub month: String,
    /// The country.
    pub country: String,
    /// The region, in capitals and without accents. Null: in each part all regions of the country together that have no such part of their own in
    /// this month.
    pub region: Option<String>,
    /// The trade.
    pub trade: String,
    /// The currency of the jobs and their prices.
    pub currency: String,
    /// Jobs published in that month.
    pub demand: Option<MarketDemand>,
    /// Who comes there. Counted when the newest month's figures come out; null for months that came out late.
    pub supply: Option<MarketSupply>,
    /// What jobs went for that were awarded in that month.
    pub prices: Option<MarketPrices>,
}

/// Jobs published.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarketDemand {
    /// How many.
    pub jobs: i32,
    /// By how many homeowners.
    pub homeowners: i32,
}

/// Who comes there.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarketSupply {
    /// Contractors of the directory who work in the trade and come to where those jobs were.
    pub contractors: i32,
}

/// How the winning bids of awarded jobs spread, in minor units, rounded to two significant digits. Percentiles lie between the closest ranks (type 7
/// of Hyndman and Fan).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarketPrices {
    /// Of how many jobs.
    pub jobs: i32,
    /// Of how many homeowners or contractors, whichever are fewer.
    pub people: i32,
    /// A tenth went for no more.
    pub p10: i64,
    /// A quarter went for no more.
    pub p25: i64,
    /// Half went for no more.
    pub median: i64,
    /// Three quarters went for no more.
    pub p75: i64,
    /// Nine tenths went for no more.
    pub p90: i64,
}

/// How a contractor does.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractorPerformance {
    /// The contractor.
    pub contractor_id: PartyRef,
    /// Whether this is everything by now: for the contractor itself. For others it is what was published; each part is null until it is of five jobs
    /// of five homeowners, and grows by as many at a time.
    pub exact: bool,
    /// Contracts completed, of those that ended; one that lapsed for want of the contractor's signature was not.
    pub completion: Option<ContractorShare>,
    /// Milestones first handed in before their due day was over everywhere on earth, of those handed in.
    pub punctuality: Option<ContractorShare>,
    /// How long after an award the contractor signed the contract.
    pub response_time: Option<ContractorPace>,
    /// Jobs won, of those bid on that somebody was chosen for. Withdrawn bids do not count, nor do those on open jobs.
    pub win_rate: Option<ContractorShare>,
    /// What the published reviews come to; each of them can be read, so nothing is held back.
    pub rating: ReviewRating,
}

/// How often something went well.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractorShare {
    /// In whole percent.
    pub percent: i32,
    /// How often.
    pub count: i32,
    /// Of how often.
    pub of: i32,
}

/// How long something takes.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractorPace {
    /// Half took no longer, in minutes.
    pub median_minutes: i64,
    /// Of how often.
    pub of: i32,
}

/// The operations on figures.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/market/analysis")
            .summary("Analyse the market")
            .description(
                "For everybody: demand, supply and prices by trade, place and month. A month's figures come out a day after its end, once and for \
                 all. No figure is of fewer than five jobs and five people on each side, and none contains another: a region too small to stand \
                 alone is counted together with the others of its country, or not at all, and there are no totals.",
            )
            .query::<MarketAnalysisFilter>()
            .paged()
            .answers::<MarketAnalysis>(200, "Figures, the newest month first.", MarketAnalysis::example())
            .to(analyse_market),
        Operation::get("/api/contractors/{contractorId}/performance")
            .summary("See how a contractor does")
            .description(
                "For everybody what was published, which is once a day at most; for the contractor itself everything by now. Takes the id of the \
                 party or of the person.",
            )
            .answers::<ContractorPerformance>(200, "The contractor in figures.", ContractorPerformance::example())
            .errors(&[error(404, "user_not_found", "There is no contractor of this id.")])
            .to(get_performance),
    ]
}

async fn analyse_market(
    context: Context,
    filter: Query<MarketAnalysisFilter>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let filter = filter.0.filter()?;
    let found =
        context.read(move |queries| queries.marketplace.market_figures(&filter, after, limit)).await?;
    let view = MarketAnalysis {
        through: found.through.map(|month| month.to_string()),
        jobs_min: found.least.jobs,
        people_min: found.least.people,
        next_cursor: paging.next_cursor(found.rows.next.as_ref()),
        data: found.rows.items.into_iter().map(MarketMonth::from).collect(),
    };
    Ok(Reply::ok(&view).tagged_by(&(&view.through, &view.data)).public_for(MARKET_KEPT_SECONDS))
}

async fn get_performance(
    context: Context,
    viewer: MaybeSignedIn,
    Path(Subject(contractor)): Path<Subject>,
) -> Result<Reply, Problem> {
    let found =
        context.read(move |queries| queries.marketplace.performance(viewer.actor(), contractor)).await?;
    Ok(Reply::ok(&ContractorPerformance::from(found)).tagged())
}

impl From<MarketRow> for MarketMonth {
    fn from(row: MarketRow) -> Self {
        Self {
            month: row.month.to_string(),
            country: row.country,
            region: row.region,
            trade: row.trade,
            currency: row.currency.code().to_owned(),
            demand: row.demand.map(MarketDemand::from),
            supply: row.supply.map(|contractors| MarketSupply { contractors }),
            prices: row.prices.map(MarketPrices::from),
        }
    }
}

impl From<Demand> for MarketDemand {
    fn from(Demand { jobs, homeowners }: Demand) -> Self {
        Self { jobs, homeowners }
    }
}

impl From<MarketFigure> for MarketPrices {
    fn from(figure: MarketFigure) -> Self {
        let MarketFigure { jobs, people, p10, p25, median, p75, p90 } = figure;
        Self { jobs, people, p10, p25, median, p75, p90 }
    }
}

impl From<Performance> for ContractorPerformance {
    fn from(found: Performance) -> Self {
        Self {
            contractor_id: found.contractor.into(),
            exact: found.is_own,
            completion: found.completion.map(ContractorShare::from),
            punctuality: found.punctuality.map(ContractorShare::from),
            response_time: found.response.map(ContractorPace::from),
            win_rate: found.wins.map(ContractorShare::from),
            rating: found.rating.into(),
        }
    }
}

impl From<Share> for ContractorShare {
    fn from(share: Share) -> Self {
        Self { percent: rules::performance::percent(share), count: share.good, of: share.of }
    }
}

impl From<Pace> for ContractorPace {
    fn from(pace: Pace) -> Self {
        // Begun minutes are whole ones.
        Self { median_minutes: (pace.median_seconds + MINUTE - 1) / MINUTE, of: pace.of }
    }
}

impl MarketAnalysis {
    fn example() -> Self {
        let month = MarketMonth {
            month: "2026-05".to_owned(),
            country: "US".to_owned(),
            region: Some("TX".to_owned()),
            trade: "tiling".to_owned(),
            currency: Currency::USD.code().to_owned(),
            demand: Some(MarketDemand { jobs: 212, homeowners: 198 }),
            supply: Some(MarketSupply { contractors: 64 }),
            prices: Some(MarketPrices {
                jobs: 121,
                people: 52,
                p10: 45_000,
                p25: 82_000,
                median: 140_000,
                p75: 230_000,
                p90: 390_000,
            }),
        };
        Self {
            through: Some("2026-05".to_owned()),
            jobs_min: 5,
            people_min: 5,
            data: vec![month],
            next_cursor: None,
        }
    }
}

impl ContractorPerformance {
    fn example() -> Self {
        let share = |percent, count, of| Some(ContractorShare { percent, count, of });
        Self {
            contractor_id: PartyId::from_uuid(Uuid::nil()).into(),
            exact: false,
            completion: share(96, 23, 24),
            punctuality: share(90, 36, 40),
            response_time: Some(ContractorPace { median_minutes: 190, of: 24 }),
            win_rate: share(38, 24, 63),
            rating: ReviewRating {
                count: 18,
                mean: Some(4.72),
                bayesian_mean: 4.57,
                quality: Some(4.8),
                timeliness: Some(4.6),
                communication: Some(4.8),
            },
        }
    }
}
