-- How often something may still be done, shared by all servers of one database.

-- Unlogged: after a crash everybody begins anew, and no request waits for the disk.
CREATE UNLOGGED TABLE app.quotas (
    -- A keyed hash of the limit's name and of who is counted.
    key bytea PRIMARY KEY CONSTRAINT quotas_key_is_a_hash CHECK (octet_length(key) = 32),
    -- When all of it is there again, in microseconds since 1970 of real time, whatever a test did to the clock.
    full_at bigint NOT NULL,
    granted integer NOT NULL
);
CREATE INDEX quotas_full_at ON app.quotas (full_at);

-- Takes at most so many uses of each quota: the generic cell rate algorithm, in which a quota of 100 a minute gives one back each 0.6
-- seconds. In the order of the keys, so that two calls that want the same ones wait for each other and never deadlock.
CREATE FUNCTION app.draw_quotas(keys bytea[], wanted integer[], quotas integer[], periods bigint[])
    RETURNS TABLE (key bytea, granted integer, full_in bigint)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    moment bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
BEGIN
    RETURN QUERY
    INSERT INTO app.quotas AS held (key, full_at, granted)
    SELECT draw.key, moment + least(draw.wanted, draw.quota) * (draw.period / draw.quota), least(draw.wanted, draw.quota)
    FROM unnest(keys, wanted, quotas, periods) AS draw (key, wanted, quota, period)
    ORDER BY draw.key
    ON CONFLICT (key) DO UPDATE SET (full_at, granted) = (
        SELECT base.at + taken.uses * base.one, taken.uses
        FROM unnest(keys, wanted, quotas, periods) AS draw (key, wanted, quota, period)
        CROSS JOIN LATERAL (SELECT greatest(held.full_at, moment) AS at, draw.period / draw.quota AS one) AS base
        CROSS JOIN LATERAL (
            SELECT greatest(0, least(draw.wanted, (moment + draw.quota * base.one - base.at) / base.one))::integer AS uses
        ) AS taken
        WHERE draw.key = held.key)
    RETURNING held.key, held.granted, held.full_at - moment;
END
$$;

DO $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON app.quotas TO %I', current_setting('fairtrade.runtime_role'));
    EXECUTE format('GRANT EXECUTE ON FUNCTION app.draw_quotas(bytea[], integer[], integer[], bigint[]) TO %I',
                   current_setting('fairtrade.runtime_role'));
END
$$;
