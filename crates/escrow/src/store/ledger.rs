//! The ledger: posting through the one function that may, and reading.

use contracts::{ContractId, MilestoneId};
use database::Error as DatabaseError;
use database::hot::{Binds, Hot, Statement};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Currency, Instant, Limit, PartyId, Position};
use uuid::Uuid;

use super::{currency, word};
use crate::Error;
use crate::model::{
    AccountId, AccountKind, AccountLine, AccountStatement, EscrowFigures, HistoryLine, Posting,
    TransactionId, TransactionKind, TrialBalanceLine,
};
use crate::schema::accounts;

/// The one way to ledger rows.
struct PostTransfer {
    id: Uuid,
    kind: &'static str,
    key: String,
    contract: Uuid,
    corrected: Option<Uuid>,
    request: String,
    new_account_ids: Vec<Uuid>,
    kinds: Vec<&'static str>,
    currencies: Vec<&'static str>,
    subjects: Vec<Uuid>,
    amounts: Vec<i64>,
}

impl Statement for PostTransfer {
    const SQL: &'static str = "SELECT escrow.post($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<SqlUuid, _>(&self.id)?;
        binds.push::<Text, _>(self.kind)?;
        binds.push::<Text, _>(&self.key)?;
        binds.push::<SqlUuid, _>(&self.contract)?;
        binds.push::<Nullable<SqlUuid>, _>(&self.corrected)?;
        binds.push::<Text, _>(&self.request)?;
        binds.push::<Array<SqlUuid>, _>(&self.new_account_ids)?;
        binds.push::<Array<Text>, _>(&self.kinds)?;
        binds.push::<Array<Text>, _>(&self.currencies)?;
        binds.push::<Array<SqlUuid>, _>(&self.subjects)?;
        binds.push::<Array<BigInt>, _>(&self.amounts)
    }
}

/// Posts a decided transfer, and with it moves the balances.
///
/// # Errors
/// [`Error::AlreadyPosted`] when its business key was posted before, [`Error::Refused`] when an account would go below
/// its floor.
pub(crate) fn post(conn: &mut PgConnection, posting: &Posting, request_id: &str) -> Result<(), Error> {
    let entries = &posting.entries;
    let code = posting.currency.code();
    let transfer = PostTransfer {
        id: posting.id.uuid(),
        kind: posting.kind.as_str(),
        key: posting.business_key.clone(),
        contract: posting.contract_id.uuid(),
        corrected: None,
        request: request_id.to_owned(),
        new_account_ids: entries.iter().map(|_| AccountId::new().uuid()).collect(),
        kinds: entries.iter().map(|(account, _)| account.kind().as_str()).collect(),
        currencies: entries.iter().map(|_| code).collect(),
        subjects: entries.iter().map(|(account, _)| account.subject()).collect(),
        amounts: entries.iter().map(|(_, amount)| *amount).collect(),
    };
    let posted = Hot(transfer).execute(conn).map_err(DatabaseError::from);
    match posted {
        Ok(_) => Ok(()),
        Err(error) if error.is_unique("transactions_business_key") => Err(Error::AlreadyPosted),
        Err(DatabaseError::Check { message, .. }) => Err(Error::Refused(message)),
        Err(error) => Err(error.into()),
    }
}

#[derive(QueryableByName)]
struct FiguresRow {
    #[diesel(sql_type = BigInt)]
    held: i64,
    #[diesel(sql_type = BigInt)]
    released: i64,
    #[diesel(sql_type = BigInt)]
    refunded: i64,
    #[diesel(sql_type = BigInt)]
    disputed: i64,
    #[diesel(sql_type = BigInt)]
    fees: i64,
}

/// What a contract's escrow account holds and what became of the rest, summed from its entries.
pub(crate) fn figures(conn: &mut PgConnection, contract: ContractId) -> Result<EscrowFigures, DatabaseError> {
    let row: FiguresRow = diesel::sql_query(
        "SELECT coalesce(sum(e.amount) FILTER (WHERE a.kind = 'HELD'), 0)::bigint AS held,
                coalesce(-sum(e.amount) FILTER (WHERE a.kind = 'HELD' AND t.kind = 'RELEASE'), 0)::bigint AS released,
                coalesce(-sum(e.amount) FILTER (WHERE a.kind = 'HELD' AND t.kind = 'REFUND'), 0)::bigint AS refunded,
                coalesce(sum(e.amount) FILTER (WHERE a.kind = 'DISPUTE_CLEARING'), 0)::bigint AS disputed,
                coalesce(sum(e.amount) FILTER (WHERE a.kind = 'PLATFORM_FEE'), 0)::bigint AS fees
         FROM escrow.transactions t
         JOIN escrow.entries e ON e.transaction_id = t.id
         JOIN escrow.accounts a ON a.id = e.account_id
         WHERE t.contract_id = $1",
    )
    .bind::<SqlUuid, _>(contract.uuid())
    .get_result(conn)?;
    Ok(EscrowFigures {
        held: row.held,
        released: row.released,
        refunded: row.refunded,
        disputed: row.disputed,
        fees: row.fees,
    })
}

