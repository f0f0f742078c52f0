//! What proving the books reads. Each check names the rows that disagree: which, what it should be, what it is.

use std::collections::HashMap;

use contracts::ContractId;
use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use kernel::Currency;
use uuid::Uuid;

use super::currency;
use crate::Error as CrateError;
use crate::verify::Disagreement;

/// The most rows that one check names.
const NAMED_MAX: i64 = 1_000;

/// The checks that this crate's own tables suffice for.
pub(crate) const CHECKS: &[(&str, &str)] = &[
    (
        "transaction_balanced",
        "SELECT 'transaction ' || t.business_key AS subject, 0::bigint AS expected, sum(e.amount)::bigint AS found
         FROM escrow.transactions t JOIN escrow.entries e ON e.transaction_id = t.id
         GROUP BY t.id HAVING sum(e.amount) <> 0",
    ),
    (
        "transaction_complete",
        "SELECT 'transaction ' || t.business_key AS subject, t.entry_count::bigint AS expected, count(e.id) AS found
         FROM escrow.transactions t LEFT JOIN escrow.entries e ON e.transaction_id = t.id
         GROUP BY t.id HAVING count(e.id) <> t.entry_count",
    ),
    (
        "one_currency",
        "SELECT 'transaction ' || t.business_key AS subject, 0::bigint AS expected, count(*) AS found
         FROM escrow.transactions t JOIN escrow.entries e ON e.transaction_id = t.id
         JOIN escrow.accounts a ON a.id = e.account_id
         WHERE e.currency <> t.currency OR a.currency <> t.currency GROUP BY t.id",
    ),
    (
        "balance_row",
        "SELECT a.kind || ' ' || a.id AS subject, coalesce(s.sum, 0)::bigint AS expected, b.balance AS found
         FROM escrow.accounts a JOIN escrow.balances b ON b.account_id = a.id
         LEFT JOIN LATERAL (
             SELECT sum(e.amount) * escrow.natural_side(a.kind) AS sum FROM escrow.entries e
             WHERE e.account_id = a.id AND e.currency = a.currency
         ) s ON true
         WHERE b.balance <> coalesce(s.sum, 0)",
    ),
    (
        "balance_row_there",
        "SELECT a.kind || ' ' || a.id AS subject, escrow.has_floor(a.kind)::int::bigint AS expected,
                (b.account_id IS NOT NULL)::int::bigint AS found
         FROM escrow.accounts a LEFT JOIN escrow.balances b ON b.account_id = a.id
         WHERE escrow.has_floor(a.kind) <> (b.account_id IS NOT NULL)",
    ),
    (
        "snapshot",
        "SELECT a.kind || ' ' || a.id || ' up to entry ' || s.upto_entry AS subject,
                coalesce(sum(e.amount), 0)::bigint AS expected, s.balance AS found
         FROM escrow.snapshots s JOIN escrow.accounts a ON a.id = s.account_id
         LEFT JOIN escrow.entries e ON e.account_id = a.id AND e.currency = a.currency AND e.id <= s.upto_entry
         GROUP BY a.id, s.account_id, s.upto_entry, s.balance HAVING coalesce(sum(e.amount), 0) <> s.balance",
    ),
    (
        "deposit_of_payment",
        "SELECT 'payment ' || p.id AS subject, CASE WHEN p.status = 'SUCCEEDED' THEN p.amount ELSE 0 END AS expected,
                coalesce(d.received, 0)::bigint AS found
         FROM escrow.payments p
         LEFT JOIN escrow.transactions t ON t.business_key = 'deposit:' || p.id
         LEFT JOIN LATERAL (
             SELECT sum(e.amount) AS received FROM escrow.entries e WHERE e.transaction_id = t.id AND e.amount > 0
         ) d ON true
         WHERE CASE WHEN p.status = 'SUCCEEDED' THEN p.amount ELSE 0 END <> coalesce(d.received, 0)",
    ),
    (
        "funded_of_payment",
        "SELECT 'payment ' || p.id AS subject, p.funded_amount AS expected, coalesce(d.held, 0)::bigint AS found
         FROM escrow.payments p
         LEFT JOIN escrow.transactions t ON t.business_key = 'deposit:' || p.id
         LEFT JOIN LATERAL (
             SELECT sum(e.amount) AS held FROM escrow.entries e JOIN escrow.accounts a ON a.id = e.account_id
             WHERE e.transaction_id = t.id AND a.kind = 'HELD'
         ) d ON true
         WHERE p.funded_amount <> coalesce(d.held, 0)",
    ),
    (
        "payment_of_deposit",
        "SELECT 'transaction ' || t.business_key AS subject, 1::bigint AS expected, 0::bigint AS found
         FROM escrow.transactions t
         WHERE t.kind = 'DEPOSIT'
             AND NOT EXISTS (SELECT 1 FROM escrow.payments p WHERE t.business_key = 'deposit:' || p.id)",
    ),
    (
        "transaction_of_release",
        "SELECT 'release ' || r.milestone_id || ' part ' || r.part || ' ' || side.name AS subject,
                side.noted AS expected, coalesce(side.posted, 0)::bigint AS found
         FROM escrow.releases r
         LEFT JOIN LATERAL (
             SELECT -sum(e.amount) FILTER (WHERE a.kind = 'HELD') AS amount,
                    sum(e.amount) FILTER (WHERE a.kind = 'PLATFORM_FEE') AS fee,
                    sum(e.amount) FILTER (WHERE a.kind = 'CONTRACTOR_DEBT') AS netted,
                    sum(e.amount) FILTER (WHERE a.kind = 'CONTRACTOR_PAYABLE') AS share
             FROM escrow.transactions t JOIN escrow.entries e ON e.transaction_id = t.id
             JOIN escrow.accounts a ON a.id = e.account_id
             WHERE t.id = r.transaction_id AND t.business_key = 'release:' || r.milestone_id || ':' || r.part
         ) posted ON true
         CROSS JOIN LATERAL (VALUES
             ('amount', r.amount, posted.amount), ('fee', r.fee, posted.fee),
             ('netted', r.netted, posted.netted), ('share', r.share, posted.share)
         ) AS side (name, noted, posted)
         WHERE side.noted <> coalesce(side.posted, 0)",
    ),
    (
        "release_of_transaction",
        "SELECT 'transaction ' || t.business_key AS subject, 1::bigint AS expected, 0::bigint AS found
         FROM escrow.transactions t
         WHERE t.kind = 'RELEASE' AND NOT EXISTS (SELECT 1 FROM escrow.releases r WHERE r.transaction_id = t.id)",
    ),
    (
        "payout_of_release",
        "SELECT 'release ' || r.milestone_id || ' part ' || r.part AS subject, r.share AS expected,
                coalesce(p.amount, 0) AS found
         FROM escrow.releases r LEFT JOIN escrow.payouts p ON p.id = r.payout_id
         WHERE r.share <> coalesce(p.amount, 0)",
    ),
    (
        "release_of_payout",
        "SELECT 'payout ' || p.id AS subject, 1::bigint AS expected, 0::bigint AS found
         FROM escrow.payouts p WHERE NOT EXISTS (SELECT 1 FROM escrow.releases r WHERE r.payout_id = p.id)",
    ),
    (
        "transaction_of_payout",
        "SELECT 'payout ' || p.id AS subject, CASE WHEN p.status = 'PAID' THEN p.amount ELSE 0 END AS expected,
                coalesce(d.sent, 0)::bigint AS found
         FROM escrow.payouts p
         LEFT JOIN escrow.transactions t ON t.business_key = 'payout:' || p.id
         LEFT JOIN LATERAL (
             SELECT sum(e.amount) AS sent FROM escrow.entries e WHERE e.transaction_id = t.id AND e.amount > 0
         ) d ON true
         WHERE CASE WHEN p.status = 'PAID' THEN p.amount ELSE 0 END <> coalesce(d.sent, 0)",
    ),
    (
        "payout_of_transaction",
        "SELECT 'transaction ' || t.business_key AS subject, 1::bigint AS expected, 0::bigint AS found
         FROM escrow.transactions t
         WHERE t.kind = 'PAYOUT'
             AND NOT EXISTS (SELECT 1 FROM escrow.payouts p WHERE t.business_key = 'payout:' || p.id)",
    ),
    (
        "payable_of_contractor",
        "SELECT 'contractor ' || coalesce(a.subject_id, u.contractor_id) || ' ' || coalesce(a.currency, u.currency) AS subject,
                coalesce(u.unpaid, 0)::bigint AS expected, coalesce(a.balance, 0)::bigint AS found
         FROM (
             SELECT a.subject_id, a.currency, b.balance FROM escrow.accounts a
             JOIN escrow.balances b ON b.account_id = a.id WHERE a.kind = 'CONTRACTOR_PAYABLE'
         ) a
         FULL JOIN (
             SELECT contractor_id, currency, sum(amount) AS unpaid FROM escrow.payouts
             WHERE status <> 'PAID' GROUP BY contractor_id, currency
         ) u ON u.contractor_id = a.subject_id AND u.currency = a.currency
         WHERE coalesce(u.unpaid, 0) <> coalesce(a.balance, 0)",
    ),
    (
        "refund_clearing",
        "SELECT 'refund clearing ' || coalesce(c.currency, r.currency) AS subject,
                coalesce(r.owed, 0)::bigint AS expected, coalesce(c.sum, 0)::bigint AS found
         FROM (
             SELECT a.currency, sum(e.amount) AS sum FROM escrow.accounts a
             JOIN escrow.entries e ON e.account_id = a.id AND e.currency = a.currency
             WHERE a.kind = 'REFUND_CLEARING' GROUP BY a.currency
         ) c
         FULL JOIN (
             SELECT p.currency, sum(r.amount) AS owed FROM escrow.refunds r JOIN escrow.payments p ON p.id = r.payment_id
             WHERE r.status <> 'DONE' GROUP BY p.currency
         ) r ON r.currency = c.currency
         WHERE coalesce(r.owed, 0) <> coalesce(c.sum, 0)",
    ),
    (
        "refund_of_surplus",
        "SELECT 'payment ' || p.id AS subject, p.amount - p.funded_amount AS expected, coalesce(r.amount, 0) AS found
         FROM escrow.payments p LEFT JOIN escrow.refunds r ON r.payment_id = p.id
         WHERE p.status = 'SUCCEEDED' AND p.amount - p.funded_amount <> coalesce(r.amount, 0)",
    ),
    (
        "schedule_entry",
        "SELECT 'milestone ' || s.milestone_id AS subject, CASE WHEN s.status = 'RELEASED' THEN s.amount ELSE 0 END AS expected,
                sum(coalesce(r.amount, 0))::bigint AS found
         FROM escrow.release_schedule s LEFT JOIN escrow.releases r ON r.milestone_id = s.milestone_id
         GROUP BY s.id
         HAVING (s.status = 'RELEASED') <> (sum(coalesce(r.amount, 0)) = s.amount)
             OR sum(coalesce(r.amount, 0)) > s.amount",
    ),
    (
        "closed_escrow_is_empty",
        "SELECT 'escrow account ' || e.id AS subject, 0::bigint AS expected, sum(b.balance)::bigint AS found
         FROM escrow.escrows e JOIN escrow.accounts a ON a.contract_id = e.contract_id
         JOIN escrow.balances b ON b.account_id = a.id
         WHERE e.status = 'CLOSED' GROUP BY e.id HAVING sum(b.balance) <> 0",
    ),
    (
        "books_balance",
        "SELECT 'all accounts ' || e.currency AS subject, 0::bigint AS expected, sum(e.amount)::bigint AS found
         FROM escrow.entries e GROUP BY e.currency HAVING sum(e.amount) <> 0",
    ),
];

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = BigInt)]
    expected: i64,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// Runs one check.
