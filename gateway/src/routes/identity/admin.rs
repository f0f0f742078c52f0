//! `/api/admin/verifications`: the papers that wait for an administrator.

use chrono::{DateTime, Utc};
use identity::{Decision, Verification, VerificationId, VerificationState};
use kernel::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::contractors::VerificationView;
use super::views::{PersonRef, VerificationStatus};
use crate::{Admin, Body, Context, Operation, OptionalBody, Paging, Path, Problem, Query, Reply, Who, error};

/// Which verifications are wanted.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AdminVerificationFilter {
    /// Only those of this status; all without it.
    pub status: Option<VerificationStatus>,
}

/// The approval of a verification.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
pub struct AdminVerificationApproval {
    /// For other administrators.
    #[schema(min_length = 1, max_length = 2000)]
    pub note: Option<String>,
}

/// The rejection of a verification.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
pub struct AdminVerificationRejection {
    /// For the contractor.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// For other administrators.
    #[schema(min_length = 1, max_length = 2000)]
    pub note: Option<String>,
}

/// A verification, as administrators see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminVerificationView {
    /// What the contractor sees of it.
    pub verification: VerificationView,
    /// The contractor's full name, to compare with the holder's.
    pub contractor_name: String,
    /// What an administrator noted.
    pub note: Option<String>,
    /// Which administrator decided.
    pub decided_by: Option<PersonRef>,
}

/// The papers that wait for an administrator.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let decided = || {
        error(409, "already_decided", "The verification was decided, or another one took its place.")
            .in_state("APPROVED", &[])
    };
    vec![
        Operation::get("/api/admin/verifications")
            .summary("List verifications")
            .description("Oldest first: `?status=PENDING` is the queue.")
            .by(Who::Admin)
            .query::<AdminVerificationFilter>()
            .lists::<AdminVerificationView>("Verifications, oldest first.", AdminVerificationView::example())
            .to(list_verifications),
        Operation::post("/api/admin/verifications/{verificationId}/approve")
            .summary("Approve a verification")
            .description("The contractor may bid from now on, until the last licence or the insurance ends.")
            .by(Who::Admin)
            .optional_body::<AdminVerificationApproval>(AdminVerificationApproval {
                note: Some("Seen the originals.".to_owned()),
            })
            .answers::<AdminVerificationView>(200, "Approved.", AdminVerificationView::example())
            .errors(&[
                decided(),
                error(
                    409,
                    "credential_expired",
                    "A licence or the insurance has expired since it was handed in.",
                ),
            ])
            .to(approve_verification),
        Operation::post("/api/admin/verifications/{verificationId}/reject")
            .summary("Reject a verification")
            .description(
                "The contractor reads the reason, and may send another; the note is for administrators.",
            )
            .by(Who::Admin)
            .body::<AdminVerificationRejection>(AdminVerificationRejection {
                reason: "The licence is another person's.".to_owned(),
                note: Some("The registry names somebody else.".to_owned()),
            })
            .answers::<AdminVerificationView>(200, "Rejected.", AdminVerificationView::example())
            .errors(&[decided()])
            .to(reject_verification),
    ]
}

async fn list_verifications(
    context: Context,
    actor: Admin,
    filter: Query<AdminVerificationFilter>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let state = filter.status.map(VerificationState::from);
    let list = move |queries: &platform::Queries| {
        queries.identity.list_verifications(actor.view(), state, after, limit)
    };
    let page = context.read(list).await?;
    Ok(paging.reply(page, AdminVerificationView::from))
}

async fn approve_verification(
    context: Context,
    actor: Admin,
    id: Path<VerificationId>,
    body: OptionalBody<AdminVerificationApproval>,
) -> Result<Reply, Problem> {
    let approval = Decision::approve(body.0.unwrap_or_default().note.as_deref())?;
    decide(context, actor, *id, approval).await
}

async fn reject_verification(
    context: Context,
    actor: Admin,
    id: Path<VerificationId>,
    body: Body<AdminVerificationRejection>,
) -> Result<Reply, Problem> {
    let rejection = Decision::reject(&body.reason, body.note.as_deref())?;
    decide(context, actor, *id, rejection).await
}

async fn decide(
    context: Context,
    actor: Admin,
    id: VerificationId,
    decision: Decision,
) -> Result<Reply, Problem> {
    context
        .command(
            move |commands| commands.identity.decide_verification(actor.view(), id, decision.clone()),
            |decided| Reply::ok(&AdminVerificationView::from(decided)),
        )
        .await
}

impl From<Verification> for AdminVerificationView {
    fn from(verification: Verification) -> Self {
        Self {
            contractor_name: verification.contractor_name.clone(),
            note: verification.note.clone(),
            decided_by: verification.decided_by.map(PersonRef::from),
            verification: verification.into(),
        }
    }
}

impl AdminVerificationView {
    fn example() -> Self {
        Self {
            verification: VerificationView {
                status: VerificationStatus::Approved,
                decided_at: Some(DateTime::<Utc>::UNIX_EPOCH),
                ..VerificationView::example()
            },
            contractor_name: "Bob Mason".to_owned(),
            note: Some("Seen the originals.".to_owned()),
            decided_by: Some(PersonId::from(Uuid::nil()).into()),
        }
    }
}
