//! What is shown to whom.

use escrow::{AccountKind, Error, EscrowCommands, EscrowQueries, NewEscrow};
use kernel::{Actor, Limit, Role};

use crate::stage::Stage;

#[test]
fn an_escrow_account_is_opened_once_for_an_active_contract() {
    let stage = Stage::new();
    let unsigned = stage.unsigned_contract(&[50_000]);
    let refused = stage.open(unsigned).unwrap_err();
    assert!(matches!(refused, Error::WrongState { state: "PENDING_SIGNATURES", .. }), "{refused:?}");
    let contract = stage.contract(&[30_000, 20_000]);
    let escrow = stage.open(contract).unwrap();
    assert_eq!((escrow.total, escrow.schedule.len()), (50_000, 2));
    assert!(escrow.schedule.iter().all(|entry| entry.due_date.is_some()));
    assert!(matches!(stage.open(contract).unwrap_err(), Error::EscrowExists));
    let stranger = stage.person(Role::Homeowner);
    let command = NewEscrow { contract_id: contract };
    let refused = stage.escrow.create_escrow(stranger.homeowner().unwrap(), command).unwrap_err();
    assert!(matches!(refused, Error::NotFound(_)), "{refused:?}");
    assert_eq!(stage.told("escrow.created"), 1);
}

#[test]
fn only_the_parties_and_administrators_see_it() {
    let stage = Stage::new();
    let account = stage.funded(&[50_000]);
    for viewer in [&stage.homeowner, &stage.contractor, &stage.person(Role::Admin)] {
        assert_eq!(stage.escrow.escrow(viewer, account.id).unwrap().figures.held, 50_000);
        assert_eq!(stage.escrow.contract_summary(viewer, account.contract).unwrap().price, 50_000);
        assert_eq!(stage.escrow.history(viewer, account.id, None, Limit::default()).unwrap().items.len(), 1);
    }
    for role in [Role::Homeowner, Role::Contractor] {
        let stranger = stage.person(role);
        assert!(matches!(stage.escrow.escrow(&stranger, account.id), Err(Error::NotFound(_))));
        assert!(matches!(
            stage.escrow.contract_summary(&stranger, account.contract),
            Err(Error::NotFound(_))
        ));
        let history = stage.escrow.history(&stranger, account.id, None, Limit::default());
        assert!(matches!(history, Err(Error::NotFound(_))));
    }
}

#[test]
fn a_summary_stands_before_there_is_an_account() {
    let stage = Stage::new();
    let contract = stage.contract(&[50_000]);
    let summary = stage.escrow.contract_summary(&stage.contractor, contract).unwrap();
    assert_eq!((summary.price, summary.escrow, summary.paid_out), (50_000, None, 0));
}

#[test]
fn the_trial_balance_leads_to_each_account() {
    let stage = Stage::new();
    let account = stage.approved(&[30_000, 20_000]);
    stage.release(&account, 0, Some(10_000)).unwrap();
    stage.release(&account, 0, None).unwrap();
    stage.run_due();
    let trial = stage.trial_balance();
    assert!(trial.balanced);
    let sides = |kind| {
        let line = trial.lines.iter().find(|line| line.kind == kind).unwrap();
        (line.accounts, line.debit, line.credit)
    };
    assert_eq!(sides(AccountKind::Held), (2, 0, 20_000));
    assert_eq!(sides(AccountKind::PlatformFee), (1, 0, 870));
    assert_eq!(sides(AccountKind::ProcessorFee), (1, 500, 0));
    assert_eq!(sides(AccountKind::CardClearing), (1, 49_500 - 29_130, 0));
    let fee =
        trial.lines.iter().find(|line| line.kind == AccountKind::PlatformFee).unwrap().account_id.unwrap();
    let admin = Actor::system("test");
    let limit = Limit::new(1).unwrap();
    let first = stage.escrow.ledger_account(admin.admin().unwrap(), fee, None, limit).unwrap();
    assert_eq!((first.balance, first.lines[0].amount, first.lines[0].balance), (870, 580, 870));
    let second = stage.escrow.ledger_account(admin.admin().unwrap(), fee, first.next, limit).unwrap();
    assert_eq!((second.lines[0].amount, second.lines[0].balance, second.next), (290, 290, None));
    let unknown = stage.escrow.ledger_account(admin.admin().unwrap(), escrow::AccountId::new(), None, limit);
    assert!(matches!(unknown, Err(Error::NotFound(_))));
}