pub(crate) fn run(
    conn: &mut PgConnection,
    check: &'static str,
    sql: &str,
) -> Result<Vec<Disagreement>, Error> {
    let rows: Vec<Row> = diesel::sql_query(format!("{sql} LIMIT {NAMED_MAX}")).load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| Disagreement { check, subject: row.subject, expected: row.expected, found: row.found })
        .collect())
}

/// Reads in one snapshot of the database, so that what happens meanwhile is either seen whole or not at all.
pub(crate) fn as_of_one_instant<T>(
    conn: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, CrateError>,
) -> Result<T, CrateError> {
    conn.build_transaction()
        .read_only()
        .repeatable_read()
        .run(|conn| work(conn).map_err(Ended::ByWork))
        .map_err(|ended| match ended {
            Ended::ByWork(error) => error,
            Ended::ByDatabase(error) => error.into(),
        })
}

/// How such a reading can fail.
enum Ended {
    ByWork(CrateError),
    ByDatabase(Error),
}

impl From<diesel::result::Error> for Ended {
    fn from(error: diesel::result::Error) -> Self {
        Self::ByDatabase(error.into())
    }
}

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    transactions: i64,
    #[diesel(sql_type = BigInt)]
    entries: i64,
    #[diesel(sql_type = BigInt)]
    accounts: i64,
}

