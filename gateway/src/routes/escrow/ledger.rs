//! `/api/admin/ledger`: the books, and that they balance.

use chrono::{DateTime, Utc};
use contracts::MilestoneId;
use escrow::{
    AccountId, AccountKind, AccountLine, AccountStatement, TransactionId, TrialBalance, TrialBalanceLine,
};
use kernel::PartyId;
use serde::Serialize;
use utoipa::ToSchema;

use super::views::{
    AccountRef, EXAMPLE_CURRENCY, LedgerTransactionKind, MilestoneRef, TransactionRef, example_id,
};
use crate::routes::identity::views::PartyRef;
use crate::{Admin, Context, Operation, Paging, Path, Problem, Reply, Who};

/// What an account is for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum LedgerAccountKind {
    /// What lies at the payment provider.
    CardClearing,
    /// What is held for one milestone.
    Held,
    /// What a contractor is owed and has not been paid out.
    ContractorPayable,
    /// What a contractor owes.
    ContractorDebt,
    /// What the platform earned.
    PlatformFee,
    /// What the provider charged: the platform's expense.
    ProcessorFee,
    /// What is on its way back to a payer.
    RefundClearing,
    /// What a dispute has frozen.
    DisputeClearing,
}

/// The books at a glance.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LedgerTrialBalance {
    /// As of when.
    pub as_of: DateTime<Utc>,
    /// Whether debits and credits are equal in every currency.
    pub balanced: bool,
    /// One line a kind and currency.
    pub lines: Vec<LedgerTrialLine>,
}

/// All accounts of one kind in one currency.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LedgerTrialLine {
    /// The kind.
    pub kind: LedgerAccountKind,
    /// The currency.
    pub currency: String,
    /// How many accounts there are of it.
    pub accounts: i64,
    /// The balance when it is on the debit side, else 0.
    pub debit_amount: i64,
    /// The balance when it is on the credit side, else 0.
    pub credit_amount: i64,
    /// The account when there is only one.
    pub account_id: Option<AccountRef>,
}

/// One account with its entries.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LedgerAccountView {
    /// The account.
    pub id: AccountRef,
    /// What it is for.
    pub kind: LedgerAccountKind,
    /// The currency of every amount here.
    pub currency: String,
    /// The milestone of a held account.
    pub milestone_id: Option<MilestoneRef>,
    /// The contractor of a payable or debt account.
    pub owner_id: Option<PartyRef>,
    /// The balance, on its natural side: positive is what we owe or earned, or what we own or spent.
    pub balance: i64,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// One page of its entries, newest first.
    pub entries: Vec<LedgerEntryView>,
    /// The `cursor` of the next page; none at the end.
    pub next_cursor: Option<String>,
}

/// One entry of an account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LedgerEntryView {
    /// The transaction that it is part of.
    pub transaction_id: TransactionRef,
    /// Why money moved.
    pub kind: LedgerTransactionKind,
    /// The business fact, which can be posted once.
    pub business_key: String,
    /// A credit is positive, a debit negative.
    pub amount: i64,
    /// The account's balance after it, on its natural side.
    pub balance: i64,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
}

/// The books.
#[must_use]
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/admin/ledger/trial-balance")
            .summary("Get the trial balance")
            .description("Every kind of account in every currency, with what its accounts sum to. Debits and credits are equal.")
            .by(Who::Admin)
            .answers::<LedgerTrialBalance>(200, "The trial balance.", LedgerTrialBalance::example())
            .to(get_trial_balance),
        Operation::get("/api/admin/ledger/accounts/{accountId}")
            .summary("Get a ledger account")
            .description("Its balance, and a page of its entries with the balance after each.")
            .by(Who::Admin)
            .paged()
            .answers::<LedgerAccountView>(200, "The account.", LedgerAccountView::example())
            .to(get_ledger_account),
    ]
}

async fn get_trial_balance(context: Context, actor: Admin) -> Result<Reply, Problem> {
    let trial = context.read(move |queries| queries.escrow.trial_balance(actor.view())).await?;
    Ok(Reply::ok(&LedgerTrialBalance::from(trial)).tagged())
}

