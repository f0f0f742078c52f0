//! What is held about a party, what keeps it, and what is left of it.

use contracts::{
    ContractsCommands, ContractsQueries, Deliverables, EditMilestone, Error, MilestonePatch, RequestChanges,
};
use identity::PersonalData;
use kernel::{Actor, Limit, Role};
use serde_json::{Value, json};

use crate::stage::{Stage, at};

impl Stage {
    fn blockers(&self, actor: &Actor) -> Vec<(&'static str, String)> {
        let person = actor.person.unwrap();
        let found = self.database.db.transaction(|tx| self.contracts.blockers(tx, person)).unwrap();
        found.into_iter().map(|blocker| (blocker.code, blocker.id)).collect()
    }

    fn erase(&self, actor: &Actor) {
        let person = actor.person.unwrap();
        assert_eq!(self.blockers(actor), []);
        self.database.db.transaction(|tx| self.contracts.erase(tx, person)).unwrap();
    }

    fn held_about(&self, actor: &Actor) -> Value {
        let person = actor.person.unwrap();
        self.database.db.read(|conn| self.contracts.held_about(conn, person)).unwrap().data
    }

    /// How many rows have this in any of their texts.
    fn traces(&self, text: &str) -> i64 {
        ["contracts", "milestones", "submissions"]
            .map(|table| {
                self.database.count(&format!("contracts.{table} one WHERE one::text ILIKE '%{text}%'"))
            })
            .into_iter()
            .sum()
    }

    /// A contract that was sent back once, and completed.
    fn completed(&self) -> contracts::ContractId {
        let id = self.unsigned(&[60_000, 40_000]).contract.id;
        let first = at(id, self.milestone(id, 0).id);
        let patch = MilestonePatch {
            description: Some(Some(contracts::Description::new("As Ada wants it at 1 Elm Street").unwrap())),
            deliverables: Some(Deliverables::new(&["Key back to Lovelace".to_owned()]).unwrap()),
            ..MilestonePatch::default()
        };
        self.contracts.edit_milestone(&self.contractor, &EditMilestone { milestone: first, patch }).unwrap();
        self.sign(&self.homeowner, id).unwrap();
        self.sign(&self.contractor, id).unwrap();
        self.fund(id);
        let (homeowner, contractor) =
            (self.homeowner.homeowner().unwrap(), self.contractor.contractor().unwrap());
        for milestone in self.milestones(id) {
            let at = at(id, milestone.id);
            self.contracts.start_milestone(contractor, &at).unwrap();
            self.contracts.submit_milestone(contractor, &at).unwrap();
            if milestone.ordinal == 1 {
                let reason = contracts::Reason::new("Not like that, Grace. Yours, Ada").unwrap();
                self.contracts.request_changes(homeowner, &RequestChanges { milestone: at, reason }).unwrap();
                self.contracts.submit_milestone(contractor, &at).unwrap();
            }
            self.contracts.approve_milestone(homeowner, &at).unwrap();
            self.release(id, milestone.id).unwrap();
        }
        id
    }
}

#[test]
fn a_contract_holds_both_parties_until_it_has_ended() {
    let stage = Stage::new();
    let id = stage.unsigned(&[1_000]).contract.id;
    for party in [&stage.homeowner, &stage.contractor] {
        assert_eq!(stage.blockers(party), [("contract_unsigned", id.to_string())]);
    }
    stage.sign(&stage.homeowner, id).unwrap();
    stage.sign(&stage.contractor, id).unwrap();
    for party in [&stage.homeowner, &stage.contractor] {
        assert_eq!(stage.blockers(party), [("contract_running", id.to_string())]);
    }
    assert_eq!(stage.blockers(&stage.person(Role::Contractor, "Alan Turing")), []);
    let ended = Stage::new();
    ended.completed();
    assert_eq!((ended.blockers(&ended.homeowner), ended.blockers(&ended.contractor)), (vec![], vec![]));
}

