-- Thirty days are a month here, counted from 1970.
CREATE FUNCTION marketplace.month(at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT floor(extract(epoch FROM at - timestamptz '1970-01-01 00:00:00Z') / 2592000)::integer
$$;

-- What of a job is ticked rather than written, as words that nobody writes. A word with a digit in it is neither stemmed nor split.
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
        tags := tags || ('month1' || marketplace.month(published_at));
    END IF;
    IF latitude IS NOT NULL THEN
        tags := tags || ('cell1' || marketplace.cell(latitude, longitude));
    END IF;
    RETURN tags;
END
$$;

ALTER TABLE marketplace.jobs DROP COLUMN words;
ALTER TABLE marketplace.jobs
    ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (
        marketplace.job_words(title, skills, description, city, region,
            marketplace.job_tags(category, skills, urgency, published_at, public_latitude, public_longitude))) STORED;
CREATE INDEX jobs_open_words ON marketplace.jobs USING gin (words) WITH (fastupdate = off) WHERE status = 'OPEN';

DROP FUNCTION marketplace.block(double precision, double precision);
DROP FUNCTION marketplace.three_hours(timestamptz);
DROP FUNCTION marketplace.day(timestamptz);

SELECT app.grant_runtime('marketplace');

INSERT INTO outbox.tasks (id, kind, key, payload, due_at, max_attempts, trace_id, created_at)
SELECT outbox.new_id(), 'marketplace.count_words', 'all', '{}', app.clock(), 20, 'migration 003200', app.clock()
WHERE EXISTS (SELECT FROM marketplace.jobs)
ON CONFLICT DO NOTHING;
