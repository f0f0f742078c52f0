//! What these tests work at: a few tasks, and a book of what was done.

use std::sync::{Arc, Mutex};

use database::{Error, Tx};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use outbox::{Aggregate, NewEvent, Registry, Task, TaskId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use testing::TestDatabase;
use uuid::Uuid;

/// Writes its number into the book.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) number: u32,
    pub(crate) key: Option<String>,
    pub(crate) lane: Option<String>,
}

impl Note {
    pub(crate) fn new(number: u32) -> Self {
        Self { number, key: None, lane: None }
    }

    pub(crate) fn keyed(number: u32, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::new(number) }
    }

    pub(crate) fn in_lane(number: u32, lane: &str) -> Self {
        Self { lane: Some(lane.to_owned()), ..Self::new(number) }
    }
}

impl Task for Note {
    const KIND: &'static str = "tests.note";
    const MAX_ATTEMPTS: u16 = 3;

    fn key(&self) -> Option<String> {
        self.key.clone()
    }

    fn lane(&self) -> Option<String> {
        self.lane.clone()
    }
}

/// What was done, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book(Arc<Mutex<Vec<u32>>>);

impl Book {
    pub(crate) fn write(&self, number: u32) {
        self.0.lock().unwrap().push(number);
    }

    pub(crate) fn read(&self) -> Vec<u32> {
        self.0.lock().unwrap().clone()
    }

    /// A registry whose notes go into this book.
    pub(crate) fn registry(&self) -> Registry {
        let mut registry = Registry::new();
        let book = self.clone();
        registry.task::<Note>(move |_, note| {
            book.write(note.number);
            Ok(())
        });
        registry
    }
}

pub(crate) fn enqueue(database: &TestDatabase, notes: &[Note]) {
    committed(database, |tx| notes.iter().for_each(|note| outbox::enqueue(tx, note)));
}

/// Does something in a transaction and commits it.
pub(crate) fn committed(database: &TestDatabase, mut work: impl FnMut(&mut Tx<'_>)) {
    database
        .db
        .transaction::<_, Error>(|tx| {
            work(tx);
            Ok(())
        })
        .unwrap();
}

/// An event about a thing.
pub(crate) fn happened(name: &'static str, thing: Uuid, number: i64) -> NewEvent {
    NewEvent {
        name,
        version: 1,
        aggregate: Aggregate { kind: "thing", id: thing },
        request_id: "req-1".to_owned(),
        data: json!({ "number": number }),
    }
}

/// One text out of the database, as its owner sees it.
pub(crate) fn text(database: &TestDatabase, sql: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let row: Result<Row, Error> = database
        .owner
        .read(|conn| Ok(diesel::sql_query(format!("SELECT ({sql})::text AS value")).get_result(conn)?));
    row.unwrap_or_else(|error| panic!("{sql}: {error}")).value
}

/// One number out of the database.
pub(crate) fn number(database: &TestDatabase, sql: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        value: i64,
    }
    let row: Result<Row, Error> = database
        .owner
        .read(|conn| Ok(diesel::sql_query(format!("SELECT ({sql})::bigint AS value")).get_result(conn)?));
    row.unwrap_or_else(|error| panic!("{sql}: {error}")).value
}

/// The only task there is.
pub(crate) fn the_task(database: &TestDatabase) -> TaskId {
    text(database, "SELECT id FROM outbox.tasks").parse().unwrap()
}

/// Waits for something that other threads bring about.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_500 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("still not so after 15 seconds: {what}");
}
