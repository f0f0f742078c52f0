//! From events to people.

use identity::{LinkPurpose, LinkTokenId};
use kernel::Role::{Admin, Contractor, Homeowner};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::World;

/// The whole vocabulary, and who is told what of it.
const VOCABULARY: &[(&str, &[&str])] = &[
    ("person.registered", &["Ada welcome_customer"]),
    ("email.verification_requested", &["Ada verify_email"]),
    ("email.change_requested", &["Ada change_email"]),
    ("email.change_announced", &["Ada email_change_announced"]),
    ("email.changed", &["Ada email_changed"]),
    ("export.ready", &["Ada data_export_ready"]),
    ("password.reset_requested", &["Ada reset_password"]),
    ("password.reset", &["Ada password_reset"]),
    ("password.changed", &["Ada password_changed"]),
    ("person.identity_linked", &["Ada identity_linked"]),
    ("session.reuse_detected", &["Ada session_reuse_detected"]),
    ("person.suspended", &["Ada account_suspended"]),
    ("person.reinstated", &["Ada account_reinstated"]),
    ("second_factor.switched_on", &["Ada second_factor_on"]),
    ("second_factor.switched_off", &["Ada second_factor_off"]),
    ("second_factor.reset", &["Ada second_factor_reset"]),
    ("second_factor.recovery_code_used", &["Ada recovery_code_used"]),
    ("verification.submitted", &["Root verification_submitted"]),
    ("verification.approved", &["Bob verification_approved"]),
    ("verification.rejected", &["Bob verification_rejected"]),
    ("credential.expiring", &["Bob credential_expiring"]),
    ("verification.expired", &["Bob verification_expired"]),
    ("job.published", &["Ada job_published"]),
    ("job.edited", &["Bob bid_confirmation_asked", "Cleo bid_confirmation_asked"]),
    ("job.cancelled", &["Ada job_cancelled"]),
    ("job.bidding_closed", &["Ada job_bidding_closed"]),
    ("job.expired", &["Ada job_expired"]),
    ("bid.submitted", &["Ada bid_received", "Bob bid_submitted"]),
    ("bid.revised", &["Ada bid_revised"]),
    ("bid.withdrawn", &["Ada bid_withdrawn"]),
    ("bid.confirmed", &["Ada bid_confirmed"]),
    ("bid.rejected", &["Bob bid_rejected"]),
    ("bid.expired", &["Bob bid_expired"]),
    ("bid.lapsed", &["Bob bid_lapsed"]),
    ("review.submitted", &["Bob review_submitted"]),
    ("review.published", &["Bob review_published"]),
    ("review.replied", &["Ada review_replied"]),
    ("review.reported", &["Root review_reported"]),
    ("review.removed", &["Ada review_removed"]),
    ("review.restored", &["Ada review_restored"]),
    ("review_report.upheld", &["Bob review_report_upheld"]),
    ("review_report.dismissed", &["Bob review_report_dismissed"]),
    ("contract.created", &["Ada contract_created_homeowner", "Bob contract_created_contractor"]),
    ("contract.signed", &["Bob contract_signed"]),
    ("contract.activated", &["Ada contract_activated_homeowner", "Bob contract_activated_contractor"]),
    ("contract.unsigned", &["Ada contract_unsigned", "Bob contract_unsigned"]),
    ("contract.completed", &["Ada contract_completed", "Bob contract_completed"]),
    (
        "contract.verification_lapsed",
        &["Ada contract_verification_lapsed_homeowner", "Bob contract_verification_lapsed_contractor"],
    ),
    ("contract.verification_restored", &["Ada contract_verification_restored"]),
    ("contract.party_suspended", &["Bob contract_party_suspended"]),
    ("contract.party_reinstated", &["Bob contract_party_reinstated"]),
    ("milestone.started", &["Ada milestone_started"]),
    ("milestone.submitted", &["Ada milestone_submitted"]),
    ("milestone.inspection_reminder", &["Ada milestone_inspection_reminder"]),
    ("milestone.changes_requested", &["Bob milestone_changes_requested"]),
    ("milestone.approved", &["Ada milestone_approved_by_silence", "Bob milestone_approved"]),
    ("escrow.created", &["Ada escrow_created_homeowner", "Bob escrow_created_contractor"]),
    ("payment.succeeded", &["Ada payment_succeeded"]),
    ("payment.failed", &["Ada payment_failed"]),
    ("payment.lapsed", &["Ada payment_lapsed"]),
    ("milestone.funded", &["Bob milestone_funded"]),
    ("milestone.released", &["Ada milestone_released_homeowner", "Bob milestone_released_contractor"]),
    ("payout.paid", &["Bob payout_paid"]),
    ("payout.failed", &["Bob payout_failed"]),
    ("payout.waiting_account", &["Bob payout_waiting_account"]),
];

