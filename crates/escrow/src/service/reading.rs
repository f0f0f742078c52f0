//! The queries.

use contracts::ContractId;
use kernel::{Actor, Currency, Limit, Page, Position, Role};

use super::EscrowService;
use crate::Error;
use crate::model::{
    AccountId, AccountKind, AccountStatement, ContractSummary, Escrow, EscrowId, HistoryLine, MoneyFigures,
    PayoutFigures, TrialBalance, TrialBalanceLine,
};
use crate::store::{escrows, ledger, payments, payouts};

impl EscrowService {
    pub(super) fn read_escrow(&self, actor: &Actor, id: EscrowId) -> Result<Escrow, Error> {
        self.db.read(|conn| {
            let row = escrows::find(conn, actor, id)?.ok_or(Error::NotFound("escrow account"))?;
            let figures = ledger::figures(conn, row.contract())?;
            Ok(escrows::complete(conn, row, figures)?)
        })
    }

    pub(super) fn read_history(
        &self,
        actor: &Actor,
        id: EscrowId,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<Page<HistoryLine, i64>, Error> {
        self.db.read(|conn| {
            let row = escrows::find(conn, actor, id)?.ok_or(Error::NotFound("escrow account"))?;
            let lines =
                ledger::history(conn, row.contract(), after.map_or(0, |position| position.key), limit)?;
            let place = |line: &HistoryLine| Position { key: line.entry, id: line.transaction_id.uuid() };
            Ok(Page::cut(lines, limit, place))
        })
    }

    pub(super) fn read_summary(&self, actor: &Actor, contract: ContractId) -> Result<ContractSummary, Error> {
        self.db.read(|conn| {
            let facts = contracts::facts(conn, contract)?
                .filter(|facts| {
                    actor.role == Role::Admin || [facts.homeowner, facts.contractor].contains(&actor.party)
                })
                .ok_or(Error::NotFound("contract"))?;
            let mut summary = ContractSummary {
                contract_id: contract,
                currency: facts.price.currency(),
                price: facts.price.minor(),
                escrow: None,
                payments: Vec::new(),
                payouts: Vec::new(),
                paid_out: 0,
            };
            if let Some(row) = escrows::find_of_contract(conn, contract)? {
                let id = EscrowId::from(row.id);
                summary.payments = payments::latest(conn, id, contract)?;
                summary.payouts = payouts::latest(conn, id)?;
                summary.paid_out = payouts::paid_out(conn, id)?;
                let figures = ledger::figures(conn, contract)?;
                summary.escrow = Some(escrows::complete(conn, row, figures)?);
            }
            Ok(summary)
        })
    }

    pub(super) fn read_trial_balance(&self) -> Result<TrialBalance, Error> {
        let as_of = self.db.now()?;
        self.db.read(|conn| {
            let lines = ledger::trial_balance(conn)?;
            let balanced = currencies(&lines).into_iter().all(|currency| {
                lines
                    .iter()
                    .filter(|line| line.currency == currency)
                    .map(|line| line.credit - line.debit)
                    .sum::<i64>()
                    == 0
            });
            Ok(TrialBalance { as_of, lines, balanced })
        })
    }

    pub(super) fn read_figures(&self) -> Result<(Vec<MoneyFigures>, Vec<PayoutFigures>), Error> {
        self.db.read(|conn| {
            let lines = ledger::trial_balance(conn)?;
            let figures = currencies(&lines).into_iter().map(|currency| money(currency, &lines)).collect();
            Ok((figures, payouts::count_unpaid(conn)?))
        })
    }

    pub(super) fn read_account(
        &self,
        account: AccountId,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<AccountStatement, Error> {
        let before = after.map_or(i64::MAX, |position| position.key);
        self.db
            .read(|conn| ledger::find_account(conn, account, before, limit))?
            .ok_or(Error::NotFound("ledger account"))
    }
}

/// What the accounts of each kind sum to, told on the kind's own side.
fn money(currency: Currency, lines: &[TrialBalanceLine]) -> MoneyFigures {
    let sum = |kind: AccountKind| {
        lines
            .iter()
            .filter(|line| line.currency == currency && line.kind == kind)
            .map(|line| (line.credit - line.debit) * kind.natural_side())
            .sum()
    };
    MoneyFigures {
        currency,
        held: sum(AccountKind::Held),
        payable: sum(AccountKind::ContractorPayable),
        debt: sum(AccountKind::ContractorDebt),
        platform_fees: sum(AccountKind::PlatformFee),
        processor_fees: sum(AccountKind::ProcessorFee),
    }
}

fn currencies(lines: &[TrialBalanceLine]) -> Vec<Currency> {
    let mut found: Vec<Currency> = Vec::new();
    for line in lines {
        if !found.contains(&line.currency) {
            found.push(line.currency);
        }
    }
    found
}
