-- The audit trail: who did what to which thing, from where, in rows that are chained by hash and never change.
--
-- Rows come to be through audit.append() and audit.add_checkpoint() only. Both run as the ledger role, which cannot log in; the
-- runtime role may call them and may read, nothing else. Every refusal carries SQLSTATE 23514 or 23505 and a constraint's name.

CREATE SCHEMA audit;

-- The newest row of each chain. Several, so that no transaction waits for another as long as one of them is free. Few rows a
-- page: a head is rewritten by every row of its chain, and its next version finds room beside it.
CREATE TABLE audit.heads (
    chain    smallint PRIMARY KEY CONSTRAINT head_chain CHECK (chain BETWEEN 0 AND 63),
    sequence bigint   NOT NULL CONSTRAINT head_sequence CHECK (sequence >= 0),
    -- Of the newest row; 32 zeros before the first.
    hash     bytea    NOT NULL CONSTRAINT head_hash CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 10);
INSERT INTO audit.heads (chain, sequence, hash)
SELECT chain, 0, decode(repeat('00', 32), 'hex') FROM generate_series(0, 63) AS chain;

CREATE TABLE audit.entries (
    -- UUIDv7 of `occurred_at`: the order of ids is the order of time.
    id            uuid        PRIMARY KEY,
    chain         smallint    NOT NULL CONSTRAINT entry_chain CHECK (chain BETWEEN 0 AND 63),
    sequence      bigint      NOT NULL CONSTRAINT entry_sequence CHECK (sequence > 0),
    prev_hash     bytea       NOT NULL CONSTRAINT entry_prev_hash CHECK (octet_length(prev_hash) = 32),
    hash          bytea       NOT NULL CONSTRAINT entry_hash CHECK (octet_length(hash) = 32),
    occurred_at   timestamptz NOT NULL,
    actor_kind    text        NOT NULL CONSTRAINT entry_actor_kind CHECK (actor_kind IN (
        'PERSON', 'ANYONE', 'PROVIDER', 'OPERATOR', 'SYSTEM', 'PROGRAM')),
    actor_role    text        CONSTRAINT entry_actor_role CHECK (actor_role IN ('HOMEOWNER', 'CONTRACTOR', 'ADMIN')),
    actor_party   uuid,
    actor_person  uuid,
    actor_session uuid,
    action        text        NOT NULL CONSTRAINT entry_action_length CHECK (length(action) BETWEEN 1 AND 120),
    outcome       text        NOT NULL CONSTRAINT entry_outcome CHECK (outcome IN ('DONE', 'REFUSED')),
    -- The code of the refusal.
    refusal       text        CONSTRAINT entry_refusal_length CHECK (length(refusal) BETWEEN 1 AND 80),
    -- How many calls the row stands for: more than one only where refused calls of one caller were counted instead of listed.
    times         integer     NOT NULL CONSTRAINT entry_times CHECK (times > 0),
    -- `kind/id`, the id as people are shown it, and beside it as the database has it.
    objects       text[]      NOT NULL,
    object_ids    uuid[]      NOT NULL,
    changes       jsonb       NOT NULL CONSTRAINT entry_changes CHECK (jsonb_typeof(changes) = 'array'),
    -- A keyed hash: the same for the same network, and nobody finds the network by it.
    address_key   bytea       CONSTRAINT entry_address_key CHECK (octet_length(address_key) = 32),
    request_id    text        NOT NULL CONSTRAINT entry_request_id_length CHECK (length(request_id) <= 200),
    -- Until then nobody is shown it: a bid that is sealed must not be told by its trail.
    sealed_until  timestamptz,
    CONSTRAINT entries_place UNIQUE (chain, sequence),
    CONSTRAINT entry_objects CHECK (cardinality(objects) = cardinality(object_ids)),
    CONSTRAINT entry_refused CHECK ((outcome = 'REFUSED') = (refusal IS NOT NULL))
);
CREATE INDEX entries_actor ON audit.entries (actor_party, id) WHERE actor_party IS NOT NULL;
CREATE INDEX entries_action ON audit.entries (action, id);
CREATE INDEX entries_refused ON audit.entries (id) WHERE outcome = 'REFUSED';
CREATE INDEX entries_objects ON audit.entries USING gin (object_ids);