#[test]
fn an_account_has_what_was_agreed_signed_and_done() {
    let stage = Stage::new();
    let id = stage.completed();
    let text = stage.contracts.get_document(&stage.contractor, id).unwrap();
    let held = stage.held_about(&stage.contractor);
    let contract = &held["contracts"][0];
    assert_eq!((&contract["id"], &contract["status"]), (&json!(id), &json!("COMPLETED")));
    assert_eq!((&contract["price"], &contract["currency"]), (&json!(100_000), &json!("USD")));
    assert_eq!(contract["particulars"]["jobPlace"], "1 Elm Street, Springfield, US");
    assert_eq!(contract["milestones"][0]["deliverables"], json!(["Key back to Lovelace"]));
    let submissions = contract["milestones"][0]["submissions"].as_array().unwrap();
    assert_eq!((submissions.len(), &submissions[0]["outcome"]), (2, &json!("CHANGES_REQUESTED")));
    let signatures = contract["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 1, "one's own, not the other's");
    assert_eq!(signatures[0]["evidence"]["address"], "203.0.113.9");
    assert_eq!(
        (&signatures[0]["text"], &signatures[0]["documentSha256"]),
        (&json!(text.text), &json!(text.sha256.as_str()))
    );
    let stranger = stage.person(Role::Contractor, "Alan Turing");
    assert_eq!(stage.held_about(&stranger), json!({ "contracts": [] }));
}

#[test]
fn an_erased_homeowner_leaves_a_contract_that_the_contractor_can_read() {
    let stage = Stage::new();
    let id = stage.completed();
    let before = stage.contracts.get_contract(&stage.contractor, id).unwrap();
    stage.erase(&stage.homeowner);
    for trace in ["Ada", "Lovelace", "Elm Street", "Not like that"] {
        assert_eq!(stage.traces(trace), 0, "{trace}");
    }
    assert_eq!(stage.database.count("contracts.contracts WHERE octet_length(particulars) > 0"), 0);
    let view = stage.contracts.get_contract(&stage.contractor, id).unwrap();
    assert_eq!(view.contract.title, "Removed job");
    assert_eq!(
        (view.contract.price, view.contract.completed_at),
        (before.contract.price, before.contract.completed_at)
    );
    let page = stage.contracts.list_milestones(&stage.contractor, id, Limit::default(), None).unwrap();
    let titles: Vec<_> = page.items.iter().map(|view| view.milestone.title.as_str()).collect();
    assert_eq!(titles, ["Milestone 1", "Milestone 2"]);
    let text = stage.contracts.get_document(&stage.contractor, id).unwrap().text;
    assert!(text.contains("Ada Lovelace"), "what was signed stays as it was signed: {text}");
    assert!(stage.held_about(&stage.contractor)["contracts"][0]["particulars"].is_null());
    let versions = "contracts.contracts, generate_series(1, version)";
    let rows = stage.database.count(versions);
    stage.erase(&stage.homeowner);
    assert_eq!(stage.database.count(versions), rows, "a second time changes nothing more");
}

#[test]
fn an_erased_contractor_leaves_the_homeowners_words() {
    let stage = Stage::new();
    let id = stage.completed();
    stage.erase(&stage.contractor);
    for trace in ["Grace", "Hopper"] {
        assert_eq!(stage.traces(trace), 0, "{trace}");
    }
    let view = stage.contracts.get_contract(&stage.homeowner, id).unwrap();
    assert_eq!(view.contract.title, "New roof");
    assert_eq!(
        stage
            .database
            .count("contracts.submissions WHERE reason = 'Not like that, Former member. Yours, Ada'"),
        1
    );
}

#[test]
fn what_was_never_binding_goes_with_its_key() {
    let stage = Stage::new();
    let id = stage.unsigned(&[1_000]).contract.id;
    stage.sign(&stage.contractor, id).unwrap();
    stage.after_hours(7 * 24 + 1);
    stage.erase(&stage.homeowner);
    assert_eq!(
        stage.database.count("identity.data_keys WHERE subject_kind = 'contract' AND wrapped_key IS NULL"),
        1
    );
    let view = stage.contracts.get_contract(&stage.contractor, id).unwrap();
    assert_eq!(view.contract.title, "Removed job");
    assert!(matches!(stage.contracts.get_document(&stage.contractor, id), Err(Error::ContractNotFound)));
    let signature = &stage.held_about(&stage.contractor)["contracts"][0]["signatures"][0];
    assert!(
        signature["signedAt"].is_string() && signature["evidence"].is_null() && signature["text"].is_null()
    );
}
