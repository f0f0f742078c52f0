//! A thousand tamperings by somebody whom no right and no trigger holds up, each on the trail as it was: all are found.

use audit::{AuditCommands, Checkpoint, Finding, Object, verify};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt, Text};
use outbox::TaskId;
use rand::seq::IndexedRandom;
use testing::TestDatabase;

use crate::trail::{change, keys, publishing, service};

const TAMPERINGS: usize = 1_000;
/// Sessions that write at once, so that several chains get rows, and rows of each.
const WRITERS: usize = 6;
const ROWS_EACH: usize = 8;

/// What can be done to one column, so that it is another value of its type and its own CHECK is content.
const EDITS: [(&str, &str); 17] = [
    ("id", "gen_random_uuid()"),
    ("prev_hash", "sha256(prev_hash)"),
    ("hash", "sha256(hash)"),
    ("occurred_at", "occurred_at + interval '1 microsecond'"),
    ("actor_kind", "CASE actor_kind WHEN 'SYSTEM' THEN 'OPERATOR' ELSE 'SYSTEM' END"),
    ("actor_role", "CASE actor_role WHEN 'ADMIN' THEN NULL ELSE 'ADMIN' END"),
    ("actor_party", "gen_random_uuid()"),
    ("actor_person", "CASE WHEN actor_person IS NULL THEN gen_random_uuid() END"),
    ("actor_session", "gen_random_uuid()"),
    ("action", "action || ' '"),
    ("times", "times + 1"),
    ("objects", "ARRAY['job/another']"),
    ("object_ids", "ARRAY[gen_random_uuid()]"),
    ("changes", "jsonb_set(changes, '{0,after,state}', '\"CLOSED\"')"),
    ("address_key", "CASE WHEN address_key IS NULL THEN sha256('x') END"),
    ("request_id", "request_id || '0'"),
    ("sealed_until", "coalesce(sealed_until, occurred_at) + interval '1 hour'"),
];

#[derive(Debug, Clone, QueryableByName)]
struct Place {
    #[diesel(sql_type = SmallInt)]
    chain: i16,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Text)]
    id: String,
}

/// What is done to the trail, and which place a good check names; none where several would be right.
struct Tampering {
    sql: String,
    named: Option<(i16, i64)>,
}

impl Tampering {
    fn of(sql: String) -> Self {
        Self { sql, named: None }
    }
}

/// A trail with two checkpoints, rows after each, and the second checkpoint kept elsewhere.
fn trail() -> (TestDatabase, Checkpoint) {
    let database = TestDatabase::new();
    let write = || {
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    for _ in 0..ROWS_EACH {
                        change(&database, publishing(), Object::new("job", TaskId::new()));
                    }
                });
            }
        });
    };
    let service = service(&database);
    write();
    service.take_checkpoint().unwrap().unwrap();
    write();
    let kept = service.take_checkpoint().unwrap().unwrap();
    (database, kept)
}

fn places(conn: &mut PgConnection) -> Vec<Place> {
    diesel::sql_query("SELECT chain, sequence, id::text AS id FROM audit.entries ORDER BY chain, sequence")
        .load(conn)
        .unwrap()
}

/// Hashes a chain anew from a place on, its head included, as somebody would who knows how it is done.
fn rehash(place: &Place) -> String {
    format!(
        "DO $$ DECLARE row audit.entries; last bytea; BEGIN
            SELECT hash INTO last FROM audit.entries WHERE chain = {chain} AND sequence = {from} - 1;
            last := coalesce(last, decode(repeat('00', 32), 'hex'));
            FOR row IN SELECT * FROM audit.entries WHERE chain = {chain} AND sequence >= {from} ORDER BY sequence LOOP
                UPDATE audit.entries e SET prev_hash = last WHERE e.id = row.id;
                UPDATE audit.entries e SET hash = sha256(record_send(ROW(
                    prev_hash, chain, sequence, id, occurred_at,
                    convert_to(actor_kind, 'UTF8'), convert_to(actor_role, 'UTF8'), actor_party, actor_person, actor_session,
                    convert_to(action, 'UTF8'), convert_to(outcome, 'UTF8'), convert_to(refusal, 'UTF8'), times,
                    convert_to(objects::text, 'UTF8'), convert_to(object_ids::text, 'UTF8'), convert_to(changes::text, 'UTF8'),
                    address_key, convert_to(request_id, 'UTF8'), sealed_until))) WHERE e.id = row.id RETURNING hash INTO last;
                UPDATE audit.heads h SET sequence = row.sequence, hash = last WHERE h.chain = {chain};
            END LOOP; END $$;",
        chain = place.chain,
        from = place.sequence,
    )
}