#[test]
fn of_every_event_the_people_concerned_hear_in_the_inbox_and_by_mail() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    let (cleo, _root) = (world.person(Contractor, "Cleo"), world.person(Admin, "Root"));
    *world.words.bidders.lock().unwrap() = vec![bob, cleo];
    for (event, told) in VOCABULARY {
        let data = world.everything(ada, bob);
        if event.starts_with("email.chang") {
            world.wish_for_address(&data);
        }
        world.tell(event, data);
        assert_eq!(world.told(), *told, "{event}");
        let mails = world.post.sent.lock().unwrap().drain(..).count();
        assert_eq!(mails, told.len(), "mails of {event}");
        let with_token =
            ["email.verification_requested", "email.change_requested", "password.reset_requested"];
        let in_inbox = if with_token.contains(event) { 0 } else { told.len() };
        let shown = "notifications.notifications WHERE in_inbox AND title <> '' AND body <> ''";
        assert_eq!(world.database.count(shown), i64::try_from(in_inbox).unwrap(), "inboxes of {event}");
        world
            .database
            .execute("DELETE FROM notifications.deliveries; DELETE FROM notifications.notifications");
    }
    assert_eq!(world.database.count("outbox.tasks WHERE state <> 'DONE'"), 0);
}

#[test]
fn the_vocabulary_above_is_the_whole_one() {
    let world = World::new();
    let mut known: Vec<_> = VOCABULARY.iter().map(|(event, _)| (*event, notifications::CONSUMER)).collect();
    // Of an erasure nobody is told: it is heard of so that its person is forgotten here.
    known.push(("person.erased", notifications::CONSUMER));
    known.sort_unstable();
    assert_eq!(world.registry.subscriptions().collect::<Vec<_>>(), known);
}

#[test]
fn a_new_contractor_is_welcomed_as_one() {
    let world = World::new();
    let bob = world.newcomer(Contractor, "Bob");
    world.tell("person.registered", json!({ "personId": bob, "role": "CONTRACTOR" }));
    assert_eq!(world.told(), ["Bob welcome_contractor"]);
}

#[test]
fn nobody_but_its_bidder_hears_of_a_sealed_bid() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    for event in ["bid.submitted", "bid.revised", "bid.withdrawn"] {
        let mut data = world.everything(ada, bob);
        data["sealed"] = json!(true);
        data["homeownerId"] = Value::Null;
        world.tell(event, data);
    }
    assert_eq!(world.told(), ["Bob bid_submitted"]);
    assert_eq!(world.database.count("outbox.tasks WHERE state <> 'DONE'"), 0);
}

#[test]
fn one_event_is_told_once_however_often_it_is_handed_over() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    world.tell("job.published", world.everything(ada, bob));
    world.database.execute("DELETE FROM outbox.consumed");
    world.database.execute("UPDATE outbox.tasks SET state = 'QUEUED', finished_at = NULL");
    world.run();
    assert_eq!(world.told(), ["Ada job_published"]);
    assert_eq!(world.post.sent.lock().unwrap().len(), 1);
    assert_eq!(world.database.count("notifications.deliveries"), 2);
}

#[test]
fn who_is_gone_is_not_told_and_holds_nobody_else_up() {
    let world = World::new();
    let bob = world.person(Contractor, "Bob");
    world.tell("contract.created", world.everything(kernel::PersonId::new(), bob));
    assert_eq!(world.told(), ["Bob contract_created_contractor"]);
}

#[test]
fn the_inbox_row_has_words_and_leads_to_what_it_is_about() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    let data = world.everything(ada, bob);
    world.tell("milestone.submitted", data.clone());
    assert_eq!(
        world.text("SELECT title FROM notifications.notifications"),
        "“First coat” waits for your approval"
    );
    let body = world.text("SELECT body FROM notifications.notifications");
    assert!(body.contains("by Friday 4 December 2026, 10:15 (Europe/Berlin)."), "{body}");
    let subjects: Value = world.text("SELECT subjects FROM notifications.notifications").parse().unwrap();
    for key in ["jobId", "contractId", "milestoneId"] {
        assert_eq!(subjects[key], data[key]);
    }
    assert_eq!(subjects.get("homeownerId"), None);
}

#[test]
fn what_cannot_be_said_is_parked_where_an_operator_sees_it() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    let mut data = world.everything(ada, bob);
    data["amount"] = Value::Null;
    world.tell("payment.failed", data);
    assert_eq!(world.database.count("notifications.notifications"), 0);
    assert_eq!(
        world.text("SELECT reason FROM outbox.tasks WHERE state = 'PARKED'"),
        "template `payment_failed` needs `amount`, which is not known"
    );
}

#[test]
fn the_verification_mail_carries_the_derived_token_and_nothing_stored_does() {
    let world = World::new();
    let ada = world.newcomer(Homeowner, "Ada");
    let link = LinkTokenId::new();
    world.tell("email.verification_requested", json!({ "personId": ada, "linkTokenId": link }));
    let token = identity::link_token(&world.keys, LinkPurpose::VerifyEmail, link);
    let sent = world.post.sent.lock().unwrap();
    assert_eq!((sent.len(), sent[0].to_address.as_str()), (1, "ada@example.org"));
    assert!(sent[0].text.contains(token.expose_secret()) && sent[0].html.contains(token.expose_secret()));
    for (table, what) in [
        ("outbox.events", token.expose_secret()),
        ("outbox.tasks", token.expose_secret()),
        ("notifications.notifications", token.expose_secret()),
        ("notifications.deliveries", token.expose_secret()),
        ("outbox.events", "ada@"),
        ("outbox.tasks", "ada@"),
        ("notifications.notifications", "ada@"),
        ("notifications.deliveries", "ada@"),
    ] {
        assert_eq!(
            world.database.count(&format!("{table} AS row WHERE row::text LIKE '%{what}%'")),
            0,
            "{table} {what}"
        );
    }
}