-- All heads at one moment, signed by the server with a key that is not in the database. Whoever rewrites a chain from some row on
-- cannot sign the checkpoints after it anew.
CREATE TABLE audit.checkpoints (
    number    bigint      PRIMARY KEY CONSTRAINT checkpoint_number CHECK (number > 0),
    taken_at  timestamptz NOT NULL,
    -- By chain, from 0 on.
    sequences bigint[]    NOT NULL CONSTRAINT checkpoint_sequences CHECK (cardinality(sequences) = 64),
    hashes    bytea       NOT NULL CONSTRAINT checkpoint_hashes CHECK (octet_length(hashes) = 64 * 32),
    -- The signature of the checkpoint before; 32 zeros before the first.
    previous  bytea       NOT NULL CONSTRAINT checkpoint_previous CHECK (octet_length(previous) = 32),
    key_id    text        NOT NULL CONSTRAINT checkpoint_key_id CHECK (length(key_id) BETWEEN 1 AND 64),
    signature bytea       NOT NULL CONSTRAINT checkpoint_signature CHECK (octet_length(signature) = 32)
);
-- Hashes cannot be compressed, and a check reads 32 bytes of them at a time.
ALTER TABLE audit.checkpoints ALTER hashes SET STORAGE EXTERNAL;

CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = audit, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the audit trail is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = '23514', CONSTRAINT = 'append_only', TABLE = TG_TABLE_NAME, SCHEMA = 'audit';
END $$;

