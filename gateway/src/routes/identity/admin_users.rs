//! `/api/admin/users`: administrators find people, suspend them and reinstate them.

use chrono::{DateTime, Utc};
use identity::{
    Account, AccountFilter, AccountOrder, AccountState, IdentityCommands, Reason, Standing,
    VerificationFilter,
};
use kernel::{AdminActor, PersonId, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::{PersonRef, PersonRole, PersonView, VerificationStatus};
use crate::{Admin, Body, Context, Operation, Paging, Path, Problem, Query, Reply, Who, error};

/// Which people are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUserFilter {
    /// Words, each of which the name or the e-mail address has, or has one that begins so; case and accents do not matter. Or the id
    /// of one person.
    #[schema(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// Only those of this role.
    pub role: Option<PersonRole>,
    /// Only those in this state; without it everybody but those who were erased, whom an id finds all the same.
    pub state: Option<AdminUserState>,
    /// Only contractors who stand so.
    pub verification: Option<AdminUserVerification>,
    /// Only those whose e-mail address is verified, or is not.
    pub email_verified: Option<bool>,
    /// In which order; `newest` without it.
    pub sort: Option<AdminUserSort>,
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum AdminUserState {
    /// It may.
    Active,
    /// Nobody signs in with it until it is reinstated.
    Suspended,
    /// Its person had it erased; the row stays for what hangs on it, under no name.
    Erased,
}

/// How a contractor has to stand to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum AdminUserVerification {
    /// Has handed in nothing.
    None,
    /// Waits for an administrator, whether or not an earlier verification holds.
    Pending,
    /// Holds now.
    Approved,
    /// Was approved, and has ended.
    Expired,
    /// The last word was no.
    Rejected,
}

/// In which order people are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AdminUserSort {
    /// The newest account first.
    Newest,
    /// By name without case and accents; who has none goes by the e-mail address.
    Name,
}

/// Why somebody is suspended or reinstated.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
pub struct AdminUserReason {
    /// For other administrators; the person does not see it.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// An account, as administrators see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUserView {
    /// What the person sees of it.
    pub user: PersonView,
    /// Whether it may be used.
    pub state: AdminUserState,
    /// Since when, by whom and why it is suspended; null while it is not.
    pub suspension: Option<AdminUserSuspension>,
    /// How a contractor's verification stands; null for everybody else.
    pub verification: Option<AdminUserStanding>,
    /// When the person signed in last; null when there is no record of it.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// How many there are of what.
    pub counts: AdminUserCounts,
    /// When the person changed the account last.
    pub updated_at: DateTime<Utc>,
}

/// A suspension that lasts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUserSuspension {
    /// Since when.
    pub since: DateTime<Utc>,
    /// By which administrator; null when it was the operator.
    pub by: Option<PersonRef>,
    /// Why; null when nothing was said.
    pub reason: Option<String>,
}

/// How a contractor's verification stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUserStanding {
    /// The newest verification's status; null when none was handed in.
    pub status: Option<VerificationStatus>,
    /// Whether one waits for an administrator.
    pub pending: bool,
    /// When the approved one ends, or ended.
    pub valid_until: Option<DateTime<Utc>>,
    /// Whether the contractor may bid now.
    pub may_bid: bool,
}

/// How many there are of what is the person's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUserCounts {
    /// Sessions that live.
    #[schema(minimum = 0)]
    pub sessions: i64,
    /// Verifications handed in.
    #[schema(minimum = 0)]
    pub verifications: i64,
    /// Suspensions, the present one included.
    #[schema(minimum = 0)]
    pub suspensions: i64,
}

/// Administrators find people, suspend them and reinstate them.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/admin/users")
            .summary("Find people")
            .description("`?q=` takes words, beginnings of words, or an id. The next pages go on after the last person of this one: what was listed is not listed again, and nobody is left out.")
            .by(Who::Admin)
            .query::<AdminUserFilter>()
            .lists::<AdminUserView>("People, in the order asked for.", AdminUserView::example())
            .to(list_users),
        Operation::post("/api/admin/users/{userId}/suspend")
            .summary("Suspend a person")
            .description("Every session ends at once, and nobody signs in with the account until it is reinstated. A suspended contractor neither bids nor is awarded a job. Contracts and money go on by themselves: releases, payouts and refunds are made when they are due. A homeowner's inspection clock stands still meanwhile. The person and the other parties of open contracts are told, without the reason.")
            .by(Who::Admin)
            .body::<AdminUserReason>(AdminUserReason { reason: "Three complaints of threats, cases 14 to 16.".to_owned() })
            .answers::<AdminUserView>(200, "Suspended.", AdminUserView::suspended_example())
            .errors(&[
                error(409, "wrong_state", "The account is suspended already.").in_state("SUSPENDED", &["reinstate"]),
                error(409, "own_account", "An administrator does not suspend itself."),
                error(409, "last_administrator", "Nobody would be left to administrate."),
            ])
            .to(suspend_user),
        Operation::post("/api/admin/users/{userId}/reinstate")
            .summary("Reinstate a person")
            .description("The person may sign in again; sessions that ended stay ended. Inspection clocks go on with the time that was left.")
            .by(Who::Admin)
            .body::<AdminUserReason>(AdminUserReason { reason: "The complaints were about somebody else.".to_owned() })
            .answers::<AdminUserView>(200, "Active again.", AdminUserView::example())
            .errors(&[error(409, "wrong_state", "The account is not suspended.").in_state("ACTIVE", &["suspend"])])
            .to(reinstate_user),
    ]
}