fn edit(place: &Place) -> Tampering {
    let (column, value) = EDITS.choose(&mut rand::rng()).unwrap();
    Tampering {
        sql: format!("UPDATE audit.entries SET {column} = {value} WHERE id = '{}'", place.id),
        named: Some((place.chain, place.sequence)),
    }
}

fn refuse_afterwards(place: &Place) -> Tampering {
    let sql =
        format!("UPDATE audit.entries SET outcome = 'REFUSED', refusal = 'not_so' WHERE id = '{}'", place.id);
    Tampering { sql, named: Some((place.chain, place.sequence)) }
}

fn delete(place: &Place) -> Tampering {
    Tampering::of(format!("DELETE FROM audit.entries WHERE id = '{}'", place.id))
}

/// Two rows change places, or everything but their places.
fn swap(one: &Place, other: &Place) -> Tampering {
    let (a, b) = (&one.id, &other.id);
    let named = Some((one.chain, one.sequence).min((other.chain, other.sequence)));
    let sql = if rand::random() {
        format!(
            "UPDATE audit.entries SET sequence = sequence + 1000000 WHERE id = '{a}';
             UPDATE audit.entries SET chain = {}, sequence = {} WHERE id = '{b}';
             UPDATE audit.entries SET chain = {}, sequence = {} WHERE id = '{a}'",
            one.chain, one.sequence, other.chain, other.sequence
        )
    } else {
        format!(
            "UPDATE audit.entries e SET (actor_party, changes, object_ids, objects, occurred_at)
                = (o.actor_party, o.changes, o.object_ids, o.objects, o.occurred_at)
             FROM audit.entries o WHERE (e.id = '{a}' AND o.id = '{b}') OR (e.id = '{b}' AND o.id = '{a}')"
        )
    };
    Tampering { sql, named }
}

/// A row more: between two, or after the last, chained as well as can be without its head.
fn insert(place: &Place, is_last: bool) -> Tampering {
    let copy = |sequence: String| {
        format!(
            "INSERT INTO audit.entries SELECT (jsonb_populate_record(e, jsonb_build_object(
                'id', gen_random_uuid(), 'sequence', {sequence}))).* FROM audit.entries e WHERE id = '{}';",
            place.id
        )
    };
    let chain = place.chain;
    // After the last row, with a head to match, it would be a row like any other: whoever has the superuser's rights can write those.
    if is_last || rand::random() {
        let last = format!("(SELECT max(sequence) + 1 FROM audit.entries WHERE chain = {chain})");
        return Tampering::of(copy(last));
    }
    let from = place.sequence + 1;
    let making_room = format!(
        "UPDATE audit.entries SET sequence = sequence + 1000000 WHERE chain = {chain} AND sequence >= {from};
         UPDATE audit.entries SET sequence = sequence - 999999 WHERE chain = {chain} AND sequence >= 1000000;"
    );
    let rehashed = rehash(&Place { sequence: from, ..place.clone() });
    Tampering::of(format!("{making_room} {} {rehashed}", copy(format!("{from}"))))
}

/// The end of a chain is gone, its head says so, and so does every checkpoint that is left.
fn truncate(place: &Place) -> Tampering {
    let (chain, from) = (place.chain, place.sequence);
    Tampering::of(format!(
        "DELETE FROM audit.entries WHERE chain = {chain} AND sequence >= {from};
         UPDATE audit.heads SET sequence = {from} - 1, hash = coalesce(
            (SELECT hash FROM audit.entries WHERE chain = {chain} AND sequence = {from} - 1), decode(repeat('00', 32), 'hex'))
         WHERE chain = {chain};
         DELETE FROM audit.checkpoints WHERE sequences[{chain} + 1] >= {from} OR number >= (
            SELECT min(number) FROM audit.checkpoints WHERE sequences[{chain} + 1] >= {from})"
    ))
}

/// A row is changed, and the whole chain after it hashed anew.
fn rewrite(place: &Place) -> Tampering {
    let Tampering { sql, .. } = edit_content(place);
    Tampering::of(format!("{sql}; {}", rehash(place)))
}

fn edit_content(place: &Place) -> Tampering {
    let sql = format!("UPDATE audit.entries SET action = action || '!' WHERE id = '{}'", place.id);
    Tampering { sql, named: None }
}

/// What proves the rows is itself tampered with.
fn undermine(place: &Place) -> Tampering {
    let chain = place.chain;
    let ways = [
        format!("UPDATE audit.heads SET sequence = sequence + 1 WHERE chain = {chain}"),
        format!("UPDATE audit.heads SET hash = sha256(hash) WHERE chain = {chain}"),
        format!("DELETE FROM audit.heads WHERE chain = {chain}"),
        format!(
            "UPDATE audit.checkpoints SET sequences[{chain} + 1] = sequences[{chain} + 1] - 1 WHERE number = 1"
        ),
        "UPDATE audit.checkpoints SET hashes = substring(hashes FROM 2) || '\\xab' WHERE number = 2"
            .to_owned(),
        "UPDATE audit.checkpoints SET taken_at = taken_at - interval '1 day'".to_owned(),
        "UPDATE audit.checkpoints SET signature = sha256(signature) WHERE number = 2".to_owned(),
        "DELETE FROM audit.checkpoints WHERE number = 1".to_owned(),
    ];
    Tampering::of(ways.choose(&mut rand::rng()).unwrap().clone())
}

