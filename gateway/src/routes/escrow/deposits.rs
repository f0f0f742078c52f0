//! `/api/payments/escrow/{escrowId}/deposit` and `/api/payments/confirm`: money on its way in.

use contracts::MilestoneId;
use escrow::provider::PaymentMethod;
use escrow::{Confirm, Deposit, DepositOutcome, EscrowId, PaymentId};
use kernel::Faults;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::{MilestoneRef, PaymentRef, PaymentView, example_id};
use crate::{Body, Context, Homeowner, Key, Operation, Path, Problem, Reply, Who, error};

/// What is paid in.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EscrowDeposit {
    /// The milestones to pay for; all that are not funded when absent.
    #[schema(min_items = 1, max_items = 100)]
    pub milestone_ids: Option<Vec<MilestoneRef>>,
    /// Exactly the sum of their amounts; it may be left out.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub amount: Option<i64>,
    /// The payment provider's token of a card or account. With it the payment is confirmed at once; without it a `clientSecret` comes back.
    #[schema(min_length = 1, max_length = 200)]
    pub payment_method: Option<String>,
}

/// Which payment is to be gone on with.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentConfirm {
    /// The payment.
    pub payment_id: PaymentRef,
    /// With the payment provider's token of a card or account the payment is confirmed there; without it only what the provider says is recorded.
    #[schema(min_length = 1, max_length = 200)]
    pub payment_method: Option<String>,
}

/// A payment after the provider was asked.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentOutcome {
    /// The payment.
    pub payment: PaymentView,
    /// With this the payer confirms the payment with the provider, while it needs confirming.
    pub client_secret: Option<String>,
}

/// Deposits and their confirmation.
#[must_use]
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/payments/escrow/{escrowId}/deposit")
            .summary("Pay into an escrow account")
            .description(
                "By the homeowner, through the payment provider, for exactly the sum of the named milestones. A card that is declined is an \
                 answer too: the payment is FAILED and another deposit can be made. What is not confirmed in 15 minutes lapses. After a 503 \
                 send the same request with the same key: it goes on with the same payment.",
            )
            .by(Who::Homeowner)
            .idempotent(Key::Required)
            .body::<EscrowDeposit>(json!({ "milestoneIds": [example_id::<MilestoneId>()], "amount": 180_000, "paymentMethod": "pm_card_visa" }))
            .answers::<PaymentOutcome>(201, "The payment as the provider left it.", PaymentOutcome::example())
            .errors(&[
                error(403, "email_not_verified", "The caller's e-mail address has not been verified."),
                error(409, "deposit_open", "A payment for one of these milestones is under way."),
                error(409, "nothing_to_fund", "Every milestone is funded already."),
                error(409, "wrong_state", "A named milestone is funded already.").in_state("FUNDED", &[]),
                error(422, "amount_mismatch", "The amount is not the sum of the milestones; the error names the right one."),
                error(422, "unknown_milestone", "The contract has no such milestone; the error names its place."),
                error(503, "provider_unavailable", "The payment provider did not answer; the payment goes on with the same key."),
            ])
            .to(deposit),
        Operation::post("/api/payments/confirm")
            .summary("Confirm a payment, or read it back")
            .description(
                "What counts is what the payment provider says: held money exists only after it was read back from there. Asking again changes nothing.",
            )
            .by(Who::Homeowner)
            .idempotent(Key::Required)
            .body::<PaymentConfirm>(json!({ "paymentId": example_id::<PaymentId>(), "paymentMethod": "pm_card_visa" }))
            .answers::<PaymentOutcome>(200, "The payment as the provider tells it.", PaymentOutcome::example())
            .errors(&[
                error(403, "email_not_verified", "The caller's e-mail address has not been verified."),
                error(404, "not_found", "There is no such payment, or it is not the caller's."),
                error(409, "wrong_state", "The payment has failed or lapsed.").in_state("LAPSED", &["deposit"]),
                error(503, "provider_unavailable", "The payment provider did not answer; send the same request again."),
            ])
            .to(confirm_payment),
    ]
}

async fn deposit(
    context: Context,
    actor: Homeowner,
    id: Path<EscrowId>,
    body: Body<EscrowDeposit>,
) -> Result<Reply, Problem> {
    let command = body.into_inner().command(*id)?;
    let (payer, method) = (actor.clone(), command.payment_method.clone());
    let intend = move |commands: &platform::Commands, reference: Uuid| {
        let command = Deposit { payment_id: PaymentId::from(reference), ..command.clone() };
        commands.escrow.open_deposit(actor.view(), command)
    };
    context
        .staged(
            intend,
            move |commands, payment| {
                let confirm = Confirm { payment_id: payment.id, payment_method: method };
                commands.escrow.complete_deposit(payer.view(), confirm)
            },
            |outcome| Reply::created(summary_path(&outcome), &PaymentOutcome::from(outcome)),
        )
        .await
}

async fn confirm_payment(
    context: Context,
    actor: Homeowner,
    body: Body<PaymentConfirm>,
) -> Result<Reply, Problem> {
    let payment_method = token(body.payment_method.as_deref())?;
    let command = Confirm { payment_id: *body.payment_id, payment_method };
    context
        .staged(
            |_, _| Ok::<_, escrow::Error>(()),
            move |commands, ()| commands.escrow.confirm_payment(actor.view(), command),
            |outcome| Reply::ok(&PaymentOutcome::from(outcome)),
        )
        .await
}

/// Where a payment can be seen: among those of its contract.
fn summary_path(outcome: &DepositOutcome) -> String {
    format!("/api/payments/contract/{}/summary", outcome.payment.contract_id)
}

/// The provider's token, when there is one.
fn token(text: Option<&str>) -> Result<Option<PaymentMethod>, Faults> {
    let mut faults = Faults::none();
    let method = text.and_then(|text| faults.take("/paymentMethod", PaymentMethod::new(text)));
    faults.or(|| method)
}

impl EscrowDeposit {
    fn command(self, escrow: EscrowId) -> Result<Deposit, Faults> {
        let milestones = self.milestone_ids.map(|ids| ids.into_iter().map(|id| *id).collect());
        let mut faults = Faults::none();
        let method =
            self.payment_method.and_then(|text| faults.take("/paymentMethod", PaymentMethod::new(&text)));
        // The id is given with the reference of the claim.
        let made = Deposit::new(PaymentId::from(Uuid::nil()), escrow, milestones, self.amount, method);
        match faults.take("", made) {
            Some(deposit) => faults.or(|| deposit),
            None => Err(faults),
        }
    }
}

impl From<DepositOutcome> for PaymentOutcome {
    fn from(outcome: DepositOutcome) -> Self {
        Self {
            payment: outcome.payment.into(),
            client_secret: outcome.client_secret.map(|secret| secret.expose_secret().to_owned()),
        }
    }
}

impl PaymentOutcome {
    fn example() -> Self {
        Self { payment: PaymentView::example(), client_secret: None }
    }
}
