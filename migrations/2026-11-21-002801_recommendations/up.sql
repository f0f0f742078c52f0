-- Which jobs come first: what many look at, what fits a contractor, and what a contractor does not want to see.

-- How much interest there is in a job: the logarithm of all looks, each worth half after each half-life, as at a fixed instant. All cool alike, so
-- the order stays right by itself. Made of looks by a task, and of nothing else.
CREATE TABLE marketplace.trending (
    job_id        uuid PRIMARY KEY REFERENCES marketplace.jobs ON DELETE CASCADE,
    -- The job's, so that one trade is read in order.
    category      text NOT NULL,
    -- The job's too: of equals the newest is first.
    published_at  timestamptz NOT NULL,
    heat          double precision NOT NULL,
    looks         integer NOT NULL,
    looked_at     timestamptz NOT NULL,
    refreshed_at  timestamptz NOT NULL,
    CONSTRAINT trending_looks CHECK (looks > 0)
);
CREATE INDEX trending_hottest ON marketplace.trending (heat DESC, published_at DESC, job_id DESC);
CREATE INDEX trending_hottest_of_trade ON marketplace.trending (category, heat DESC, published_at DESC, job_id DESC);

-- A square of a tenth of a degree, numbered from the south pole's row eastwards.
CREATE FUNCTION marketplace.square(latitude double precision, longitude double precision) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT floor((latitude + 90) * 10)::integer * 3600 + least(floor((longitude + 180) * 10)::integer, 3599)
$$;

-- The newest of a trade in each square: around a place, however dense it is.
CREATE INDEX jobs_open_by_trade_and_square
    ON marketplace.jobs (category, marketplace.square(public_latitude, public_longitude), published_at DESC, id DESC)
    WHERE status = 'OPEN' AND public_latitude IS NOT NULL;

CREATE TABLE marketplace.dismissals (
    contractor_id  uuid NOT NULL,
    job_id         uuid NOT NULL REFERENCES marketplace.jobs ON DELETE CASCADE,
    dismissed_at   timestamptz NOT NULL,
    PRIMARY KEY (contractor_id, job_id)
);
CREATE INDEX dismissals_of_job ON marketplace.dismissals (job_id);

SELECT app.grant_runtime('marketplace');