fn tampering(places: &[Place]) -> Tampering {
    let random = &mut rand::rng();
    let place = places.choose(random).unwrap();
    let other = loop {
        let other = places.choose(random).unwrap();
        if other.id != place.id {
            break other;
        }
    };
    match rand::random_range(0..8) {
        0 | 1 => edit(place),
        2 => refuse_afterwards(place),
        3 => delete(place),
        4 => swap(place, other),
        5 => insert(
            place,
            !places.iter().any(|next| next.chain == place.chain && next.sequence > place.sequence),
        ),
        6 => truncate(place),
        _ if rand::random() => rewrite(place),
        _ => undermine(place),
    }
}

#[test]
fn of_a_thousand_tamperings_a_thousand_are_found() {
    let (database, kept) = trail();
    let mut superuser = database.superuser_connection();
    // Triggers are for those who can be held up.
    superuser.batch_execute("SET session_replication_role = replica").unwrap();
    let places = places(&mut superuser);
    assert_eq!(places.len(), 2 * WRITERS * ROWS_EACH);
    let whole = verify(&mut superuser, &keys(), Some(&kept)).unwrap();
    assert_eq!((whole.entries, whole.findings), (96, Vec::new()));
    let mut found = 0;
    for _ in 0..TAMPERINGS {
        let Tampering { sql, named } = tampering(&places);
        superuser.batch_execute("BEGIN").unwrap();
        superuser.batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let report = verify(&mut superuser, &keys(), Some(&kept)).unwrap();
        superuser.batch_execute("ROLLBACK").unwrap();
        let first: &Finding = report.first().unwrap_or_else(|| panic!("not found: {sql}"));
        assert!(!first.message.is_empty());
        if let Some((chain, place)) = named {
            assert_eq!((first.chain, first.place), (Some(chain), Some(place)), "{sql}: {}", first.message);
        }
        found += 1;
    }
    assert_eq!(found, TAMPERINGS);
}

#[test]
fn an_end_that_was_cut_off_with_its_checkpoints_is_seen_by_the_one_that_was_kept_and_by_nothing_else() {
    let (database, kept) = trail();
    let mut superuser = database.superuser_connection();
    superuser.batch_execute("SET session_replication_role = replica").unwrap();
    let place = places(&mut superuser).pop().unwrap();
    superuser.batch_execute(&truncate(&place).sql).unwrap();
    let without = verify(&mut superuser, &keys(), None).unwrap();
    assert!(without.is_whole(), "{without:?}");
    let with = verify(&mut superuser, &keys(), Some(&kept)).unwrap();
    assert_eq!(with.first().unwrap().check, "truncated");
}

#[test]
fn rows_that_no_constraint_would_have_let_in_are_found_too() {
    let (database, kept) = trail();
    let mut superuser = database.superuser_connection();
    superuser.batch_execute("SET session_replication_role = replica").unwrap();
    superuser
        .batch_execute(
            "ALTER TABLE audit.entries DROP CONSTRAINT entry_chain, DROP CONSTRAINT entries_place, ALTER chain DROP NOT NULL,
                DROP CONSTRAINT entry_sequence",
        )
        .unwrap();
    let place = places(&mut superuser)[0].clone();
    let of = |values: &str| {
        format!(
            "INSERT INTO audit.entries SELECT (jsonb_populate_record(e,
                jsonb_build_object('id', gen_random_uuid()) || '{values}')).* FROM audit.entries e WHERE id = '{}'",
            place.id
        )
    };
    // Of two rows in one place the one with the smaller id is met first: the copy then is not what was hashed.
    for (values, checks) in [
        (r#"{"chain": 64}"#, ["stray"].as_slice()),
        (r#"{"chain": -1}"#, &["stray"]),
        (r#"{"chain": null}"#, &["stray"]),
        (r#"{"sequence": 0}"#, &["doubled"]),
        ("{}", &["doubled", "altered"]),
    ] {
        superuser.batch_execute("BEGIN").unwrap();
        superuser.batch_execute(&of(values)).unwrap();
        let report = verify(&mut superuser, &keys(), Some(&kept)).unwrap();
        superuser.batch_execute("ROLLBACK").unwrap();
        assert!(report.first().is_some_and(|found| checks.contains(&found.check)), "{values}: {report:?}");
    }
}
