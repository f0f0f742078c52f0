//! `/api/admin/overview`: how much there is of what, live.

use chrono::{DateTime, Utc};
use contracts::ContractStatus;
use escrow::{MoneyFigures, PayoutFigures};
use identity::PeopleFigures;
use marketplace::JobStatus;
use serde::Serialize;
use utoipa::ToSchema;

use super::admin_users::AdminUserState;
use super::views::PersonRole;
use crate::{Admin, Context, Operation, Problem, Reply, Who};

/// Live figures. Nothing in them tells of bids on open jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminOverviewView {
    /// As of when.
    pub as_of: DateTime<Utc>,
    /// People, by role and state.
    pub people: Vec<AdminOverviewPeople>,
    /// Verifications that wait for an administrator.
    pub verifications: AdminOverviewVerifications,
    /// Sessions.
    pub sessions: AdminOverviewSessions,
    /// Jobs, by status.
    pub jobs: Vec<AdminOverviewCount>,
    /// Contracts, by status.
    pub contracts: Vec<AdminOverviewCount>,
    /// Money, by currency, as the ledger has it.
    pub money: Vec<AdminOverviewMoney>,
    /// Payouts that are not paid, by status and currency: on their way, waiting for the contractor's account, or failed.
    pub payouts: Vec<AdminOverviewPayouts>,
    /// Background work.
    pub tasks: AdminOverviewTasks,
}

/// People of one role and state.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminOverviewPeople {
    /// What they are here.
    pub role: PersonRole,
    /// Whether their accounts may be used.
    pub state: AdminUserState,
    /// How many.
    #[schema(minimum = 0)]
    pub count: i64,
}

/// Verifications that wait.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminOverviewVerifications {
    /// How many.
    #[schema(minimum = 0)]
    pub waiting: i64,
    /// Since when the first of them waits; null when none does.
    pub oldest_waiting_since: Option<DateTime<Utc>>,
}

/// Sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminOverviewSessions {
    /// How many live.
    #[schema(minimum = 0)]
    pub live: i64,
}

/// Things in one status.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminOverviewCount {
    /// The status, as the things themselves say it.
    pub status: String,
    /// How many.
    #[schema(minimum = 0)]
    pub count: i64,
}

/// The money of one currency, in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminOverviewMoney {
    /// The currency.
    pub currency: String,
    /// Held for milestones.
    pub held: i64,
    /// Owed to contractors and not paid out.
    pub payable: i64,
    /// Owed by contractors.
    pub debt: i64,
    /// Earned by the platform.
    pub platform_fees: i64,
    /// Charged by the payment provider.
    pub processor_fees: i64,
}

/// Payouts of one status in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminOverviewPayouts {
    /// How they stand.
    pub status: String,
    /// The currency.
    pub currency: String,
    /// How many.
    #[schema(minimum = 0)]
    pub count: i64,
    /// What they sum to, in minor units.
    pub amount: i64,
}

/// Background work.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminOverviewTasks {
    /// Tasks that were given up and wait for a person.
    #[schema(minimum = 0)]
    pub parked: i64,
}

/// How much there is of what.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/admin/overview")
            .summary("Live figures")
            .description("Counted from the rows at the moment of asking. What nobody but owner and bidder may know of open jobs is not in it: no figure here moves because of a bid.")
            .by(Who::Admin)
            .answers::<AdminOverviewView>(200, "The figures.", AdminOverviewView::example())
            .to(get_overview),
    ]
}

/// What the domains count, each its own.
struct Figures {
    people: PeopleFigures,
    jobs: Vec<(JobStatus, i64)>,
    contracts: Vec<(ContractStatus, i64)>,
    money: (Vec<MoneyFigures>, Vec<PayoutFigures>),
}

async fn get_overview(context: Context, actor: Admin) -> Result<Reply, Problem> {
    let count = move |queries: &platform::Queries| {
        Ok::<_, Problem>(Figures {
            people: queries.identity.people_figures(actor.view())?,
            jobs: queries.marketplace.job_figures(actor.view())?,
            contracts: queries.contracts.contract_figures(actor.view())?,
            money: queries.escrow.money_figures(actor.view())?,
        })
    };
    let figures = context.read(count).await?;
    let parked = context.app().lanes().database(|conn| Ok(outbox::parked(conn)?)).await?;
    Ok(Reply::ok(&AdminOverviewView::of(figures, parked)))
}

impl AdminOverviewView {
    fn of(figures: Figures, parked: i64) -> Self {
        let Figures { people, jobs, contracts, money: (money, payouts) } = figures;
        let count = |status: &'static str, count| AdminOverviewCount { status: status.to_owned(), count };
        Self {
            as_of: people.as_of,
            people: people
                .people
                .into_iter()
                .map(|(role, state, count)| AdminOverviewPeople {
                    role: role.into(),
                    state: state.into(),
                    count,
                })
                .collect(),
            verifications: AdminOverviewVerifications {
                waiting: people.verifications_waiting,
                oldest_waiting_since: people.oldest_waiting_since,
            },
            sessions: AdminOverviewSessions { live: people.live_sessions },
            jobs: jobs.into_iter().map(|(status, jobs)| count(status.as_str(), jobs)).collect(),
            contracts: contracts.into_iter().map(|(status, held)| count(status.as_str(), held)).collect(),
            money: money.into_iter().map(AdminOverviewMoney::from).collect(),
            payouts: payouts.into_iter().map(AdminOverviewPayouts::from).collect(),
            tasks: AdminOverviewTasks { parked },
        }
    }

    fn example() -> Self {
        let count = |status: &str, count| AdminOverviewCount { status: status.to_owned(), count };
        Self {
            as_of: DateTime::UNIX_EPOCH,
            people: vec![
                AdminOverviewPeople {
                    role: PersonRole::Homeowner,
                    state: AdminUserState::Active,
                    count: 812,
                },
                AdminOverviewPeople {
                    role: PersonRole::Homeowner,
                    state: AdminUserState::Suspended,
                    count: 3,
                },
            ],
            verifications: AdminOverviewVerifications {
                waiting: 4,
                oldest_waiting_since: Some(DateTime::UNIX_EPOCH),
            },
            sessions: AdminOverviewSessions { live: 121 },
            jobs: vec![count("DRAFT", 14), count("OPEN", 96)],
            contracts: vec![count("PENDING_SIGNATURES", 5), count("ACTIVE", 61)],
            money: vec![AdminOverviewMoney {
                currency: "USD".to_owned(),
                held: 2_475_000,
                payable: 174_780,
                debt: 0,
                platform_fees: 27_405,
                processor_fees: 34_200,
            }],
            payouts: vec![AdminOverviewPayouts {
                status: "WAITING_ACCOUNT".to_owned(),
                currency: "USD".to_owned(),
                count: 1,
                amount: 174_780,
            }],
            tasks: AdminOverviewTasks { parked: 0 },
        }
    }
}

impl From<MoneyFigures> for AdminOverviewMoney {
    fn from(figures: MoneyFigures) -> Self {
        Self {
            currency: figures.currency.code().to_owned(),
            held: figures.held,
            payable: figures.payable,
            debt: figures.debt,
            platform_fees: figures.platform_fees,
            processor_fees: figures.processor_fees,
        }
    }
}

impl From<PayoutFigures> for AdminOverviewPayouts {
    fn from(figures: PayoutFigures) -> Self {
        Self {
            status: figures.status.as_str().to_owned(),
            currency: figures.currency.code().to_owned(),
            count: figures.count,
            amount: figures.amount,
        }
    }
}
