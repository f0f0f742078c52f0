//! What Postgres itself refuses, whoever asks.

use audit::{AuditCommands, Object};
use outbox::TaskId;
use testing::TestDatabase;

use crate::trail::{change, publishing, service};

fn trail() -> TestDatabase {
    let database = TestDatabase::new();
    change(&database, publishing(), Object::new("job", TaskId::new()));
    service(&database).take_checkpoint().unwrap().unwrap();
    database
}

const INSERTS: [&str; 3] = [
    "INSERT INTO audit.entries SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'sequence', 2))).*
     FROM audit.entries e",
    "INSERT INTO audit.heads VALUES (0, 1, sha256('x'))",
    "INSERT INTO audit.checkpoints SELECT 2, taken_at, sequences, hashes, previous, key_id, signature FROM audit.checkpoints",
];

const CHANGES: [(&str, &str); 10] = [
    ("UPDATE audit.entries SET action = 'other'", "append_only"),
    ("DELETE FROM audit.entries", "append_only"),
    ("TRUNCATE audit.entries", "append_only"),
    ("UPDATE audit.heads SET sequence = 0", "appended_by_function"),
    ("DELETE FROM audit.heads", "append_only"),
    ("TRUNCATE audit.heads", "append_only"),
    ("UPDATE audit.checkpoints SET taken_at = app.clock()", "append_only"),
    ("DELETE FROM audit.checkpoints", "append_only"),
    ("TRUNCATE audit.checkpoints", "append_only"),
    (
        "MERGE INTO audit.entries e USING audit.entries o ON o.id = e.id WHEN MATCHED THEN DELETE",
        "append_only",
    ),
];

#[test]
fn nothing_is_added_past_the_function() {
    let database = trail();
    for sql in INSERTS {
        let as_runtime = database.try_execute_as_runtime(sql).unwrap_err();
        assert!(as_runtime.to_string().contains("permission denied"), "{sql}: {as_runtime}");
        let as_owner = database.try_execute(sql).unwrap_err();
        assert!(as_owner.is_check("appended_by_function"), "{sql}: {as_owner:?}");
    }
}

#[test]
fn nothing_that_was_written_is_changed_or_removed() {
    let database = trail();
    for (sql, constraint) in CHANGES {
        let as_runtime = database.try_execute_as_runtime(sql).unwrap_err();
        assert!(as_runtime.to_string().contains("permission denied"), "{sql}: {as_runtime}");
        let as_owner = database.try_execute(sql).unwrap_err();
        assert!(as_owner.is_check(constraint), "{sql}: {as_owner:?}");
    }
}

#[test]
fn a_checkpoint_follows_the_one_before_or_is_refused() {
    let database = trail();
    for number in [1, 3] {
        let sql = format!(
            "SELECT audit.add_checkpoint({number}, taken_at, sequences, hashes, signature, key_id, signature) FROM audit.checkpoints"
        );
        let refused = database.try_execute_as_runtime(&sql).unwrap_err();
        assert!(refused.is_check("checkpoint_follows"), "{refused:?}");
    }
    let sql = "SELECT audit.add_checkpoint(2, taken_at, sequences, hashes, previous, key_id, signature) FROM audit.checkpoints";
    assert!(database.try_execute_as_runtime(sql).unwrap_err().is_check("checkpoint_follows"));
}

#[test]
fn only_those_who_were_named_may_call_the_functions() {
    let database = TestDatabase::new();
    let callers = "pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) g
        WHERE p.pronamespace = 'audit'::regnamespace AND g.privilege_type = 'EXECUTE' AND g.grantee = 0";
    assert_eq!(database.count(callers), 0, "PUBLIC may call something");
    let loose = "pg_proc p WHERE p.pronamespace = 'audit'::regnamespace
        AND p.prosecdef AND (p.proowner <> 'fairtrade_ledger'::regrole OR p.proconfig <> ARRAY['search_path=audit, pg_temp'])";
    assert_eq!(database.count(loose), 0, "a definer's function of another owner or path");
    let callable = "pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) g
        WHERE p.pronamespace = 'audit'::regnamespace AND g.grantee = 'fairtrade_app'::regrole
          AND p.proname NOT IN ('append', 'add_checkpoint')";
    assert_eq!(database.count(callable), 0, "the runtime role may call more than it needs");
    let public = "pg_proc p WHERE p.pronamespace = 'audit'::regnamespace AND p.proacl IS NULL";
    assert_eq!(database.count(public), 0, "a function with the rights that functions have by default");
}
