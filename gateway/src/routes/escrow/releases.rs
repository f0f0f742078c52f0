//! `/api/payments/escrow/{escrowId}/release/milestone`: money on its way to the contractor.

use chrono::{DateTime, Utc};
use contracts::MilestoneId;
use escrow::{EscrowId, PayoutId, Release, ReleaseOutcome, TransactionId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::views::{EXAMPLE_CURRENCY, EscrowRef, MilestoneRef, PayoutRef, TransactionRef, example_id};
use crate::{Body, Context, Key, Operation, Path, Problem, Reply, SignedIn, Who, error};

/// What is released.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EscrowRelease {
    /// An approved milestone.
    pub milestone_id: MilestoneRef,
    /// A part of what is held for it; all of it when absent.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub amount: Option<i64>,
}

/// A release. Its amount is the sum of fee, netted and share.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EscrowReleaseView {
    /// From which escrow account.
    pub escrow_id: EscrowRef,
    /// For which milestone.
    pub milestone_id: MilestoneRef,
    /// Which part of the milestone this is, from 1.
    pub part: i16,
    /// What left the escrow account.
    pub amount: i64,
    /// The platform's fee. The fees of a milestone's parts sum to the fee of the whole.
    pub fee_amount: i64,
    /// What was kept against the contractor's debt.
    pub netted_amount: i64,
    /// What the contractor is owed; a payout moves it to the contractor's account.
    pub share_amount: i64,
    /// The currency of every amount here.
    pub currency: String,
    /// What is left to release of the milestone; it is RELEASED when nothing is.
    pub remaining_amount: i64,
    /// The ledger's transaction.
    pub transaction_id: TransactionRef,
    /// The payout of the share, unless there is nothing to pay out.
    pub payout_id: Option<PayoutRef>,
    /// When.
    pub released_at: DateTime<Utc>,
}

/// Releases.
#[must_use]
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/payments/escrow/{escrowId}/release/milestone")
            .summary("Release a milestone")
            .description(
                "By either party, of an APPROVED milestone, whole or in parts; 24 hours after the approval the service does so by itself. Of many at once \
                 one gets through, the others get 409.",
            )
            .by(Who::SignedIn)
            .idempotent(Key::Required)
            .body::<EscrowRelease>(json!({ "milestoneId": example_id::<MilestoneId>() }))
            .answers::<EscrowReleaseView>(200, "What was released.", EscrowReleaseView::example())
            .errors(&[
                error(403, "forbidden", "The caller is an administrator: only the parties release."),
                error(409, "busy", "Somebody else is moving this escrow account's money this moment."),
                error(409, "wrong_state", "The milestone is not APPROVED.").in_state("RELEASED", &[]),
                error(422, "amount_mismatch", "It is more than is held, or the last possible part and not all that is held; the error names that."),
                error(422, "unknown_milestone", "The contract has no such milestone."),
            ])
            .to(release_milestone),
    ]
}

async fn release_milestone(
    context: Context,
    actor: SignedIn,
    id: Path<EscrowId>,
    body: Body<EscrowRelease>,
) -> Result<Reply, Problem> {
    let command = Release::new(*id, *body.milestone_id, body.amount)?;
    context
        .command(
            move |commands| commands.escrow.release_milestone(&actor, command),
            |outcome| Reply::ok(&EscrowReleaseView::from(outcome)),
        )
        .await
}

impl From<ReleaseOutcome> for EscrowReleaseView {
    fn from(outcome: ReleaseOutcome) -> Self {
        Self {
            escrow_id: outcome.escrow_id.into(),
            milestone_id: outcome.milestone_id.into(),
            part: outcome.part,
            amount: outcome.amount,
            fee_amount: outcome.fee,
            netted_amount: outcome.netted,
            share_amount: outcome.share,
            currency: outcome.currency.to_string(),
            remaining_amount: outcome.remaining,
            transaction_id: outcome.transaction_id.into(),
            payout_id: outcome.payout_id.map(Into::into),
            released_at: outcome.released_at,
        }
    }
}

impl EscrowReleaseView {
    fn example() -> Self {
        Self {
            escrow_id: example_id::<EscrowId>().into(),
            milestone_id: example_id::<MilestoneId>().into(),
            part: 1,
            amount: 180_000,
            fee_amount: 5_220,
            netted_amount: 0,
            share_amount: 174_780,
            currency: EXAMPLE_CURRENCY.to_owned(),
            remaining_amount: 0,
            transaction_id: example_id::<TransactionId>().into(),
            payout_id: Some(example_id::<PayoutId>().into()),
            released_at: DateTime::UNIX_EPOCH,
        }
    }
}
