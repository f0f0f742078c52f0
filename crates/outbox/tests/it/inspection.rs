//! What an operator sees and does.

use std::time::Duration;

use kernel::{Clock, Limit};
use outbox::{InspectError, Registry, TaskError, TaskFilter, TaskId, TaskState};
use testing::TestDatabase;

use crate::bench::{Book, Note, committed, enqueue, the_task};

fn parked(database: &TestDatabase, notes: &[Note]) {
    let mut registry = Registry::new();
    registry.task::<Note>(|_, _| Err(TaskError::Park("broken".to_owned())));
    enqueue(database, notes);
    outbox::run_due(&database.db, &registry).unwrap();
}

#[test]
fn a_parked_task_is_seen_and_can_be_tried_again() {
    let database = TestDatabase::new();
    parked(&database, &[Note::keyed(1, "same")]);
    let id = the_task(&database);
    let seen = database.db.read(|conn| outbox::find_task(conn, id)).unwrap().unwrap();
    assert_eq!((seen.state, seen.reason.as_deref(), seen.attempts), (TaskState::Parked, Some("broken"), 1));
    assert_eq!((seen.kind.as_str(), seen.key.as_deref(), seen.max_attempts), ("tests.note", Some("same"), 3));

    outbox::retry_task(&database.db, id).unwrap();
    let book = Book::default();
    assert_eq!(outbox::run_due(&database.db, &book.registry()).unwrap(), 1);
    assert_eq!(book.read(), [1]);
    let seen = database.db.read(|conn| outbox::find_task(conn, id)).unwrap().unwrap();
    assert_eq!((seen.state, seen.attempts, seen.reason), (TaskState::Done, 1, None));
}

#[test]
fn a_waiting_task_can_be_parked_or_run_ahead_of_its_time() {
    let database = TestDatabase::new();
    let book = Book::default();
    committed(&database, |tx| {
        outbox::enqueue_at(tx, &Note::new(1), database.clock.now() + Duration::from_secs(3_600))
    });
    let id = the_task(&database);
    outbox::park_task(&database.db, id, "by hand").unwrap();
    database.clock.advance(Duration::from_secs(7_200));
    assert_eq!(outbox::run_due(&database.db, &book.registry()).unwrap(), 0);
    outbox::retry_task(&database.db, id).unwrap();
    assert_eq!(outbox::run_due(&database.db, &book.registry()).unwrap(), 1);
}

#[test]
fn what_cannot_be_done_to_a_task_says_why() {
    let database = TestDatabase::new();
    assert!(matches!(outbox::retry_task(&database.db, TaskId::new()), Err(InspectError::NotFound)));
    assert!(matches!(outbox::park_task(&database.db, TaskId::new(), "x"), Err(InspectError::NotFound)));

    enqueue(&database, &[Note::new(1)]);
    outbox::run_due(&database.db, &Book::default().registry()).unwrap();
    let done = the_task(&database);
    for refused in [outbox::retry_task(&database.db, done), outbox::park_task(&database.db, done, "x")] {
        assert!(matches!(refused, Err(InspectError::WrongState { state: TaskState::Done })), "{refused:?}");
    }
}

#[test]
fn the_same_work_is_not_queued_beside_itself() {
    let database = TestDatabase::new();
    parked(&database, &[Note::keyed(1, "same")]);
    let id = the_task(&database);
    enqueue(&database, &[Note::keyed(2, "same")]);
    assert!(matches!(outbox::retry_task(&database.db, id), Err(InspectError::AlreadyQueued)));
    assert_eq!(database.count("outbox.tasks WHERE state = 'PARKED'"), 1);
}

#[test]
fn tasks_are_listed_newest_first_page_by_page() {
    let database = TestDatabase::new();
    for n in 0..5 {
        enqueue(&database, &[Note::new(n)]);
    }
    parked(&database, &[]);
    enqueue(&database, &[Note::new(9)]);
    let page = |filter: &TaskFilter, after| {
        database.db.read(|conn| outbox::list_tasks(conn, filter, Limit::new(2).unwrap(), after)).unwrap()
    };
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let found = page(&TaskFilter::default(), after);
        seen.extend(found.items.into_iter().map(|task| (task.created_at, task.id)));
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 6);
    assert!(seen.is_sorted_by(|newer, older| newer > older));

    let of_state = |state| TaskFilter { state: Some(state), kind: Some("tests.note".to_owned()) };
    assert_eq!(page(&of_state(TaskState::Parked), None).items.len(), 2);
    assert_eq!(page(&of_state(TaskState::Queued), None).items.len(), 1);
    let other = TaskFilter { kind: Some("tests.other".to_owned()), ..TaskFilter::default() };
    assert!(page(&other, None).items.is_empty());
}
