//! `/api/payments/escrow`: opening an escrow account, looking at it and at its history.

use chrono::{DateTime, Utc};
use contracts::{ContractId, MilestoneId};
use escrow::{EscrowId, HistoryLine, NewEscrow, TransactionId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::views::{
    ContractRef, EscrowView, LedgerTransactionKind, MilestoneRef, TransactionRef, example_id,
};
use crate::{Body, Context, Homeowner, Operation, Paging, Path, Problem, Reply, SignedIn, Who, error};

/// Which contract an escrow account is opened for.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EscrowNew {
    /// A contract that both parties have signed.
    pub contract_id: ContractRef,
}

/// One movement of what an escrow account holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EscrowHistoryLine {
    /// The ledger's transaction.
    pub transaction_id: TransactionRef,
    /// Why money moved.
    pub kind: LedgerTransactionKind,
    /// For which milestone.
    pub milestone_id: MilestoneRef,
    /// In is positive, out negative.
    pub amount: i64,
    /// Of a release, the platform's fee.
    pub fee_amount: i64,
    /// What the escrow account held afterwards.
    pub balance: i64,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Escrow accounts.
#[must_use]
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/payments/escrow/create")
            .summary("Open the escrow account of a contract")
            .description("One a contract, by its homeowner, once both have signed. Its release schedule has an entry for each milestone.")
            .by(Who::Homeowner)
            .body::<EscrowNew>(json!({ "contractId": example_id::<ContractId>() }))
            .answers::<EscrowView>(201, "The escrow account; nothing is held yet.", EscrowView::example())
            .errors(&[
                error(404, "not_found", "There is no such contract, or the caller is no party to it."),
                error(409, "escrow_exists", "The contract has its escrow account already."),
                error(409, "wrong_state", "The contract is not active.").in_state("PENDING_SIGNATURES", &["sign"]),
            ])
            .to(create_escrow),
        Operation::get("/api/payments/escrow/{escrowId}")
            .summary("Get an escrow account")
            .description("For the parties of its contract and administrators. Every figure is summed from the ledger.")
            .by(Who::SignedIn)
            .answers::<EscrowView>(200, "The escrow account.", EscrowView::example())
            .to(get_escrow),
        Operation::get("/api/payments/escrow/{escrowId}/history")
            .summary("List the movements of an escrow account")
            .description("The ledger of what this account holds, oldest first, with the balance after each movement.")
            .by(Who::SignedIn)
            .lists::<EscrowHistoryLine>("Its movements.", EscrowHistoryLine::example())
            .to(list_escrow_history),
    ]
}

async fn create_escrow(context: Context, actor: Homeowner, body: Body<EscrowNew>) -> Result<Reply, Problem> {
    let command = NewEscrow { contract_id: *body.contract_id };
    context
        .command(
            move |commands| commands.escrow.create_escrow(actor.view(), command),
            |made| Reply::created(format!("/api/payments/escrow/{}", made.id), &EscrowView::from(made)),
        )
        .await
}

async fn get_escrow(context: Context, actor: SignedIn, id: Path<EscrowId>) -> Result<Reply, Problem> {
    let escrow = context.read(move |queries| queries.escrow.escrow(&actor, *id)).await?;
    Ok(Reply::ok(&EscrowView::from(escrow)).tagged())
}

async fn list_escrow_history(
    context: Context,
    actor: SignedIn,
    id: Path<EscrowId>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let page = context.read(move |queries| queries.escrow.history(&actor, *id, after, limit)).await?;
    Ok(paging.reply(page, EscrowHistoryLine::from))
}

impl From<HistoryLine> for EscrowHistoryLine {
    fn from(line: HistoryLine) -> Self {
        Self {
            transaction_id: line.transaction_id.into(),
            kind: line.kind.into(),
            milestone_id: line.milestone_id.into(),
            amount: line.amount,
            fee_amount: line.fee,
            balance: line.balance,
            created_at: line.at,
        }
    }
}

impl EscrowHistoryLine {
    fn example() -> Self {
        Self {
            transaction_id: example_id::<TransactionId>().into(),
            kind: LedgerTransactionKind::Release,
            milestone_id: example_id::<MilestoneId>().into(),
            amount: -180_000,
            fee_amount: 5_220,
            balance: 0,
            created_at: DateTime::UNIX_EPOCH,
        }
    }
}