async fn get_ledger_account(
    context: Context,
    actor: Admin,
    id: Path<AccountId>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let account =
        context.read(move |queries| queries.escrow.ledger_account(actor.view(), *id, after, limit)).await?;
    let next_cursor = paging.next_cursor(account.next.as_ref());
    Ok(Reply::ok(&LedgerAccountView { next_cursor, ..LedgerAccountView::from(account) }))
}

impl From<AccountKind> for LedgerAccountKind {
    fn from(kind: AccountKind) -> Self {
        match kind {
            AccountKind::CardClearing => Self::CardClearing,
            AccountKind::Held => Self::Held,
            AccountKind::ContractorPayable => Self::ContractorPayable,
            AccountKind::ContractorDebt => Self::ContractorDebt,
            AccountKind::PlatformFee => Self::PlatformFee,
            AccountKind::ProcessorFee => Self::ProcessorFee,
            AccountKind::RefundClearing => Self::RefundClearing,
            AccountKind::DisputeClearing => Self::DisputeClearing,
        }
    }
}

impl From<TrialBalance> for LedgerTrialBalance {
    fn from(trial: TrialBalance) -> Self {
        Self {
            as_of: trial.as_of,
            balanced: trial.balanced,
            lines: trial.lines.into_iter().map(LedgerTrialLine::from).collect(),
        }
    }
}

impl From<TrialBalanceLine> for LedgerTrialLine {
    fn from(line: TrialBalanceLine) -> Self {
        Self {
            kind: line.kind.into(),
            currency: line.currency.to_string(),
            accounts: line.accounts,
            debit_amount: line.debit,
            credit_amount: line.credit,
            account_id: line.account_id.map(Into::into),
        }
    }
}

impl From<AccountStatement> for LedgerAccountView {
    fn from(account: AccountStatement) -> Self {
        Self {
            id: account.id.into(),
            kind: account.kind.into(),
            currency: account.currency.to_string(),
            milestone_id: account.milestone_id.map(Into::into),
            owner_id: account.owner_id.map(Into::into),
            balance: account.balance,
            created_at: account.created_at,
            entries: account.lines.into_iter().map(LedgerEntryView::from).collect(),
            next_cursor: None,
        }
    }
}

impl From<AccountLine> for LedgerEntryView {
    fn from(line: AccountLine) -> Self {
        Self {
            transaction_id: line.transaction_id.into(),
            kind: line.kind.into(),
            business_key: line.business_key,
            amount: line.amount,
            balance: line.balance,
            created_at: line.at,
        }
    }
}

impl LedgerTrialBalance {
    fn example() -> Self {
        let line = |kind, debit_amount, credit_amount| LedgerTrialLine {
            kind,
            currency: EXAMPLE_CURRENCY.to_owned(),
            accounts: 1,
            debit_amount,
            credit_amount,
            account_id: Some(example_id::<AccountId>().into()),
        };
        Self {
            as_of: DateTime::UNIX_EPOCH,
            balanced: true,
            lines: vec![
                line(LedgerAccountKind::CardClearing, 178_200, 0),
                line(LedgerAccountKind::Held, 0, 180_000),
                line(LedgerAccountKind::ProcessorFee, 1_800, 0),
            ],
        }
    }
}

impl LedgerAccountView {
    fn example() -> Self {
        Self {
            id: example_id::<AccountId>().into(),
            kind: LedgerAccountKind::ContractorPayable,
            currency: EXAMPLE_CURRENCY.to_owned(),
            milestone_id: None::<MilestoneId>.map(Into::into),
            owner_id: Some(example_id::<PartyId>().into()),
            balance: 174_780,
            created_at: DateTime::UNIX_EPOCH,
            entries: vec![LedgerEntryView {
                transaction_id: example_id::<TransactionId>().into(),
                kind: LedgerTransactionKind::Release,
                business_key: "release:00000000-0000-0000-0000-000000000000:1".to_owned(),
                amount: 174_780,
                balance: 174_780,
                created_at: DateTime::UNIX_EPOCH,
            }],
            next_cursor: None,
        }
    }
}