#[derive(QueryableByName)]
struct HistoryRow {
    #[diesel(sql_type = BigInt)]
    entry: i64,
    #[diesel(sql_type = SqlUuid)]
    transaction_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    milestone_id: Uuid,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = BigInt)]
    fee: i64,
    #[diesel(sql_type = BigInt)]
    balance: i64,
    #[diesel(sql_type = Timestamptz)]
    at: Instant,
}

/// The movements of what is held for a contract, oldest first; one more than the page holds.
pub(crate) fn history(
    conn: &mut PgConnection,
    contract: ContractId,
    after: i64,
    limit: Limit,
) -> Result<Vec<HistoryLine>, DatabaseError> {
    let rows: Vec<HistoryRow> = diesel::sql_query(
        "SELECT h.*, coalesce((
             SELECT sum(f.amount) FROM escrow.entries f JOIN escrow.accounts fa ON fa.id = f.account_id
             WHERE f.transaction_id = h.transaction_id AND fa.kind = 'PLATFORM_FEE'), 0)::bigint AS fee
         FROM (
             SELECT e.id AS entry, e.transaction_id, t.kind, a.subject_id AS milestone_id, e.amount,
                    (sum(e.amount) OVER (ORDER BY e.id))::bigint AS balance, t.created_at AS at
             FROM escrow.accounts a
             JOIN escrow.entries e ON e.account_id = a.id AND e.currency = a.currency
             JOIN escrow.transactions t ON t.id = e.transaction_id
             WHERE a.contract_id = $1 AND a.kind = 'HELD'
         ) h
         WHERE h.entry > $2 ORDER BY h.entry LIMIT $3",
    )
    .bind::<SqlUuid, _>(contract.uuid())
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(limit.plus_one())
    .load(conn)?;
    rows.into_iter()
        .map(|row| {
            Ok(HistoryLine {
                entry: row.entry,
                transaction_id: TransactionId::from(row.transaction_id),
                kind: word(&row.kind, TransactionKind::parse)?,
                milestone_id: MilestoneId::from(row.milestone_id),
                amount: row.amount,
                fee: row.fee,
                balance: row.balance,
                at: row.at,
            })
        })
        .collect()
}

#[derive(QueryableByName)]
struct TrialRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    accounts: i64,
    #[diesel(sql_type = BigInt)]
    sum: i64,
    #[diesel(sql_type = SqlUuid)]
    one: Uuid,
}

/// Every kind of account in every currency with what its accounts sum to: from the balance rows where there are any, and
/// from the last snapshot and the entries since where there are none.
pub(crate) fn trial_balance(conn: &mut PgConnection) -> Result<Vec<TrialBalanceLine>, DatabaseError> {
    let rows: Vec<TrialRow> = diesel::sql_query(
        "SELECT a.kind, a.currency, count(*) AS accounts, (array_agg(a.id))[1] AS one,
                sum(CASE WHEN b.account_id IS NOT NULL THEN b.balance * escrow.natural_side(a.kind)
                         ELSE coalesce(s.balance, 0) + since.amount END)::bigint AS sum
         FROM escrow.accounts a
         LEFT JOIN escrow.balances b ON b.account_id = a.id
         LEFT JOIN LATERAL (
             SELECT upto_entry, balance FROM escrow.snapshots
             WHERE account_id = a.id ORDER BY upto_entry DESC LIMIT 1
         ) s ON b.account_id IS NULL
         LEFT JOIN LATERAL (
             SELECT coalesce(sum(e.amount), 0) AS amount FROM escrow.entries e
             WHERE e.account_id = a.id AND e.currency = a.currency AND e.id > coalesce(s.upto_entry, 0)
         ) since ON b.account_id IS NULL
         GROUP BY a.kind, a.currency ORDER BY a.currency, a.kind",
    )
    .load(conn)?;
    rows.into_iter()
        .map(|row| {
            Ok(TrialBalanceLine {
                kind: word(&row.kind, AccountKind::parse)?,
                currency: currency(&row.currency)?,
                accounts: row.accounts,
                debit: (-row.sum).max(0),
                credit: row.sum.max(0),
                account_id: (row.accounts == 1).then(|| AccountId::from(row.one)),
            })
        })
        .collect()
}

#[derive(QueryableByName)]
struct BalanceRow {
    #[diesel(sql_type = BigInt)]
    balance: i64,
}

