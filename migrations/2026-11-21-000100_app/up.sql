-- What every other schema stands on: the clock that tests can turn, the grants of the runtime role, and the keyed commands.
CREATE SCHEMA app;
REVOKE ALL ON SCHEMA app FROM PUBLIC;

-- Gives the runtime role what a domain's tables and functions need. The role's name comes from the connection that
-- migrates, because roles belong to the cluster and one cluster may hold several installations.
CREATE FUNCTION app.grant_runtime(schema_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    runtime_role text := nullif(current_setting('fairtrade.runtime_role', true), '');
BEGIN
    IF runtime_role IS NULL THEN
        RAISE EXCEPTION 'the setting fairtrade.runtime_role is not set: migrate with the fairtrade command';
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', schema_name, runtime_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I', schema_name, runtime_role);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO %I', schema_name, runtime_role);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO %I', schema_name, runtime_role);
END
$$;

-- One row. The runtime role may only read it, so that nobody who took over the application turns the clock of the money.
CREATE TABLE app.clock_offset (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT clock_offset_has_one_row CHECK (only_row),
    shift interval NOT NULL DEFAULT interval '0'
);
INSERT INTO app.clock_offset DEFAULT VALUES;

-- STABLE lets an index serve `due_at <= app.clock()`; each statement still reads the time and the row anew.
-- plpgsql keeps its plan for the session, a function in SQL with a sub-select would be planned at every call.
CREATE FUNCTION app.clock() RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN clock_timestamp() + (SELECT shift FROM app.clock_offset);
END
$$;

-- A command that came with an Idempotency-Key: claimed while it runs in several steps, done once its answer is stored.
CREATE TABLE app.idempotency_keys (
    scope bytea NOT NULL CONSTRAINT idempotency_keys_scope_is_a_hash CHECK (octet_length(scope) = 32),
    key text NOT NULL CONSTRAINT idempotency_keys_key_length CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL CONSTRAINT idempotency_keys_fingerprint_is_a_hash CHECK (octet_length(fingerprint) = 32),
    state text NOT NULL CONSTRAINT idempotency_keys_state CHECK (state IN ('CLAIMED', 'DONE')),
    -- What a command of several steps makes is made under this id, whoever finishes it.
    reference uuid NOT NULL,
    -- Changes with every claim, so that a claimant that overslept its lease cannot complete another's work.
    fence uuid,
    -- Real time, whatever a test did to the clock: it bounds how long a process may be silent.
    lease_until timestamptz,
    -- Sealed by the caller; nothing in it can be read here.
    answer bytea,
    created_at timestamptz NOT NULL DEFAULT app.clock(),
    -- Without a value it is kept for good, as the keys of money are.
    expires_at timestamptz,
    PRIMARY KEY (scope, key),
    CONSTRAINT idempotency_keys_claim_has_a_lease
        CHECK ((state = 'CLAIMED') = (fence IS NOT NULL AND lease_until IS NOT NULL)),
    CONSTRAINT idempotency_keys_done_has_an_answer CHECK ((state = 'DONE') = (answer IS NOT NULL))
);
CREATE INDEX idempotency_keys_expires_at ON app.idempotency_keys (expires_at) WHERE expires_at IS NOT NULL;

-- Tries the key's lock, which lasts as long as the transaction, and reads its row. One call instead of two round trips; VOLATILE,
-- so that the SELECT sees what another committed just before it let go of the lock.
CREATE FUNCTION app.open_keyed_command(lock_number bigint, wanted_scope bytea, wanted_key text)
    RETURNS TABLE (locked boolean, fingerprint bytea, answer bytea, reference uuid, leased boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_key app.idempotency_keys%ROWTYPE;
BEGIN
    locked := pg_try_advisory_xact_lock(lock_number);
    leased := false;
    IF locked THEN
        SELECT * INTO found_key FROM app.idempotency_keys k WHERE k.scope = wanted_scope AND k.key = wanted_key;
        IF found_key.expires_at <= app.clock() AND coalesce(found_key.lease_until <= clock_timestamp(), true) THEN
            -- Its time is over, whether or not somebody has swept it up already.
            DELETE FROM app.idempotency_keys k WHERE k.scope = wanted_scope AND k.key = wanted_key;
        ELSE
            fingerprint := found_key.fingerprint;
            answer := found_key.answer;
            reference := found_key.reference;
            leased := coalesce(found_key.lease_until > clock_timestamp(), false);
        END IF;
    END IF;
    RETURN NEXT;
END
$$;

SELECT app.grant_runtime('app');
DO $$
BEGIN
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON app.clock_offset FROM %I', current_setting('fairtrade.runtime_role'));
    EXECUTE format('REVOKE ALL ON FUNCTION app.grant_runtime(text) FROM PUBLIC, %I', current_setting('fairtrade.runtime_role'));
END
$$;
