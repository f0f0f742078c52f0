//! What the chain of the audit trail costs: the statements of a bid as the service issues them, beside the same with rows that are
//! written and not chained, and without any row. In turns, so that whatever else the machine does meets all three alike.

use diesel::connection::SimpleConnection;

use crate::pgbench::{self, Script};
use crate::rows::Row;
use crate::world::World;

/// How often each is measured.
const ROUNDS: usize = 5;
/// Connections that write at once.
const CONNECTIONS: usize = 16;
/// A run that no other row has: it begins with jobs of its own.
const RUN: usize = 3;

/// No contractor bids twice on a job. The jobs are those that were made in bulk.
const FORGET_BIDS: &str = "SET session_replication_role = replica;
    DELETE FROM marketplace.bid_revisions r USING marketplace.bids b WHERE b.id = r.bid_id AND b.status = 'SUBMITTED'
        AND b.job_id BETWEEN '01900000-0000-7000-8000-000000000000' AND '01900000-0000-7000-8000-ffffffffffff';
    DELETE FROM marketplace.bids b WHERE status = 'SUBMITTED'
        AND b.job_id BETWEEN '01900000-0000-7000-8000-000000000000' AND '01900000-0000-7000-8000-ffffffffffff';";

/// The same row, with the same indexes, by a function that does all but lock a head, hash, and move the head on.
const UNCHAINED: &str = "
    CREATE SCHEMA bench;
    CREATE TABLE bench.entries (LIKE audit.entries INCLUDING ALL);
    CREATE SEQUENCE bench.places;
    CREATE FUNCTION bench.append(
        actor_kind text, actor_role text, actor_party uuid, actor_person uuid, actor_session uuid,
        action text, outcome text, refusal text, times integer, objects text[], object_ids uuid[], changes jsonb,
        address_key bytea, request_id text, sealed_until timestamptz, only_if_written boolean
    ) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = bench, pg_temp AS $$
    #variable_conflict use_variable
    DECLARE
        entry entries;
    BEGIN
        IF only_if_written AND pg_current_xact_id_if_assigned() IS NULL THEN
            RETURN NULL;
        END IF;
        entry.occurred_at := app.clock();
        entry.id := encode(
            set_bit(set_bit(
                overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send(floor(extract(epoch FROM entry.occurred_at) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6),
                52, 1), 53, 1),
            'hex')::uuid;
        entry.chain := pg_backend_pid() % 64;
        entry.sequence := nextval('places');
        entry.prev_hash := decode(repeat('00', 32), 'hex');
        entry.hash := entry.prev_hash;
        entry.actor_kind := actor_kind;
        entry.actor_role := actor_role;
        entry.actor_party := actor_party;
        entry.actor_person := actor_person;
        entry.actor_session := actor_session;
        entry.action := action;
        entry.outcome := outcome;
        entry.refusal := refusal;
        entry.times := times;
        entry.objects := objects;
        entry.object_ids := object_ids;
        entry.changes := changes;
        entry.address_key := address_key;
        entry.request_id := request_id;
        entry.sealed_until := sealed_until;
        INSERT INTO entries SELECT entry.*;
        RETURN entry.id;
    END $$;
    GRANT USAGE ON SCHEMA bench TO PUBLIC;";

/// Measures it and prints a table of its own.
pub(crate) fn compare(world: &World, row: Row, seconds: u64) {
    let mut superuser = database::establish(&world.superuser_url).unwrap();
    superuser.batch_execute(UNCHAINED).unwrap();
    let Script { text, variables } = row.script;
    let without: String =
        text.lines().filter(|line| !line.contains("audit.append(")).map(|line| format!("{line}\n")).collect();
    let mut script = Script { text: String::new(), variables };
    let ways = [
        ("chained", text.clone()),
        ("unchained", text.replace("audit.append(", "bench.append(")),
        ("no row", without),
    ];
    let mut rates = [0.0; 3];
    for _ in 0..ROUNDS {
        for (place, (name, text)) in ways.iter().enumerate() {
            superuser.batch_execute(FORGET_BIDS).unwrap();
            world.calm();
            script.text.clone_from(text);
            match pgbench::run(world, &script, (RUN, CONNECTIONS), seconds) {
                Ok(yardstick) => rates[place] += yardstick.rate / ROUNDS as f64,
                Err(error) => eprintln!("{name}: {error}"),
            }
        }
    }
    println!("\n| audited writes at {CONNECTIONS} connections | transactions/s | of unchained |");
    println!("| --- | ---: | ---: |");
    for (place, (name, _)) in ways.iter().enumerate() {
        println!("| {name} | {:.0} | {:.0} % |", rates[place], 100.0 * rates[place] / rates[1]);
    }
}
