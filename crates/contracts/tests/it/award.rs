use std::sync::Barrier;

use contracts::{
    AcceptBid, ContractFilter, ContractStatus, ContractsCommands, ContractsQueries, Error, InspectionDays,
};
use kernel::{Classify, ErrorKind, Limit, Role};

use crate::stage::Stage;

#[test]
fn accepting_a_bid_awards_the_job_and_makes_the_contract() {
    let stage = Stage::new();
    let job = stage.job();
    let rival = stage.person(Role::Contractor, "Alan Turing");
    let bid = stage.bid(&stage.contractor, job, &[60_000, 40_000]);
    stage.bid(&rival, job, &[90_000]);

    let view = stage.accept(bid).unwrap();

    let contract = &view.contract;
    assert_eq!(contract.status, ContractStatus::PendingSignatures);
    assert_eq!((contract.price.minor(), contract.title.as_str()), (100_000, "New roof"));
    assert_eq!((contract.terms.fee.points(), contract.terms.inspection_days), (290, 14));
    assert_eq!(contract.sign_by - contract.created_at, chrono::Duration::days(7));
    assert_eq!(
        (view.homeowner.name.as_str(), view.contractor.name.as_str()),
        ("Ada Lovelace", "Grace Hopper")
    );
    assert_eq!(view.allowed_actions, ["sign", "add_milestone", "edit_milestone"]);
    let amounts: Vec<i64> = stage.milestones(contract.id).iter().map(|milestone| milestone.amount).collect();
    assert_eq!(amounts, [60_000, 40_000]);
    assert_eq!(stage.database.count("marketplace.jobs WHERE status = 'AWARDED'"), 1);
    assert_eq!(stage.database.count("marketplace.bids WHERE status = 'REJECTED'"), 1);
    assert_eq!((stage.told("contract.created"), stage.told("bid.rejected")), (1, 1));
}

#[test]
fn a_bid_without_milestones_becomes_one_of_the_whole_price() {
    let stage = Stage::new();
    let bid = stage.bid_of(&stage.contractor, stage.job(), 5_000, &[]);
    let contract = stage.accept(bid).unwrap().contract;
    let milestones = stage.milestones(contract.id);
    assert_eq!(milestones.len(), 1);
    assert_eq!((milestones[0].title.as_str(), milestones[0].amount), ("New roof", 5_000));
}

#[test]
fn the_parties_may_agree_on_another_inspection() {
    let stage = Stage::new();
    let bid = stage.bid(&stage.contractor, stage.job(), &[1_000]);
    let command =
        AcceptBid { bid, revision: Some(1), inspection_days: Some(InspectionDays::new(3).unwrap()) };
    let view = stage.contracts.accept_bid(stage.homeowner.homeowner().unwrap(), &command).unwrap();
    assert_eq!(view.contract.terms.inspection_days, 3);
    let text = stage.contracts.get_document(&stage.contractor, view.contract.id).unwrap().text;
    assert!(text.contains("inspected for at most 3 times 24 hours"), "{text}");
}

#[test]
fn a_bid_that_was_revised_since_it_was_read_is_not_accepted() {
    let stage = Stage::new();
    let bid = stage.bid(&stage.contractor, stage.job(), &[1_000]);
    let command = AcceptBid { bid, revision: Some(2), inspection_days: None };
    let error = stage.contracts.accept_bid(stage.homeowner.homeowner().unwrap(), &command).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("bid_revised", ErrorKind::Conflict));
    assert_eq!(stage.database.count("contracts.contracts"), 0);
}

#[test]
fn a_stranger_finds_no_bid_to_accept() {
    let stage = Stage::new();
    let bid = stage.bid(&stage.contractor, stage.job(), &[1_000]);
    let stranger = stage.person(Role::Homeowner, "Mallory");
    let command = AcceptBid { bid, revision: None, inspection_days: None };
    let error = stage.contracts.accept_bid(stranger.homeowner().unwrap(), &command).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn of_two_acceptances_at_the_same_time_exactly_one_wins() {
    const ROUNDS: i64 = 100;
    let stage = Stage::new();
    let rival = stage.person(Role::Contractor, "Alan Turing");
    for round in 1..=ROUNDS {
        let job = stage.job();
        let bids = [stage.bid(&stage.contractor, job, &[600, 400]), stage.bid(&rival, job, &[900])];
        let together = Barrier::new(2);
        let outcomes = std::thread::scope(|scope| {
            bids.map(|bid| {
                let (stage, together) = (&stage, &together);
                scope.spawn(move || {
                    together.wait();
                    stage.accept(bid)
                })
            })
            .map(|thread| thread.join().unwrap())
        });
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "round {round}: {outcomes:?}");
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(error.kind(), ErrorKind::WrongState { .. }), "round {round}: {error:?}");
        }
        assert_eq!(stage.database.count("contracts.contracts"), round);
    }
    assert_eq!(stage.told("contract.created"), ROUNDS);
    assert_eq!(stage.database.count("marketplace.bids WHERE status = 'ACCEPTED'"), ROUNDS);
    assert_eq!(stage.database.count("marketplace.bids WHERE status = 'REJECTED'"), ROUNDS);
}

#[test]
fn lists_show_a_party_its_own_contracts_the_newest_first() {
    let stage = Stage::new();
    let ids: Vec<_> = (0..3).map(|_| stage.unsigned(&[1_000]).contract.id).collect();
    let limit = Limit::new(2).unwrap();
    let first =
        stage.contracts.list_contracts(&stage.contractor, ContractFilter::default(), limit, None).unwrap();
    assert_eq!(first.items.iter().map(|card| card.contract.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    assert_eq!(first.items[0].homeowner.name, "Ada Lovelace");
    let rest = stage
        .contracts
        .list_contracts(&stage.contractor, ContractFilter::default(), limit, first.next)
        .unwrap();
    assert_eq!(rest.items.iter().map(|card| card.contract.id).collect::<Vec<_>>(), [ids[0]]);
    assert_eq!(rest.next, None);

    let active = ContractFilter { status: Some(ContractStatus::Active) };
    assert!(stage.contracts.list_contracts(&stage.homeowner, active, limit, None).unwrap().items.is_empty());
    let stranger = stage.person(Role::Contractor, "Mallory");
    let theirs = stage.contracts.list_contracts(&stranger, ContractFilter::default(), limit, None).unwrap();
    assert!(theirs.items.is_empty());
    assert!(matches!(stage.contracts.get_contract(&stranger, ids[0]), Err(Error::ContractNotFound)));
    assert!(matches!(stage.contracts.get_document(&stranger, ids[0]), Err(Error::ContractNotFound)));
    let admin = stage.person(Role::Admin, "Root");
    assert!(stage.contracts.get_contract(&admin, ids[0]).unwrap().allowed_actions.is_empty());
}