/// What an account came to with an entry: the last snapshot before it and the entries since.
fn balance_at(
    conn: &mut PgConnection,
    account: Uuid,
    currency: Currency,
    entry: i64,
) -> Result<i64, DatabaseError> {
    let row: BalanceRow = diesel::sql_query(
        "SELECT (coalesce(s.balance, 0) + coalesce((
             SELECT sum(e.amount) FROM escrow.entries e
             WHERE e.account_id = $1 AND e.currency = $2 AND e.id > coalesce(s.upto_entry, 0) AND e.id <= $3
         ), 0))::bigint AS balance
         FROM (VALUES (1)) AS one
         LEFT JOIN LATERAL (
             SELECT upto_entry, balance FROM escrow.snapshots
             WHERE account_id = $1 AND upto_entry <= $3 ORDER BY upto_entry DESC LIMIT 1
         ) s ON true",
    )
    .bind::<SqlUuid, _>(account)
    .bind::<Text, _>(currency.code())
    .bind::<BigInt, _>(entry)
    .get_result(conn)?;
    Ok(row.balance)
}

#[derive(QueryableByName)]
struct LineRow {
    #[diesel(sql_type = BigInt)]
    entry: i64,
    #[diesel(sql_type = SqlUuid)]
    transaction_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    business_key: String,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = Timestamptz)]
    at: Instant,
}

/// One account with a page of its entries, newest first.
pub(crate) fn find_account(
    conn: &mut PgConnection,
    account: AccountId,
    before: i64,
    limit: Limit,
) -> Result<Option<AccountStatement>, DatabaseError> {
    let found: Option<(String, String, Uuid, Instant)> = accounts::table
        .find(account.uuid())
        .select((accounts::kind, accounts::currency, accounts::subject_id, accounts::created_at))
        .first(conn)
        .optional()?;
    let Some((kind, code, subject, created_at)) = found else { return Ok(None) };
    let (kind, currency) = (word(&kind, AccountKind::parse)?, currency(&code)?);
    let mut rows: Vec<LineRow> = diesel::sql_query(
        "SELECT e.id AS entry, e.transaction_id, t.kind, t.business_key, e.amount, t.created_at AS at
         FROM escrow.entries e JOIN escrow.transactions t ON t.id = e.transaction_id
         WHERE e.account_id = $1 AND e.currency = $2 AND e.id < $3 ORDER BY e.id DESC LIMIT $4",
    )
    .bind::<SqlUuid, _>(account.uuid())
    .bind::<Text, _>(currency.code())
    .bind::<BigInt, _>(before)
    .bind::<BigInt, _>(limit.plus_one())
    .load(conn)?;
    let side = kind.natural_side();
    let balance = side * balance_at(conn, account.uuid(), currency, i64::MAX)?;
    let mut running = match rows.first() {
        Some(row) => balance_at(conn, account.uuid(), currency, row.entry)?,
        None => 0,
    };
    let more = rows.len() > limit.get();
    rows.truncate(limit.get());
    let next = rows.last().filter(|_| more).map(|row| Position { key: row.entry, id: row.transaction_id });
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        lines.push(AccountLine {
            entry: row.entry,
            transaction_id: TransactionId::from(row.transaction_id),
            kind: word(&row.kind, TransactionKind::parse)?,
            business_key: row.business_key,
            amount: row.amount,
            balance: side * running,
            at: row.at,
        });
        running -= row.amount;
    }
    let owned = matches!(kind, AccountKind::ContractorPayable | AccountKind::ContractorDebt);
    Ok(Some(AccountStatement {
        id: account,
        kind,
        currency,
        milestone_id: (kind == AccountKind::Held).then(|| MilestoneId::from(subject)),
        owner_id: owned.then(|| PartyId::from(subject)),
        balance,
        created_at,
        lines,
        next,
    }))
}

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = BigInt)]
    upto: i64,
    #[diesel(sql_type = Text)]
    horizon: String,
}

/// Up to which entry a snapshot can be taken, and which transactions have to end first: the last number drawn so far, and
/// the next transaction's id. Whoever drew a number before has an older id, because a header is written before its entries.
pub(crate) fn snapshot_mark(conn: &mut PgConnection) -> Result<(i64, String), DatabaseError> {
    let mark: Mark = diesel::sql_query(
        "SELECT last_value AS upto, pg_snapshot_xmax(pg_current_snapshot())::text AS horizon
         FROM escrow.entries_id_seq",
    )
    .get_result(conn)?;
    Ok((mark.upto, mark.horizon))
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Nullable<BigInt>)]
    taken: Option<i64>,
}

/// Takes the snapshots of a mark; none while a transaction from before it still runs.
pub(crate) fn take_snapshots(
    conn: &mut PgConnection,
    upto: i64,
    horizon: &str,
) -> Result<Option<i64>, DatabaseError> {
    let row: Taken = diesel::sql_query("SELECT escrow.take_snapshots($1, $2::xid8) AS taken")
        .bind::<BigInt, _>(upto)
        .bind::<Text, _>(horizon)
        .get_result(conn)?;
    Ok(row.taken)
}