/// How many transactions, entries and accounts there are.
pub(crate) fn counts(conn: &mut PgConnection) -> Result<(i64, i64, i64), Error> {
    let row: Counts = diesel::sql_query(
        "SELECT (SELECT count(*) FROM escrow.transactions) AS transactions,
                (SELECT count(*) FROM escrow.entries) AS entries, (SELECT count(*) FROM escrow.accounts) AS accounts",
    )
    .get_result(conn)?;
    Ok((row.transactions, row.entries, row.accounts))
}

/// An escrow account as its contract is compared with it.
pub(crate) struct EscrowPlace {
    pub(crate) id: Uuid,
    pub(crate) contract: ContractId,
    /// What its schedule sums to.
    pub(crate) scheduled: i64,
}

#[derive(QueryableByName)]
struct EscrowRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    contract_id: Uuid,
    #[diesel(sql_type = BigInt)]
    scheduled: i64,
}

/// The next escrow accounts in the order of their ids.
pub(crate) fn escrows_after(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<EscrowPlace>, Error> {
    let rows: Vec<EscrowRow> = diesel::sql_query(
        "SELECT e.id, e.contract_id, coalesce(sum(s.amount), 0)::bigint AS scheduled
         FROM escrow.escrows e LEFT JOIN escrow.release_schedule s ON s.escrow_id = e.id AND s.status <> 'CANCELLED'
         WHERE e.id > coalesce($1, '00000000-0000-0000-0000-000000000000') GROUP BY e.id ORDER BY e.id LIMIT $2",
    )
    .bind::<Nullable<SqlUuid>, _>(after)
    .bind::<BigInt, _>(most)
    .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| EscrowPlace { id: row.id, contract: row.contract_id.into(), scheduled: row.scheduled })
        .collect())
}

