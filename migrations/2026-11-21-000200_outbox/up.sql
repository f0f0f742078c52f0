-- Events and tasks, written in the transaction of the fact that they tell of.
CREATE SCHEMA outbox;

-- A UUIDv7 for rows that are made here rather than in Rust.
CREATE FUNCTION outbox.new_id() RETURNS uuid
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

-- Facts that happened. Nothing in a row ever changes, but that the sequencer gives it its numbers, once.
CREATE TABLE outbox.events (
    id uuid PRIMARY KEY,
    -- The order of writing. Where two writers of one thing wait for each other (a row lock), the later one has the larger
    -- ticket; numbers are missing where a transaction rolled back, which is why consumers count by position.
    ticket bigint GENERATED ALWAYS AS IDENTITY,
    position bigint,
    aggregate_sequence bigint,
    aggregate_kind text NOT NULL CHECK (aggregate_kind <> ''),
    aggregate_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z_]+\.[a-z_]+$'),
    version smallint NOT NULL CHECK (version > 0),
    request_id text NOT NULL,
    trace_id text NOT NULL,
    data jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object'),
    occurred_at timestamptz NOT NULL,
    CONSTRAINT events_numbered_whole CHECK ((position IS NULL) = (aggregate_sequence IS NULL))
);
CREATE UNIQUE INDEX events_position ON outbox.events (position);
CREATE UNIQUE INDEX events_aggregate ON outbox.events (aggregate_kind, aggregate_id, aggregate_sequence);
CREATE INDEX events_unnumbered ON outbox.events (ticket) WHERE position IS NULL;

CREATE FUNCTION outbox.keep_events() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND NEW.position IS NOT NULL
        AND (NEW.id, NEW.ticket, NEW.aggregate_kind, NEW.aggregate_id, NEW.name, NEW.version, NEW.request_id,
             NEW.trace_id, NEW.data, NEW.occurred_at)
          = (OLD.id, OLD.ticket, OLD.aggregate_kind, OLD.aggregate_id, OLD.name, OLD.version, OLD.request_id,
             OLD.trace_id, OLD.data, OLD.occurred_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'events are facts: they are neither changed nor removed'
        USING ERRCODE = '23514', SCHEMA = 'outbox', TABLE = 'events', CONSTRAINT = 'events_immutable';
END
$$;
CREATE TRIGGER events_immutable BEFORE UPDATE OR DELETE ON outbox.events
    FOR EACH ROW EXECUTE FUNCTION outbox.keep_events();
CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON outbox.events
    FOR EACH STATEMENT EXECUTE FUNCTION outbox.keep_events();

-- Work to be done, after the transaction that asked for it.
CREATE TABLE outbox.tasks (
    id uuid PRIMARY KEY,
    ticket bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind <> ''),
    key text,
    lane text,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'PARKED')),
    -- By app.clock(), which tests can turn.
    due_at timestamptz NOT NULL,
    attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    max_attempts smallint NOT NULL CHECK (max_attempts > 0),
    -- The fencing token: a new one with each claim, so that a worker that lost its lease cannot note anything.
    lease_token bigint,
    -- By real time, because a worker that died stays dead however the test clock is turned.
    leased_until timestamptz,
    reason text,
    trace_id text NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT tasks_leased_while_running
        CHECK ((state = 'RUNNING') = (lease_token IS NOT NULL) AND (state = 'RUNNING') = (leased_until IS NOT NULL)),
    CONSTRAINT tasks_finished CHECK ((state IN ('DONE', 'PARKED')) = (finished_at IS NOT NULL)),
    CONSTRAINT tasks_parked_with_reason CHECK (state <> 'PARKED' OR reason IS NOT NULL)
);
CREATE SEQUENCE outbox.lease_tokens OWNED BY outbox.tasks.lease_token;
CREATE UNIQUE INDEX tasks_one_waiting ON outbox.tasks (kind, key) WHERE key IS NOT NULL AND state = 'QUEUED';
CREATE INDEX tasks_due ON outbox.tasks (due_at, ticket) WHERE state = 'QUEUED';
CREATE INDEX tasks_lane ON outbox.tasks (lane, ticket) WHERE lane IS NOT NULL AND state IN ('QUEUED', 'RUNNING');
CREATE INDEX tasks_leased ON outbox.tasks (leased_until) WHERE state = 'RUNNING';
CREATE INDEX tasks_finished ON outbox.tasks (finished_at) WHERE state = 'DONE';
CREATE INDEX tasks_newest ON outbox.tasks (created_at, id);
CREATE INDEX tasks_parked ON outbox.tasks (created_at, id) WHERE state = 'PARKED';

-- Which consumer has dealt with which event; written in the transaction of the effect.
CREATE TABLE outbox.consumed (
    event_id uuid NOT NULL REFERENCES outbox.events,
    consumer text NOT NULL,
    consumed_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, consumer)
);

-- Who hears of what. Kept here and not only in the program, so that while two releases run side by side the older one's
-- sequencer does not forget a consumer that only the newer one knows.
CREATE TABLE outbox.subscriptions (
    event text NOT NULL,
    consumer text NOT NULL,
    PRIMARY KEY (event, consumer)
);

