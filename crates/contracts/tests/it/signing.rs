use contracts::{
    ContractStatus, ContractsCommands, ContractsQueries, DocumentHash, Error, TerminationReason,
};
use kernel::{Classify, ErrorKind, Role};

use crate::stage::{Stage, add, signature};

#[test]
fn the_second_signature_makes_the_contract_active() {
    let stage = Stage::new();
    let id = stage.unsigned(&[1_000]).contract.id;

    let first = stage.sign(&stage.contractor, id).unwrap();
    assert_eq!(first.contract.status, ContractStatus::PendingSignatures);
    assert_eq!(first.allowed_actions, ["add_milestone", "edit_milestone"]);
    assert_eq!(first.signatures.len(), 1);

    let second = stage.sign(&stage.homeowner, id).unwrap();
    assert_eq!(second.contract.status, ContractStatus::Active);
    assert!(second.contract.activated_at.is_some());
    let hashes: Vec<_> = second.signatures.iter().map(|signature| &signature.document_sha256).collect();
    assert_eq!(hashes, [&second.document_sha256, &second.document_sha256]);
    assert_eq!((stage.told("contract.signed"), stage.told("contract.activated")), (2, 1));
    assert!(second.contract.version > first.contract.version);
}

#[test]
fn the_text_is_the_one_of_its_hash_and_is_kept_sealed() {
    let stage = Stage::new();
    let view = stage.unsigned(&[60_000, 40_000]);
    let document = stage.contracts.get_document(&stage.homeowner, view.contract.id).unwrap();
    assert_eq!(DocumentHash::of(&document.text), document.sha256);
    assert_eq!(document.sha256, view.document_sha256);
    for said in
        ["Ada Lovelace", "Grace Hopper", "1 Elm Street", "1,000.00 USD", "600.00 USD", "Scaffold included."]
    {
        assert!(document.text.contains(said), "{said} is missing in\n{}", document.text);
    }
    stage.sign(&stage.homeowner, view.contract.id).unwrap();
    for column in [
        "contracts.contracts WHERE particulars",
        "contracts.documents WHERE sealed_text",
        "contracts.signatures WHERE sealed_evidence",
    ] {
        for text in ["Elm", "Lovelace", "203.0.113.9"] {
            assert_eq!(
                stage.database.count(&format!("{column} LIKE '%{text}%'::bytea")),
                0,
                "{column} shows {text}"
            );
        }
    }
}

#[test]
fn another_text_than_the_one_that_was_read_is_not_signed() {
    let stage = Stage::new();
    let id = stage.unsigned(&[1_000]).contract.id;
    let read = stage.contracts.get_document(&stage.homeowner, id).unwrap().sha256;
    let due = stage.milestone(id, 0).due_date;
    stage.sign(&stage.contractor, id).unwrap();
    let command = add(id, "Gutters", 400, due);
    stage.contracts.add_milestone(&stage.contractor, &command).unwrap();

    let error = stage.contracts.sign(&stage.homeowner, &signature(id, read)).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("document_changed", ErrorKind::Conflict));

    // The contractor's own signature went with the old text.
    assert!(stage.contracts.get_contract(&stage.homeowner, id).unwrap().signatures.is_empty());
    assert_eq!(stage.database.count("contracts.signatures WHERE voided_at IS NOT NULL"), 1);
    stage.sign(&stage.homeowner, id).unwrap();
    assert_eq!(stage.sign(&stage.contractor, id).unwrap().contract.status, ContractStatus::Active);
}

#[test]
fn nobody_signs_twice_or_for_others_or_unverified() {
    let stage = Stage::new();
    let id = stage.unsigned(&[1_000]).contract.id;
    let mut unverified = stage.homeowner.clone();
    unverified.email_verified = false;
    assert_eq!(stage.sign(&unverified, id).unwrap_err().code(), "email_not_verified");

    stage.sign(&stage.homeowner, id).unwrap();
    let twice = stage.sign(&stage.homeowner, id).unwrap_err();
    let allowed = vec!["add_milestone", "edit_milestone"];
    assert_eq!(twice.kind(), ErrorKind::WrongState { state: "PENDING_SIGNATURES", allowed });

    let hash = stage.contracts.get_document(&stage.homeowner, id).unwrap().sha256;
    let stranger = stage.person(Role::Contractor, "Mallory");
    assert!(matches!(
        stage.contracts.sign(&stranger, &signature(id, hash.clone())),
        Err(Error::ContractNotFound)
    ));
    let admin = stage.person(Role::Admin, "Root");
    assert!(matches!(stage.contracts.sign(&admin, &signature(id, hash)), Err(Error::WrongParty(_))));

    stage.sign(&stage.contractor, id).unwrap();
    let late = stage.sign(&stage.contractor, id).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::WrongState { state: "ACTIVE", allowed: vec![] });
}

#[test]
fn what_nobody_signs_in_seven_days_ends_and_takes_the_job_with_it() {
    let stage = Stage::new();
    let id = stage.unsigned(&[600, 400]).contract.id;
    stage.sign(&stage.homeowner, id).unwrap();
    stage.after_hours(7 * 24 - 1);
    assert_eq!(stage.contracts.get_contract(&stage.homeowner, id).unwrap().contract.terminated, None);

    stage.database.clock.advance(std::time::Duration::from_secs(3600));
    // The clock counts, even while the task has not run.
    assert_eq!(stage.sign(&stage.contractor, id).unwrap_err().code(), "signing_period_over");
    stage.run_due();

    let ended = stage.contracts.get_contract(&stage.homeowner, id).unwrap();
    assert_eq!(ended.contract.status, ContractStatus::Terminated);
    assert_eq!(ended.contract.terminated.map(|(_, reason)| reason), Some(TerminationReason::Unsigned));
    assert_eq!(stage.database.count("contracts.milestones WHERE status = 'CANCELLED'"), 2);
    assert_eq!(stage.database.count("marketplace.jobs WHERE status = 'EXPIRED'"), 1);
    assert_eq!(stage.told("contract.unsigned"), 1);
    let late = stage.sign(&stage.contractor, id).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::WrongState { state: "TERMINATED", allowed: vec![] });
}

#[test]
fn a_signed_contract_outlives_the_time_for_signing() {
    let stage = Stage::new();
    let id = stage.signed(&[1_000]);
    stage.after_hours(8 * 24);
    assert_eq!(
        stage.contracts.get_contract(&stage.homeowner, id).unwrap().contract.status,
        ContractStatus::Active
    );
    assert_eq!(stage.told("contract.unsigned"), 0);
}