/// What the ledger says of a milestone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Kept {
    pub(crate) held: i64,
    pub(crate) released: i64,
    pub(crate) fees: i64,
}

#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = SqlUuid)]
    milestone: Uuid,
    #[diesel(sql_type = BigInt)]
    held: i64,
    #[diesel(sql_type = BigInt)]
    released: i64,
    #[diesel(sql_type = BigInt)]
    fees: i64,
}

/// What is held for, and was released of, every milestone of these contracts, summed from the entries.
pub(crate) fn kept_for(
    conn: &mut PgConnection,
    contracts: &[ContractId],
) -> Result<HashMap<Uuid, Kept>, Error> {
    let ids: Vec<Uuid> = contracts.iter().map(|contract| contract.uuid()).collect();
    let rows: Vec<KeptRow> = diesel::sql_query(
        "SELECT a.subject_id AS milestone, sum(e.amount)::bigint AS held,
                coalesce(-sum(e.amount) FILTER (WHERE t.kind = 'RELEASE'), 0)::bigint AS released,
                coalesce(sum(f.fee) FILTER (WHERE t.kind = 'RELEASE'), 0)::bigint AS fees
         FROM escrow.accounts a
         JOIN escrow.entries e ON e.account_id = a.id AND e.currency = a.currency
         JOIN escrow.transactions t ON t.id = e.transaction_id
         LEFT JOIN LATERAL (
             SELECT sum(x.amount) AS fee FROM escrow.entries x JOIN escrow.accounts xa ON xa.id = x.account_id
             WHERE x.transaction_id = t.id AND xa.kind = 'PLATFORM_FEE'
         ) f ON true
         WHERE a.contract_id = ANY ($1) AND a.kind = 'HELD' GROUP BY a.subject_id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| (row.milestone, Kept { held: row.held, released: row.released, fees: row.fees }))
        .collect())
}

