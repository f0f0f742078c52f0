CREATE FUNCTION marketplace.square(latitude double precision, longitude double precision) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT floor((latitude + 90) * 10)::integer * 3600 + least(floor((longitude + 180) * 10)::integer, 3599)
$$;
CREATE INDEX jobs_open_by_trade_and_square
    ON marketplace.jobs (category, marketplace.square(public_latitude, public_longitude), published_at DESC, id DESC)
    WHERE status = 'OPEN' AND public_latitude IS NOT NULL;
DROP INDEX marketplace.jobs_open_by_trade_and_cell;
SELECT app.grant_runtime('marketplace');
