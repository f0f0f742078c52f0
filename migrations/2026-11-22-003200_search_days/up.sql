-- An open job is seldom older than three months: months divide the jobs into three or four, and the newest five hundred of a word are in one day.

-- Days, counted from 1970.
CREATE FUNCTION marketplace.day(at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT floor(extract(epoch FROM at - timestamptz '1970-01-01 00:00:00Z') / 86400)::integer
$$;

-- So are stretches of three hours.
CREATE FUNCTION marketplace.three_hours(at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT floor(extract(epoch FROM at - timestamptz '1970-01-01 00:00:00Z') / 10800)::integer
$$;

-- A square of half a degree, numbered as the cells are. Rust counts them in the same way.
CREATE FUNCTION marketplace.block(latitude double precision, longitude double precision) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT floor((latitude + 90) * 2)::integer * 720 + least(floor((longitude + 180) * 2)::integer, 719)
$$;

-- Days and hours instead of months, and larger squares besides the small ones, of all trades and of each: an index of words takes the longer the more entries it
-- has to lay side by side.
CREATE OR REPLACE FUNCTION marketplace.job_tags(
    category text, skills text[], urgency text, published_at timestamptz, latitude double precision, longitude double precision
) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    tags text[] := ARRAY['trade1' || replace(category, '-', ''), 'urgency1' || urgency];
    skill text;
BEGIN
    FOREACH skill IN ARRAY skills LOOP
        tags := tags || ('skill1' || regexp_replace(marketplace.folded(lower(skill)), '[^a-z0-9]', '', 'g'));
    END LOOP;
    IF published_at IS NOT NULL THEN
        tags := tags || ('day1' || marketplace.day(published_at)) || ('hours1' || marketplace.three_hours(published_at));
    END IF;
    IF latitude IS NOT NULL THEN
        tags := tags || ('cell1' || marketplace.cell(latitude, longitude))
            || ('block1' || marketplace.block(latitude, longitude))
            || ('block1' || replace(category, '-', '') || marketplace.block(latitude, longitude));
    END IF;
    RETURN tags;
END
$$;

-- What is stored was made with the old tags.
ALTER TABLE marketplace.jobs DROP COLUMN words;
ALTER TABLE marketplace.jobs
    ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (
        marketplace.job_words(title, skills, description, city, region,
            marketplace.job_tags(category, skills, urgency, published_at, public_latitude, public_longitude))) STORED;
CREATE INDEX jobs_open_words ON marketplace.jobs USING gin (words) WITH (fastupdate = off) WHERE status = 'OPEN';

DROP FUNCTION marketplace.month(timestamptz);

SELECT app.grant_runtime('marketplace');

INSERT INTO outbox.tasks (id, kind, key, payload, due_at, max_attempts, trace_id, created_at)
SELECT outbox.new_id(), 'marketplace.count_words', 'all', '{}', app.clock(), 20, 'migration 003200', app.clock()
WHERE EXISTS (SELECT FROM marketplace.jobs)
ON CONFLICT DO NOTHING;
