//! One's own inbox, and nobody else's.

use kernel::Role::{Contractor, Homeowner};
use kernel::{Actor, Limit, PersonId};
use notifications::{Category, Error, NotificationId, NotificationsCommands, NotificationsQueries, Show};

use crate::world::{World, actor};

/// Ada with five notifications, Bob with one.
fn inboxes(world: &World) -> (PersonId, PersonId) {
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    for event in
        ["job.published", "job.bidding_closed", "payment.failed", "milestone.started", "bid.rejected"]
    {
        world.tell(event, world.everything(ada, bob));
    }
    world.tell("job.expired", world.everything(ada, bob));
    (ada, bob)
}

#[test]
fn an_inbox_is_listed_newest_first_page_by_page() {
    let world = World::new();
    let (ada, bob) = inboxes(&world);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = world
            .service
            .list_inbox(&actor(ada, Homeowner), Show::All, Limit::new(2).unwrap(), after)
            .unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let templates: Vec<_> = seen.iter().map(|one| one.template.as_str()).collect();
    assert_eq!(
        templates,
        ["job_expired", "milestone_started", "payment_failed", "job_bidding_closed", "job_published"]
    );
    assert_eq!((seen[2].category, seen[2].read_at), (Category::Payments, None));
    assert_eq!(seen[2].title, "Your payment of 1,800.00 USD failed");
    let of_bob =
        world.service.list_inbox(&actor(bob, Contractor), Show::All, Limit::default(), None).unwrap();
    assert_eq!(of_bob.items.len(), 1);
}

#[test]
fn reading_one_takes_it_from_the_unread_and_is_noted_once() {
    let world = World::new();
    let (ada, _) = inboxes(&world);
    let reader = actor(ada, Homeowner);
    let unread = || world.service.list_inbox(&reader, Show::Unread, Limit::default(), None).unwrap().items;
    assert_eq!((unread().len(), world.service.count_unread(&reader).unwrap()), (5, 5));
    let id = unread()[2].id;
    let first = world.service.mark_read(&reader, id).unwrap();
    let again = world.service.mark_read(&reader, id).unwrap();
    assert!(first.read_at.is_some());
    assert_eq!(first, again);
    assert!(unread().iter().all(|one| one.id != id));
    assert_eq!(world.service.count_unread(&reader).unwrap(), 4);
}

#[test]
fn reading_all_reads_one_s_own_only() {
    let world = World::new();
    let (ada, bob) = inboxes(&world);
    let reader = actor(ada, Homeowner);
    assert_eq!(world.service.mark_all_read(&reader).unwrap(), 5);
    assert_eq!(world.service.mark_all_read(&reader).unwrap(), 0);
    assert_eq!(world.service.count_unread(&reader).unwrap(), 0);
    assert_eq!(world.service.count_unread(&actor(bob, Contractor)).unwrap(), 1);
}

#[test]
fn somebody_else_s_notification_does_not_exist() {
    let world = World::new();
    let (ada, bob) = inboxes(&world);
    let id =
        world.service.list_inbox(&actor(ada, Homeowner), Show::All, Limit::default(), None).unwrap().items[0]
            .id;
    for (who, which) in [
        (actor(bob, Contractor), id),
        (actor(ada, Homeowner), NotificationId::new()),
        (Actor::system("req"), id),
    ] {
        assert!(matches!(world.service.mark_read(&who, which), Err(Error::NotFound)));
    }
    assert_eq!(world.service.count_unread(&actor(ada, Homeowner)).unwrap(), 5);
}

#[test]
fn what_goes_by_mail_only_is_in_no_inbox() {
    let world = World::new();
    let ada = world.newcomer(Homeowner, "Ada");
    world.tell(
        "email.verification_requested",
        serde_json::json!({ "personId": ada, "linkTokenId": identity::LinkTokenId::new() }),
    );
    let reader = actor(ada, Homeowner);
    assert!(world.service.list_inbox(&reader, Show::All, Limit::default(), None).unwrap().items.is_empty());
    let id = world.text("SELECT id FROM notifications.notifications").parse().unwrap();
    assert!(matches!(world.service.mark_read(&reader, id), Err(Error::NotFound)));
}

#[test]
fn the_product_itself_has_no_inbox() {
    let world = World::new();
    inboxes(&world);
    let page = world.service.list_inbox(&Actor::system("req"), Show::All, Limit::default(), None).unwrap();
    assert!(page.items.is_empty());
    assert_eq!(world.service.mark_all_read(&Actor::system("req")).unwrap(), 0);
}