-- What a transaction tells and asks for, in one call at its end. The only way to write an event.
CREATE FUNCTION outbox.close(new_events jsonb, new_tasks jsonb, trace text) RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = outbox, pg_temp
AS $$
DECLARE
    moment timestamptz := app.clock();
BEGIN
    INSERT INTO outbox.events (id, aggregate_kind, aggregate_id, name, version, request_id, trace_id, data, occurred_at)
    SELECT (e->>'id')::uuid, e->>'kind', (e->>'aggregate')::uuid, e->>'name', (e->>'version')::smallint, e->>'request',
           trace, e->'data', moment
    FROM jsonb_array_elements(new_events) WITH ORDINALITY AS rows (e, n)
    ORDER BY n;

    -- Two transactions that want the same keys in another order wait for each other here rather than deadlock below.
    IF jsonb_array_length(new_tasks) > 1 THEN
        PERFORM pg_advisory_xact_lock(wanted.hash)
        FROM (SELECT DISTINCT hashtextextended(t->>'kind' || ':' || (t->>'key'), 0) AS hash
              FROM jsonb_array_elements(new_tasks) AS rows (t) WHERE t->>'key' IS NOT NULL ORDER BY hash) AS wanted;
    END IF;

    INSERT INTO outbox.tasks AS waiting (id, kind, key, lane, payload, due_at, max_attempts, trace_id, created_at)
    SELECT (t->>'id')::uuid, t->>'kind', t->>'key', t->>'lane', t->'payload', due, (t->>'attempts')::smallint, trace, moment
    FROM (
        -- One row a key, the one due first: one statement cannot merge a second into it.
        SELECT DISTINCT ON (t->>'kind', coalesce(t->>'key', t->>'id'))
               t, n, coalesce((t->>'due')::timestamptz, moment) AS due
        FROM jsonb_array_elements(new_tasks) WITH ORDINALITY AS rows (t, n)
        ORDER BY t->>'kind', coalesce(t->>'key', t->>'id'), coalesce((t->>'due')::timestamptz, moment), n
    ) AS wanted
    ORDER BY n
    ON CONFLICT (kind, key) WHERE key IS NOT NULL AND state = 'QUEUED'
    DO UPDATE SET due_at = excluded.due_at WHERE waiting.due_at > excluded.due_at;
    RETURN 1;
END
$$;

-- Numbers what has been committed and hands it to its consumers. One at a time: the lock is held until the numbers are
-- committed, so a reader that has seen a position has seen every smaller one, and none is missing. Returns how many events
-- it numbered, or -1 when somebody else is at it.
CREATE FUNCTION outbox.sequence(batch integer) RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = outbox, pg_temp
AS $$
DECLARE
    last_position bigint;
    numbered integer;
    moment timestamptz;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('outbox.sequence', 0)) THEN
        RETURN -1;
    END IF;
    -- Each statement below has a snapshot from after the lock was got: it sees what the last holder committed.
    SELECT max(e.position) INTO last_position FROM outbox.events e;
    last_position := coalesce(last_position, 0);

    WITH fresh AS (
        SELECT e.id, e.ticket, e.aggregate_kind, e.aggregate_id
        FROM outbox.events e WHERE e.position IS NULL ORDER BY e.ticket LIMIT batch
    ), counted AS (
        SELECT f.*, row_number() OVER (ORDER BY f.ticket) AS nth,
               row_number() OVER (PARTITION BY f.aggregate_kind, f.aggregate_id ORDER BY f.ticket) AS nth_of_aggregate
        FROM fresh f
    )
    UPDATE outbox.events e
    SET position = last_position + c.nth,
        aggregate_sequence = c.nth_of_aggregate + coalesce((
            SELECT max(p.aggregate_sequence) FROM outbox.events p
            WHERE p.aggregate_kind = c.aggregate_kind AND p.aggregate_id = c.aggregate_id), 0)
    FROM counted c WHERE e.id = c.id;
    GET DIAGNOSTICS numbered = ROW_COUNT;

    IF numbered > 0 THEN
        moment := app.clock();
        INSERT INTO outbox.tasks (id, kind, lane, payload, due_at, max_attempts, trace_id, created_at)
        SELECT outbox.new_id(), 'event:' || s.consumer,
               -- A consumer hears of one thing in the order in which it happened.
               s.consumer || '/' || e.aggregate_kind || '/' || e.aggregate_id,
               jsonb_build_object('event', e.id), moment, 20, e.trace_id, moment
        FROM outbox.events e JOIN outbox.subscriptions s ON s.event = e.name
        WHERE e.position > last_position
        ORDER BY e.position, s.consumer;
    END IF;
    RETURN numbered;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA outbox FROM PUBLIC;
SELECT app.grant_runtime('outbox');

-- Events come in through close() and get their numbers from sequence(); the runtime role may only read them.
DO $$
DECLARE
    role text := nullif(current_setting('fairtrade.runtime_role', true), '');
BEGIN
    IF role IS NOT NULL THEN
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON outbox.events FROM %I', role);
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON outbox.consumed FROM %I', role);
    END IF;
END
$$;
