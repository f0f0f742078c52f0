//! The chains: none waits for another, rows follow each other, and checkpoints know them.

use std::collections::BTreeSet;

use audit::{AuditCommands, AuditQueries, Keys, Object, verify};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::SmallInt;
use outbox::TaskId;
use secrecy::SecretString;
use testing::TestDatabase;

use crate::trail::{change, keys, publishing, service};

const APPEND: &str = "SELECT audit.append('SYSTEM', NULL, NULL, NULL, NULL, 'test', 'DONE', NULL, 1, '{}', '{}', '[]', NULL, 'r', NULL, false)";

#[derive(QueryableByName)]
struct Chain {
    #[diesel(sql_type = SmallInt)]
    chain: i16,
}

/// A transaction that has appended a row and stays open.
fn hold(database: &TestDatabase) -> Result<(PgConnection, i16), diesel::result::Error> {
    let mut conn = database::establish(&database.url).unwrap();
    conn.batch_execute("SET lock_timeout = '200ms'; BEGIN")?;
    conn.batch_execute(APPEND)?;
    let own = "SELECT chain FROM audit.entries WHERE xmin::text = pg_current_xact_id()::xid::text";
    let found: Chain = diesel::sql_query(own).get_result(&mut conn)?;
    Ok((conn, found.chain))
}

#[test]
fn sixty_four_transactions_write_at_once_and_the_next_one_waits() {
    let database = TestDatabase::new();
    let held: Vec<_> = (0..64).map(|_| hold(&database).unwrap()).collect();
    let chains: BTreeSet<i16> = held.iter().map(|(_, chain)| *chain).collect();
    assert_eq!(chains.len(), 64, "each has a chain of its own");
    let waited = hold(&database).err().unwrap();
    assert!(waited.to_string().contains("lock timeout"), "{waited}");
    drop(held);
    assert!(hold(&database).is_ok());
}

#[test]
fn rows_that_were_written_at_once_make_whole_chains() {
    let database = TestDatabase::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    change(&database, publishing(), Object::new("job", TaskId::new()));
                }
            });
        }
    });
    let report = service(&database).verify(None).unwrap();
    assert_eq!((report.entries, report.findings), (200, Vec::new()));
}

#[test]
fn a_checkpoint_is_made_when_something_was_added_and_only_then() {
    let database = TestDatabase::new();
    let service = service(&database);
    assert_eq!(service.take_checkpoint().unwrap(), None);
    change(&database, publishing(), Object::new("job", TaskId::new()));
    let first = service.take_checkpoint().unwrap().unwrap();
    assert_eq!(first.number, 1);
    assert_eq!(service.take_checkpoint().unwrap(), None);
    change(&database, publishing(), Object::new("job", TaskId::new()));
    let second = service.take_checkpoint().unwrap().unwrap();
    assert_eq!((second.number, &second.previous), (2, &first.signature));
    assert_eq!(service.newest_checkpoint().unwrap(), Some(second.clone()));
    // As a file, and back.
    let kept = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
    assert_eq!(kept, first);
    let report = service.verify(Some(&kept)).unwrap();
    assert_eq!((report.checkpoints, report.findings), (3, Vec::new()));
}

#[test]
fn workers_make_checkpoints_by_themselves() {
    let database = TestDatabase::new();
    let mut registry = outbox::Registry::new();
    audit::register(&mut registry, std::sync::Arc::new(service(&database)));
    change(&database, publishing(), Object::new("job", TaskId::new()));
    outbox::run_due(&database.db, &registry).unwrap();
    database.clock.advance(std::time::Duration::from_secs(5 * 60));
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(database.count("audit.checkpoints"), 1);
}

#[test]
fn a_changed_secret_recognises_what_its_predecessor_signed_and_a_stranger_does_not() {
    let database = TestDatabase::new();
    change(&database, publishing(), Object::new("job", TaskId::new()));
    service(&database).take_checkpoint().unwrap().unwrap();
    let (old, new) = (SecretString::from("s".repeat(32)), SecretString::from("n".repeat(32)));
    let check = |keys: &Keys| verify(&mut database.owner_connection(), keys, None).unwrap();
    assert!(check(&keys()).is_whole());
    assert!(check(&Keys::derive(&new, &[old])).is_whole());
    assert_eq!(check(&Keys::derive(&new, &[])).first().unwrap().check, "checkpoint_key");
}

#[test]
fn the_row_is_one_prepared_statement_the_last_before_commit() {
    let database = TestDatabase::logged();
    let work = || {
        audit::command(&database.db, publishing(), || {
            database.db.transaction(|tx| {
                audit::changed(
                    tx,
                    Object::new("job", TaskId::new()),
                    serde_json::json!(null),
                    serde_json::json!({}),
                );
                outbox::publish(
                    tx,
                    outbox::NewEvent {
                        name: "job.published",
                        version: 1,
                        aggregate: outbox::Aggregate { kind: "job", id: uuid::Uuid::now_v7() },
                        request_id: "r".to_owned(),
                        data: serde_json::json!({}),
                    },
                );
                Ok::<_, database::Error>(())
            })
        })
        .unwrap();
    };
    database.db.hold().unwrap();
    work();
    let ((), statements) = database.statements(work);
    let texts: Vec<&str> = statements.iter().map(|statement| statement.text.as_str()).collect();
    assert!(texts[texts.len() - 2].contains("audit.append"), "{texts:#?}");
    assert!(
        texts[texts.len() - 3].contains("outbox") && texts[texts.len() - 1].contains("COMMIT"),
        "{texts:#?}"
    );
    testing::assert_cached(&statements);
    database.db.release_held();
}