#[derive(QueryableByName)]
struct Code {
    #[diesel(sql_type = Text)]
    currency: String,
}

/// Every currency in which money lies at a provider.
pub(crate) fn currencies(conn: &mut PgConnection) -> Result<Vec<Currency>, Error> {
    let rows: Vec<Code> = diesel::sql_query(
        "SELECT currency FROM escrow.accounts WHERE kind = 'CARD_CLEARING' ORDER BY currency",
    )
    .load(conn)?;
    rows.iter().map(|row| currency(&row.currency)).collect()
}

/// What our books say lies at the provider, and what may be on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clearing {
    pub(crate) books: i64,
    /// What may have left already: payouts and refunds that are not recorded as made.
    pub(crate) outgoing: i64,
    /// Payments that may have come in already, by the provider's id.
    pub(crate) open_intents: Vec<(String, i64)>,
}

#[derive(QueryableByName)]
struct ClearingRow {
    #[diesel(sql_type = BigInt)]
    books: i64,
    #[diesel(sql_type = BigInt)]
    outgoing: i64,
}

#[derive(QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = Text)]
    intent: String,
    #[diesel(sql_type = BigInt)]
    amount: i64,
}

/// What our books say of a provider's balance in one currency. Payments that ended without money in the last hour count as open:
/// the provider may know better.
pub(crate) fn clearing(
    conn: &mut PgConnection,
    provider: &str,
    currency: Currency,
) -> Result<Clearing, Error> {
    let row: ClearingRow = diesel::sql_query(
        "SELECT coalesce((SELECT -sum(e.amount) FROM escrow.accounts a
                 JOIN escrow.entries e ON e.account_id = a.id AND e.currency = a.currency
                 WHERE a.kind = 'CARD_CLEARING' AND a.currency = $1), 0)::bigint AS books,
                (coalesce((SELECT sum(amount) FROM escrow.payouts WHERE currency = $1 AND status = 'PENDING'), 0)
                 + coalesce((SELECT sum(r.amount) FROM escrow.refunds r JOIN escrow.payments p ON p.id = r.payment_id
                 WHERE p.currency = $1 AND r.status = 'PENDING'), 0))::bigint AS outgoing",
    )
    .bind::<Text, _>(currency.code())
    .get_result(conn)?;
    let open: Vec<OpenRow> = diesel::sql_query(
        "SELECT provider_intent_id AS intent, amount FROM escrow.payments
         WHERE provider = $1 AND currency = $2 AND provider_intent_id IS NOT NULL
             AND (status IN ('REQUIRES_CONFIRMATION', 'PROCESSING')
                  OR status IN ('FAILED', 'LAPSED') AND settled_at > app.clock() - interval '1 hour')
         ORDER BY id",
    )
    .bind::<Text, _>(provider)
    .bind::<Text, _>(currency.code())
    .load(conn)?;
    let open_intents = open.into_iter().map(|row| (row.intent, row.amount)).collect();
    Ok(Clearing { books: row.books, outgoing: row.outgoing, open_intents })
}
