//! What is held about a reader, and what is left of somebody who is forgotten: in the reader's inbox, and in others'.

use identity::PersonalData;
use kernel::PersonId;
use kernel::Role::{Contractor, Homeowner};
use serde_json::{Value, json};

use crate::world::World;

impl World {
    fn erase(&self, person: PersonId) {
        self.database.db.transaction(|tx| self.service.erase(tx, person)).unwrap();
    }

    fn held_about(&self, person: PersonId) -> Value {
        self.database.db.read(|conn| self.service.held_about(conn, person)).unwrap().data
    }

    fn rename_job(&self, title: &str) {
        title.clone_into(&mut self.words.job_title.lock().unwrap());
    }

    /// All titles in inboxes, sorted.
    fn titles(&self) -> String {
        self.text(
            "SELECT string_agg(coalesce(title, '-'), ', ' ORDER BY title) FROM notifications.notifications",
        )
    }
}

#[test]
fn the_inbox_goes_and_what_others_were_told_is_written_anew() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    world.rename_job("Ada's fence");
    let all = world.everything(ada, bob);
    world.tell("job.published", all.clone());
    world.tell("contract.activated", all.clone());
    world.rename_job("Another fence");
    let mut other = all.clone();
    other["jobId"] = world.everything(ada, bob)["jobId"].clone();
    world.tell("bid.rejected", other);

    world.rename_job("Removed job");
    *world.words.jobs.lock().unwrap() = vec![all["jobId"].as_str().unwrap().to_owned()];
    world.erase(ada);
    assert_eq!(
        world.database.count(&format!("notifications.notifications WHERE person_id = '{}'", ada.uuid())),
        0
    );
    assert_eq!(world.database.count("notifications.deliveries"), 4, "of the two that Bob was told");
    assert_eq!(
        world.database.count("notifications.notifications WHERE title LIKE '%Ada%' OR body LIKE '%Ada%'"),
        0
    );
    let titles = world.titles();
    assert!(titles.contains("Removed job") && titles.contains("Another fence"), "{titles}");

    let before = world.titles();
    world.erase(ada);
    assert_eq!(world.titles(), before, "a second time changes nothing more");
}

#[test]
fn what_has_no_words_any_more_is_emptied() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    world.tell("bid.rejected", world.everything(ada, bob));
    world.database.execute(
        "UPDATE notifications.notifications
         SET subjects = '{\"jobId\": \"job_00000000000000000000000000\"}', template = 'no_more'",
    );
    *world.words.jobs.lock().unwrap() = vec!["job_00000000000000000000000000".to_owned()];
    world.erase(ada);
    assert_eq!(world.titles(), "-");
}

#[test]
fn what_was_being_written_meanwhile_is_forgotten_when_the_erasure_is_heard() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    let all = world.everything(ada, bob);
    *world.words.jobs.lock().unwrap() = vec![all["jobId"].as_str().unwrap().to_owned()];
    world.erase(ada);
    // A worker had read the title before, and stores what it wrote after.
    world.rename_job("Ada's fence");
    world.tell("contract.activated", all);
    world.rename_job("Removed job");
    world.tell("person.erased", json!({ "personId": ada }));
    assert_eq!(
        world.database.count("notifications.notifications WHERE title LIKE '%Ada%' OR body LIKE '%Ada%'"),
        0
    );
    assert_eq!(
        world.database.count(&format!("notifications.notifications WHERE person_id = '{}'", ada.uuid())),
        0
    );
    assert_eq!(
        world.database.count(&format!("notifications.notifications WHERE person_id = '{}'", bob.uuid())),
        1
    );
}

#[test]
fn a_mail_that_waits_is_not_sent_to_somebody_who_is_gone() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    *world.post.failing.lock().unwrap() = Some(notifications::MailError::Temporary("smtp_450".to_owned()));
    world.tell("job.published", world.everything(ada, bob));
    world.erase(ada);
    *world.post.failing.lock().unwrap() = None;
    world.database.clock.advance(std::time::Duration::from_secs(3600));
    world.run();
    assert_eq!(world.post.sent.lock().unwrap().len(), 0);
    assert_eq!(world.database.count("outbox.tasks WHERE state = 'PARKED'"), 0);
}

#[test]
fn an_account_has_all_that_was_told_with_its_deliveries() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    world.tell("contract.activated", world.everything(ada, bob));
    let held = world.held_about(bob);
    let [one] = held["notifications"].as_array().unwrap().as_slice() else { panic!("{held}") };
    assert_eq!(
        (&one["template"], &one["category"]),
        (&json!("contract_activated_contractor"), &json!("CONTRACTS"))
    );
    assert!(one["title"].as_str().unwrap().contains("Paint the fence"), "{one}");
    let channels: Vec<_> =
        one["deliveries"].as_array().unwrap().iter().map(|delivery| &delivery["channel"]).collect();
    assert_eq!(channels, ["IN_APP", "EMAIL"]);
    assert_eq!(held_none(&world), json!({ "notifications": [] }));
}

fn held_none(world: &World) -> Value {
    world.held_about(PersonId::new())
}