async fn list_users(
    context: Context,
    actor: Admin,
    filter: Query<AdminUserFilter>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let filter = AccountFilter::from(filter.0);
    let list = move |queries: &platform::Queries| {
        queries.identity.list_accounts(actor.view(), &filter, after, limit)
    };
    let page = context.read(list).await?;
    Ok(paging.reply(page, AdminUserView::from))
}

async fn suspend_user(
    context: Context,
    actor: Admin,
    id: Path<PersonId>,
    body: Body<AdminUserReason>,
) -> Result<Reply, Problem> {
    take(<dyn IdentityCommands>::suspend_person, context, actor, *id, &body).await
}

async fn reinstate_user(
    context: Context,
    actor: Admin,
    id: Path<PersonId>,
    body: Body<AdminUserReason>,
) -> Result<Reply, Problem> {
    take(<dyn IdentityCommands>::reinstate_person, context, actor, *id, &body).await
}

/// What an administrator does to an account, for a reason.
type Step = fn(
    &(dyn IdentityCommands + 'static),
    AdminActor<'_>,
    PersonId,
    &Reason,
) -> Result<Account, identity::Error>;

async fn take(
    step: Step,
    context: Context,
    actor: Admin,
    id: PersonId,
    body: &AdminUserReason,
) -> Result<Reply, Problem> {
    let reason = Reason::new(&body.reason)?;
    context
        .command(
            move |commands| step(commands.identity.as_ref(), actor.view(), id, &reason),
            |account| Reply::ok(&AdminUserView::from(account)),
        )
        .await
}

impl From<AdminUserFilter> for AccountFilter {
    fn from(filter: AdminUserFilter) -> Self {
        Self {
            words: filter.q,
            role: filter.role.map(Role::from),
            state: filter.state.map(AccountState::from),
            verification: filter.verification.map(|wanted| match wanted {
                AdminUserVerification::None => VerificationFilter::None,
                AdminUserVerification::Pending => VerificationFilter::Pending,
                AdminUserVerification::Approved => VerificationFilter::Approved,
                AdminUserVerification::Expired => VerificationFilter::Expired,
                AdminUserVerification::Rejected => VerificationFilter::Rejected,
            }),
            email_verified: filter.email_verified,
            order: match filter.sort {
                None | Some(AdminUserSort::Newest) => AccountOrder::Newest,
                Some(AdminUserSort::Name) => AccountOrder::Name,
            },
        }
    }
}

impl From<Account> for AdminUserView {
    fn from(account: Account) -> Self {
        Self {
            state: account.state().into(),
            suspension: account.suspension.map(|suspension| AdminUserSuspension {
                since: suspension.suspended_at,
                by: suspension.suspended_by.map(PersonRef::from),
                reason: suspension.reason,
            }),
            verification: account.verification.map(AdminUserStanding::from),
            signed_in_at: account.signed_in_at,
            counts: AdminUserCounts {
                sessions: account.live_sessions,
                verifications: account.verifications,
                suspensions: account.suspensions,
            },
            updated_at: account.person.updated_at,
            user: match account.person.erased_at {
                None => account.person.into(),
                Some(_) => {
                    PersonView { name: Some(identity::FORMER_MEMBER.to_owned()), ..account.person.into() }
                }
            },
        }
    }
}

impl From<AccountState> for AdminUserState {
    fn from(state: AccountState) -> Self {
        match state {
            AccountState::Active => Self::Active,
            AccountState::Suspended => Self::Suspended,
            AccountState::Erased => Self::Erased,
        }
    }
}

impl From<AdminUserState> for AccountState {
    fn from(state: AdminUserState) -> Self {
        match state {
            AdminUserState::Active => Self::Active,
            AdminUserState::Suspended => Self::Suspended,
            AdminUserState::Erased => Self::Erased,
        }
    }
}

impl From<Standing> for AdminUserStanding {
    fn from(standing: Standing) -> Self {
        Self {
            status: standing.newest.map(VerificationStatus::from),
            pending: standing.pending,
            valid_until: standing.valid_until,
            may_bid: standing.may_bid,
        }
    }
}

impl AdminUserView {
    fn example() -> Self {
        Self {
            user: PersonView::example(),
            state: AdminUserState::Active,
            suspension: None,
            verification: Some(AdminUserStanding {
                status: Some(VerificationStatus::Approved),
                pending: false,
                valid_until: Some(DateTime::UNIX_EPOCH),
                may_bid: true,
            }),
            signed_in_at: Some(DateTime::UNIX_EPOCH),
            counts: AdminUserCounts { sessions: 1, verifications: 1, suspensions: 0 },
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn suspended_example() -> Self {
        Self {
            state: AdminUserState::Suspended,
            suspension: Some(AdminUserSuspension {
                since: DateTime::UNIX_EPOCH,
                by: Some(PersonId::from(Uuid::nil()).into()),
                reason: Some("Three complaints of threats, cases 14 to 16.".to_owned()),
            }),
            verification: None,
            counts: AdminUserCounts { sessions: 0, verifications: 1, suspensions: 1 },
            ..Self::example()
        }
    }
}
