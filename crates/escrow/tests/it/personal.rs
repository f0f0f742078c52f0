//! What is held about a party's money, and what of it keeps the party.

use escrow::EscrowQueries;
use escrow::provider::SimulatedSettings;
use identity::PersonalData;
use kernel::{Actor, Role};
use serde_json::{Value, json};

use crate::stage::{HOUR, Stage, VISA};

impl Stage {
    fn blockers(&self, actor: &Actor) -> Vec<&'static str> {
        let person = actor.person.unwrap();
        let found = self.database.db.transaction(|tx| self.escrow.blockers(tx, person)).unwrap();
        found.into_iter().map(|blocker| blocker.code).collect()
    }

    fn held_about(&self, actor: &Actor) -> Value {
        let person = actor.person.unwrap();
        self.database.db.read(|conn| self.escrow.held_about(conn, person)).unwrap().data
    }
}

#[test]
fn money_keeps_its_parties_until_it_has_arrived() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    assert_eq!((stage.blockers(&stage.homeowner), stage.blockers(&stage.contractor)), (vec![], vec![]));
    let payment = stage.deposit(&account, None).unwrap().payment;
    assert_eq!(
        (stage.blockers(&stage.homeowner), stage.blockers(&stage.contractor)),
        (vec!["payment_pending"], vec![])
    );
    stage.confirm(&payment, Some(VISA)).unwrap();
    for party in [&stage.homeowner, &stage.contractor] {
        assert_eq!(stage.blockers(party), ["money_held"]);
    }
    stage.approve(&account, account.milestones[0]);
    stage.release(&account, 0, None).unwrap();
    assert_eq!(
        (stage.blockers(&stage.homeowner), stage.blockers(&stage.contractor)),
        (vec![], vec!["payout_pending"])
    );
    stage.run_due();
    assert_eq!((stage.blockers(&stage.homeowner), stage.blockers(&stage.contractor)), (vec![], vec![]));
}

#[test]
fn a_blocker_names_the_thing() {
    let stage = Stage::new();
    let account = stage.funded(&[50_000]);
    let person = stage.contractor.person.unwrap();
    let found = stage.database.db.transaction(|tx| stage.escrow.blockers(tx, person)).unwrap();
    assert_eq!((found[0].kind, &found[0].id), ("escrow", &account.id.to_string()));
}

#[test]
fn a_payout_that_waits_for_an_account_or_was_refused_keeps_the_contractor() {
    let stage = Stage::with(SimulatedSettings { accounts_on_demand: false, ..Default::default() });
    let account = stage.approved(&[50_000]);
    stage.release(&account, 0, None).unwrap();
    stage.run_due();
    assert_eq!(stage.blockers(&stage.contractor), ["payout_pending"]);
    stage.database.execute("UPDATE escrow.payouts SET status = 'FAILED', settled_at = app.clock()");
    assert_eq!(stage.blockers(&stage.contractor), ["payout_pending"], "it is owed all the same");
}

#[test]
fn a_refund_that_was_not_made_keeps_the_payer() {
    let stage = Stage::new();
    let account = stage.funded(&[50_000]);
    stage.approve(&account, account.milestones[0]);
    stage.release(&account, 0, None).unwrap();
    stage.after(HOUR);
    for (status, blockers) in
        [("PENDING", vec!["refund_pending"]), ("FAILED", vec!["refund_pending"]), ("DONE", vec![])]
    {
        stage.database.execute(&format!(
            "INSERT INTO escrow.refunds (id, payment_id, amount, status, created_at)
             SELECT gen_random_uuid(), id, 100, '{status}', app.clock() FROM escrow.payments
             ON CONFLICT (payment_id) DO UPDATE SET status = excluded.status"
        ));
        assert_eq!(
            (stage.blockers(&stage.homeowner), stage.blockers(&stage.contractor)),
            (blockers, vec![]),
            "{status}"
        );
    }
}

#[test]
fn no_money_moves_while_it_is_judged() {
    let stage = Stage::new();
    let account = stage.approved(&[50_000]);
    let person = stage.homeowner.person.unwrap();
    stage
        .database
        .db
        .transaction(|tx| {
            stage.escrow.blockers(tx, person)?;
            let refused =
                std::thread::scope(|scope| scope.spawn(|| stage.release(&account, 0, None)).join().unwrap());
            let busy = matches!(refused, Err(escrow::Error::Database(database::Error::LockNotAvailable)));
            assert!(busy, "{refused:?}");
            Ok::<_, identity::Error>(())
        })
        .unwrap();
    stage.release(&account, 0, None).unwrap();
}

#[test]
fn an_account_has_every_movement_and_the_books_stay_right() {
    let stage = Stage::new();
    let account = stage.approved(&[60_000, 40_000]);
    stage.release(&account, 0, None).unwrap();
    stage.release(&account, 1, None).unwrap();
    stage.run_due();
    let held = stage.held_about(&stage.contractor);
    assert_eq!(
        (&held["escrows"][0]["id"], &held["escrows"][0]["releasedAmount"]),
        (&json!(account.id), &json!(100_000))
    );
    assert_eq!(held["payments"][0]["milestoneIds"].as_array().unwrap().len(), 2);
    assert_eq!((held["releases"].as_array().unwrap().len(), &held["refunds"]), (2, &json!([])));
    assert_eq!(held["payouts"].as_array().unwrap().len(), 2);
    let entries: Vec<i64> =
        held["entries"].as_array().unwrap().iter().map(|entry| entry["amount"].as_i64().unwrap()).collect();
    assert_eq!((entries.len(), entries.iter().sum::<i64>()), (4, 0), "owed, and paid");
    let held = stage.held_about(&stage.homeowner);
    assert_eq!((&held["entries"], &held["payments"][0]["amount"]), (&json!([]), &json!(100_000)));
    let stranger = stage.held_about(&stage.person(Role::Homeowner));
    assert!(stranger.as_object().unwrap().values().all(|part| *part == json!([])), "{stranger}");

    let person = stage.contractor.person.unwrap();
    stage.database.db.transaction(|tx| stage.escrow.erase(tx, person)).unwrap();
    stage.assert_books_are_right();
    assert_eq!(stage.escrow.contract_summary(&stage.homeowner, account.contract).unwrap().paid_out, 97_100);
}
