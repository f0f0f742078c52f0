//! Which transactions leave a row, and what stands in it.

use audit::Object;
use database::Error;
use kernel::{Clock, PersonId, Role, SessionId};
use outbox::TaskId;
use serde_json::json;
use testing::TestDatabase;

use crate::trail::{by_operator, change, publishing, rows, write};

#[test]
fn a_command_leaves_one_row_that_says_who_did_what_to_what() {
    let database = TestDatabase::new();
    let job = TaskId::new();
    change(&database, publishing(), Object::new("job", job));
    let rows = rows(&database);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].actor_kind.as_str(), rows[0].action.as_str()), ("PERSON", "publishJob"));
    assert_eq!((rows[0].outcome.as_str(), rows[0].request_id.as_str()), ("DONE", "request-1"));
    let expected = json!([
        { "kind": "job", "id": job.to_string(), "before": { "state": "DRAFT" }, "after": { "state": "OPEN" } },
    ]);
    assert_eq!(rows[0].changes, expected);
    assert_eq!(
        database.count("audit.entries WHERE octet_length(address_key) = 32 AND object_ids[1] IS NOT NULL"),
        1
    );
}

#[test]
fn a_command_that_writes_leaves_a_row_though_nobody_says_what_was_changed() {
    let database = TestDatabase::new();
    audit::command(&database.db, by_operator("fairtrade test"), || {
        database.db.unit(|| write(&database).and_then(|()| write(&database)))
    })
    .unwrap();
    let rows = rows(&database);
    assert_eq!((rows.len(), rows[0].action.as_str(), &rows[0].changes), (1, "fairtrade test", &json!([])));
}

#[test]
fn a_command_that_writes_nothing_leaves_none() {
    let database = TestDatabase::new();
    audit::command(&database.db, publishing(), || {
        database.db.transaction(|tx| tx.now().map(drop)).unwrap();
        database.db.read(|_| Ok::<_, Error>(())).unwrap();
    });
    assert_eq!(rows(&database).len(), 0);
}

#[test]
fn what_is_rolled_back_leaves_none() {
    let database = TestDatabase::new();
    let failed = audit::command(&database.db, publishing(), || {
        database.db.transaction(|tx| {
            audit::changed(tx, Object::new("job", TaskId::new()), json!(null), json!({}));
            Err::<(), _>(Error::Corrupt("for the test".to_owned()))
        })
    });
    assert!(failed.is_err());
    assert_eq!(rows(&database).len(), 0);
}

#[test]
fn further_transactions_of_a_command_leave_a_row_only_when_they_say_what_they_changed() {
    let database = TestDatabase::new();
    audit::command(&database.db, publishing(), || {
        write(&database).unwrap();
        write(&database).unwrap();
        database
            .db
            .transaction(|tx| {
                audit::changed(
                    tx,
                    Object::new("job", TaskId::new()),
                    json!(null),
                    json!({ "state": "OPEN" }),
                );
                Ok::<_, Error>(())
            })
            .unwrap();
    });
    assert_eq!(rows(&database).len(), 2);
}

#[test]
fn without_a_context_only_what_was_said_to_change_is_told() {
    let database = TestDatabase::new();
    write(&database).unwrap();
    assert_eq!(rows(&database).len(), 0);
    database
        .db
        .transaction(|tx| {
            audit::changed(tx, Object::new("job", TaskId::new()), json!(null), json!({}));
            Ok::<_, Error>(())
        })
        .unwrap();
    let rows = rows(&database);
    assert_eq!((rows[0].actor_kind.as_str(), rows[0].action.as_str()), ("PROGRAM", "unnamed"));
}

#[test]
fn a_row_can_be_withheld_asked_for_sealed_and_given_to_whoever_it_turned_out_to_be() {
    let database = TestDatabase::new();
    let (person, session) = (PersonId::new(), SessionId::new());
    let until = database.clock.now() + chrono::TimeDelta::hours(1);
    audit::command(&database.db, by_operator("fairtrade test"), || {
        database.db.unit(|| {
            write(&database)?;
            database.db.transaction(|tx| {
                audit::withhold(tx);
                Ok::<_, Error>(())
            })
        })
    })
    .unwrap();
    assert_eq!(rows(&database).len(), 0);
    audit::command(&database.db, by_operator("fairtrade test"), || {
        database.db.transaction(|tx| {
            audit::record(tx);
            audit::seal_until(tx, until);
            audit::identified(tx, person, Role::Contractor, session);
            Ok::<_, Error>(())
        })
    })
    .unwrap();
    let rows = rows(&database);
    assert_eq!((rows.len(), rows[0].actor_kind.as_str()), (1, "PERSON"));
    assert_eq!(rows[0].actor.as_deref(), Some(person.uuid().to_string().as_str()));
    assert_eq!(rows[0].sealed_until.map(|at| at.timestamp_micros()), Some(until.timestamp_micros()));
}

#[test]
fn a_refusal_is_a_row_of_its_own() {
    let database = TestDatabase::new();
    audit::refuse(&database.db, &publishing(), "wrong_role", 3).unwrap();
    let rows = rows(&database);
    assert_eq!((rows[0].outcome.as_str(), rows[0].refusal.as_deref()), ("REFUSED", Some("wrong_role")));
    assert_eq!(database.count("audit.entries WHERE times = 3 AND changes = '[]'"), 1);
}

#[test]
fn what_a_task_changes_is_the_systems_deed() {
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Approve {}
    impl outbox::Task for Approve {
        const KIND: &'static str = "test.approve";
    }
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Idle {}
    impl outbox::Task for Idle {
        const KIND: &'static str = "test.idle";
    }
    let database = TestDatabase::new();
    let mut registry = outbox::Registry::new();
    registry.task(|run, _: Approve| {
        run.db().transaction(|tx| {
            audit::changed(tx, Object::new("milestone", TaskId::new()), json!(null), json!({}));
            Ok::<_, outbox::TaskError>(())
        })
    });
    let idle = database.db.clone();
    registry.task(move |_, _: Idle| Ok(idle.transaction(|tx| tx.now().map(drop))?));
    outbox::trace::within("trace-7", || {
        database.db.transaction(|tx| {
            outbox::enqueue(tx, &Approve {});
            outbox::enqueue(tx, &Idle {});
            Ok::<_, Error>(())
        })
    })
    .unwrap();
    assert_eq!(outbox::run_due(&database.db, &registry).unwrap(), 2);
    let rows = rows(&database);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].actor_kind.as_str(), rows[0].action.as_str()), ("SYSTEM", "test.approve"));
    assert_eq!(rows[0].request_id, "trace-7");
}
