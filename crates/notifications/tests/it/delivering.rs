//! What becomes of a mail: sent, stopped, tried again, given up; never sent twice.

use std::time::Duration;

use kernel::PersonId;
use kernel::Role::{Contractor, Homeowner};
use notifications::MailError;

use crate::world::World;

/// A job of Ada's is published, and the mail of that has not been tried.
fn published(world: &World, ada: PersonId) {
    let bob = world.person(Contractor, "Bob");
    world.publish("job.published", world.everything(ada, bob));
}

#[test]
fn a_mail_is_written_for_its_reader_and_sent_once() {
    let world = World::new();
    let ada = world.person(Homeowner, "Ada");
    published(&world, ada);
    world.run();
    world.run();
    let sent = world.post.sent.lock().unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].to_name.as_str(), sent[0].to_address.as_str()), ("Ada Lovelace", "ada@example.org"));
    assert_eq!(sent[0].subject, "“Paint the fence” is open for bids");
    assert!(
        sent[0].text.starts_with("Hello Ada,\n\nYour job “Paint the fence” is published."),
        "{}",
        sent[0].text
    );
    assert!(!sent[0].important);
    assert_eq!(world.mails(), "SENT 1");
    assert_eq!(
        world.text(
            "SELECT string_agg(channel || ' ' || state, ', ' ORDER BY channel) FROM notifications.deliveries"
        ),
        "EMAIL SENT, IN_APP SENT"
    );
}

#[test]
fn failures_of_money_say_that_they_are_important() {
    let world = World::new();
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    world.tell("payment.failed", world.everything(ada, bob));
    assert!(world.post.sent.lock().unwrap()[0].important);
}

#[test]
fn an_address_that_is_not_verified_gets_none_and_the_history_says_so() {
    let world = World::new();
    let ada = world.newcomer(Homeowner, "Ada");
    published(&world, ada);
    world.run();
    assert!(world.post.sent.lock().unwrap().is_empty());
    assert_eq!(world.mails(), "STOPPED address_unverified 0");
    assert_eq!(world.database.count("notifications.notifications WHERE in_inbox"), 1);
}

#[test]
fn a_passing_failure_is_tried_eight_times_in_half_an_hour() {
    let world = World::new();
    let ada = world.person(Homeowner, "Ada");
    *world.post.failing.lock().unwrap() = Some(MailError::Temporary("smtp_451".to_owned()));
    published(&world, ada);
    world.run();
    assert_eq!(world.mails(), "PENDING smtp_451 1");
    let mut waited = 0;
    for tries in 2..=8 {
        let pause: f64 = world
            .text("SELECT extract(epoch FROM due_at - app.clock()) FROM outbox.tasks WHERE state = 'QUEUED'")
            .parse()
            .unwrap();
        assert!(pause > 0.0, "{pause}");
        waited += Duration::from_secs_f64(pause).as_secs();
        world.database.clock.advance(Duration::from_secs_f64(pause + 0.1));
        world.run();
        let state = if tries < 8 { "PENDING" } else { "FAILED" };
        assert_eq!(world.mails(), format!("{state} smtp_451 {tries}"));
    }
    assert!((850..=1_800).contains(&waited), "{waited} s");
    assert_eq!(world.database.count("outbox.tasks WHERE state <> 'DONE'"), 0);
}

#[test]
fn a_mail_that_failed_at_first_is_sent_later() {
    let world = World::new();
    let ada = world.person(Homeowner, "Ada");
    *world.post.failing.lock().unwrap() = Some(MailError::Temporary("smtp_unreachable".to_owned()));
    published(&world, ada);
    world.run();
    *world.post.failing.lock().unwrap() = None;
    world.database.clock.advance(Duration::from_secs(60));
    world.run();
    assert_eq!(world.mails(), "SENT 2");
    assert_eq!(world.post.sent.lock().unwrap().len(), 1);
}

#[test]
fn a_refusal_is_final() {
    let world = World::new();
    let ada = world.person(Homeowner, "Ada");
    *world.post.failing.lock().unwrap() = Some(MailError::Permanent("smtp_550".to_owned()));
    published(&world, ada);
    world.run();
    world.database.clock.advance(Duration::from_secs(86_400));
    world.run();
    assert_eq!(world.mails(), "FAILED smtp_550 1");
}

#[test]
fn a_mail_whose_worker_died_after_sending_is_sent_again_under_the_same_id() {
    let world = World::new();
    let ada = world.person(Homeowner, "Ada");
    published(&world, ada);
    world.run();
    // As a crash between the sending and the note leaves it.
    world.database.execute(
        "UPDATE notifications.deliveries SET state = 'PENDING', finished_at = NULL WHERE channel = 'EMAIL';
         UPDATE outbox.tasks SET state = 'QUEUED', finished_at = NULL WHERE kind = 'notifications.send_mail'",
    );
    world.run();
    let sent = world.post.sent.lock().unwrap();
    assert_eq!(sent.len(), 2);
    assert_eq!((&sent[0].id, sent[0].written_at), (&sent[1].id, sent[1].written_at));
    assert_eq!(world.mails(), "SENT 2");
}

#[test]
fn a_task_that_runs_again_after_its_mail_was_noted_sends_nothing() {
    let world = World::new();
    let ada = world.person(Homeowner, "Ada");
    published(&world, ada);
    world.run();
    world.database.execute("UPDATE outbox.tasks SET state = 'QUEUED', finished_at = NULL");
    world.run();
    assert_eq!(world.post.sent.lock().unwrap().len(), 1);
    assert_eq!(world.mails(), "SENT 1");
}

#[test]
fn a_mail_that_cannot_be_written_any_more_fails_with_a_reason() {
    let world = World::new();
    let ada = world.person(Homeowner, "Ada");
    *world.post.failing.lock().unwrap() = Some(MailError::Temporary("smtp_451".to_owned()));
    published(&world, ada);
    world.run();
    // The job has lost its title since.
    world.database.execute(
        "ALTER TABLE outbox.events DISABLE TRIGGER events_immutable;
         UPDATE outbox.events SET data = data || '{\"jobId\": \"00000000-0000-0000-0000-000000000000\"}'",
    );
    world.database.clock.advance(Duration::from_secs(60));
    world.run();
    assert_eq!(world.mails(), "FAILED template_error 2");
}
