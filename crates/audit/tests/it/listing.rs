//! Reading the trail: filters, pages, and what is sealed.

use audit::{ActorKind, AuditQueries, Context, EntryFilter, Object, Outcome, Who};
use database::Error;
use kernel::{Actor, Clock, Limit, PartyId, PersonId, Role, SessionId};
use outbox::TaskId;
use serde_json::json;
use testing::TestDatabase;

use crate::trail::{by_operator, change, publishing, service};

fn actions(database: &TestDatabase, filter: &EntryFilter) -> Vec<String> {
    let admin = Actor::system("test");
    let page =
        service(database).list_entries(admin.admin().unwrap(), filter, Limit::default(), None).unwrap();
    page.items.into_iter().map(|entry| entry.action).collect()
}

#[test]
fn rows_come_newest_first_page_by_page() {
    let database = TestDatabase::new();
    let names = ["one", "two", "three", "four", "five"];
    for name in names {
        change(&database, by_operator(name), Object::new("job", TaskId::new()));
        database.clock.advance(std::time::Duration::from_millis(5));
    }
    let (service, system) = (service(&database), Actor::system("test"));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let limit = Limit::new(2).unwrap();
        let page =
            service.list_entries(system.admin().unwrap(), &EntryFilter::default(), limit, after).unwrap();
        found.extend(page.items.into_iter().map(|entry| entry.action));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, names.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn each_filter_keeps_what_it_names() {
    let database = TestDatabase::new();
    let (ada, job, bid) = (PersonId::new(), TaskId::new(), TaskId::new());
    let by_ada = |action| Context::new(Who::person(ada, Role::Homeowner, SessionId::new()), action, "r");
    change(&database, by_ada("publishJob").about(Object::new("job", job)), Object::new("bid", bid));
    database.clock.advance(std::time::Duration::from_secs(60));
    let between = database.clock.now();
    database.clock.advance(std::time::Duration::from_secs(60));
    change(&database, publishing(), Object::new("job", job));
    database.clock.advance(std::time::Duration::from_secs(1));
    audit::refuse(&database.db, &by_ada("acceptBid"), "wrong_role", 1).unwrap();
    let all = EntryFilter::default();
    assert_eq!(actions(&database, &all), ["acceptBid", "publishJob", "publishJob"]);
    for (filter, expected) in [
        (EntryFilter { actor: Some(PartyId::from(ada)), ..all.clone() }, vec!["acceptBid", "publishJob"]),
        (EntryFilter { object: Some(job.uuid()), ..all.clone() }, vec!["publishJob", "publishJob"]),
        (EntryFilter { object: Some(bid.uuid()), ..all.clone() }, vec!["publishJob"]),
        (EntryFilter { action: Some("acceptBid".to_owned()), ..all.clone() }, vec!["acceptBid"]),
        (EntryFilter { outcome: Some(Outcome::Refused), ..all.clone() }, vec!["acceptBid"]),
        (EntryFilter { outcome: Some(Outcome::Done), ..all.clone() }, vec!["publishJob", "publishJob"]),
        (EntryFilter { from: Some(between), ..all.clone() }, vec!["acceptBid", "publishJob"]),
        (EntryFilter { until: Some(between), ..all.clone() }, vec!["publishJob"]),
        (EntryFilter { object: Some(uuid::Uuid::now_v7()), ..all.clone() }, vec![]),
    ] {
        assert_eq!(actions(&database, &filter), expected, "{filter:?}");
    }
}

#[test]
fn what_is_sealed_is_shown_when_its_time_has_come() {
    let database = TestDatabase::new();
    let until = database.clock.now() + chrono::TimeDelta::hours(1);
    audit::command(&database.db, Context::new(Who::of(ActorKind::Anyone), "createBid", "r"), || {
        database.db.transaction(|tx| {
            audit::seal_until(tx, until);
            audit::changed(
                tx,
                Object::new("bid", TaskId::new()),
                json!(null),
                json!({ "status": "SUBMITTED" }),
            );
            Ok::<_, Error>(())
        })
    })
    .unwrap();
    assert_eq!(actions(&database, &EntryFilter::default()), Vec::<String>::new());
    database.clock.advance(std::time::Duration::from_secs(3_600));
    assert_eq!(actions(&database, &EntryFilter::default()), ["createBid"]);
}