-- Appends a row, as the last thing before COMMIT: the head of the chain stays locked until then. Each session begins with a chain
-- of its own and takes any other that is free; it waits for one only when all are taken. With `only_if_written` there is no row
-- for a transaction that has written nothing. Answers the row's id.
CREATE FUNCTION audit.append(
    actor_kind text, actor_role text, actor_party uuid, actor_person uuid, actor_session uuid,
    action text, outcome text, refusal text, times integer,
    objects text[], object_ids uuid[], changes jsonb,
    address_key bytea, request_id text, sealed_until timestamptz, only_if_written boolean
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    own   integer := pg_backend_pid() % 64;
    head  heads;
    entry entries;
BEGIN
    IF only_if_written AND pg_current_xact_id_if_assigned() IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT * INTO head FROM heads h WHERE h.chain = own FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT * INTO head FROM heads h ORDER BY (h.chain - own + 64) % 64 LIMIT 1 FOR UPDATE SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN
        SELECT * INTO head FROM heads h WHERE h.chain = own FOR UPDATE;
    END IF;

    -- Read after the lock was got, so that time does not run backwards along a chain.
    entry.occurred_at := app.clock();
    entry.id := encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                PLACING substring(int8send(floor(extract(epoch FROM entry.occurred_at) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid;
    entry.chain := head.chain;
    entry.sequence := head.sequence + 1;
    entry.prev_hash := head.hash;
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
    -- Over the binary form of a Postgres record: the number of columns, and for each the OID of its type, its length and its bytes, or
    -- -1 for NULL; so no two rows have the same bytes. Texts are UTF-8 whatever the client's encoding; arrays and documents are
    -- hashed as the texts that Postgres writes them as. The check (crates/audit/src/store.rs) has the same list.
    entry.hash := sha256(record_send(ROW(
        entry.prev_hash, entry.chain, entry.sequence, entry.id, entry.occurred_at,
        convert_to(entry.actor_kind, 'UTF8'), convert_to(entry.actor_role, 'UTF8'),
        entry.actor_party, entry.actor_person, entry.actor_session,
        convert_to(entry.action, 'UTF8'), convert_to(entry.outcome, 'UTF8'), convert_to(entry.refusal, 'UTF8'), entry.times,
        convert_to(entry.objects::text, 'UTF8'), convert_to(entry.object_ids::text, 'UTF8'),
        convert_to(entry.changes::text, 'UTF8'), entry.address_key, convert_to(entry.request_id, 'UTF8'), entry.sealed_until)));
    INSERT INTO entries SELECT entry.*;
    UPDATE heads h SET sequence = entry.sequence, hash = entry.hash WHERE h.chain = entry.chain;
    RETURN entry.id;
END $$;

-- Keeps a checkpoint that the server has signed; one at a time, each naming the one before.
CREATE FUNCTION audit.add_checkpoint(
    number bigint, taken_at timestamptz, sequences bigint[], hashes bytea, previous bytea, key_id text, signature bytea
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    last checkpoints;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit.checkpoints', 0));
    SELECT * INTO last FROM checkpoints c ORDER BY c.number DESC LIMIT 1;
    IF number <> coalesce(last.number, 0) + 1 OR previous <> coalesce(last.signature, decode(repeat('00', 32), 'hex')) THEN
        RAISE EXCEPTION 'checkpoint % does not follow checkpoint %', number, coalesce(last.number, 0)
            USING ERRCODE = '23514', CONSTRAINT = 'checkpoint_follows', TABLE = 'checkpoints', SCHEMA = 'audit';
    END IF;
    INSERT INTO checkpoints VALUES (number, taken_at, sequences, hashes, previous, key_id, signature);
END $$;

-- ── Who may ─────────────────────────────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE
    runtime text := nullif(current_setting('fairtrade.runtime_role', true), '');
    ledger  text := nullif(current_setting('fairtrade.ledger_role', true), '');
    name    text;
BEGIN
    IF runtime IS NULL OR ledger IS NULL THEN
        RAISE EXCEPTION 'fairtrade.runtime_role and fairtrade.ledger_role are not set: migrate with the fairtrade command';
    END IF;
    -- The trigger runs as whoever writes, and inside the functions that is the ledger role: even the owner of the tables goes
    -- through them.
    EXECUTE format($f$
        CREATE FUNCTION audit.only_by_function() RETURNS trigger LANGUAGE plpgsql
            SECURITY INVOKER SET search_path = audit, pg_temp AS $body$
        BEGIN
            IF current_user <> %L THEN
                RAISE EXCEPTION '%% of %% past the appending function is refused', TG_OP, TG_TABLE_NAME
                    USING ERRCODE = '23514', CONSTRAINT = 'appended_by_function', TABLE = TG_TABLE_NAME, SCHEMA = 'audit';
            END IF;
            RETURN NULL;
        END $body$
    $f$, ledger);

    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA audit TO %I', ledger);
    EXECUTE format('GRANT SELECT, INSERT ON audit.entries, audit.checkpoints TO %I', ledger);
    EXECUTE format('GRANT SELECT, UPDATE ON audit.heads TO %I', ledger);

    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
    EXECUTE format('GRANT EXECUTE ON FUNCTION audit.only_by_function() TO %I', ledger);
    EXECUTE format('GRANT USAGE ON SCHEMA audit TO %I', runtime);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA audit TO %I', runtime);
    EXECUTE format('GRANT EXECUTE ON FUNCTION
                    audit.append(text, text, uuid, uuid, uuid, text, text, text, integer, text[], uuid[], jsonb, bytea, text,
                                 timestamptz, boolean),
                    audit.add_checkpoint(bigint, timestamptz, bigint[], bytea, bytea, text, bytea) TO %I', runtime);

    -- Last, so that the grants above are the migrating role's own.
    FOREACH name IN ARRAY ARRAY[
        'refuse_change()',
        'append(text, text, uuid, uuid, uuid, text, text, text, integer, text[], uuid[], jsonb, bytea, text, timestamptz, boolean)',
        'add_checkpoint(bigint, timestamptz, bigint[], bytea, bytea, text, bytea)'
    ] LOOP
        EXECUTE format('ALTER FUNCTION audit.%s OWNER TO %I', name, ledger);
    END LOOP;
    EXECUTE format('REVOKE CREATE ON SCHEMA audit FROM %I', ledger);
END $$;

CREATE TRIGGER entries_by_function BEFORE INSERT ON audit.entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit.only_by_function();
CREATE TRIGGER heads_by_function BEFORE INSERT OR UPDATE ON audit.heads
    FOR EACH STATEMENT EXECUTE FUNCTION audit.only_by_function();
CREATE TRIGGER checkpoints_by_function BEFORE INSERT ON audit.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit.only_by_function();

CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER heads_never_go BEFORE DELETE OR TRUNCATE ON audit.heads
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
