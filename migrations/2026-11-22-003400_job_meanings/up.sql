-- The skills of the taxonomy that a job is of: those that it asks for, and those of its trade that its words speak of. To look the words up in every search
-- takes three times as long as to have looked once. Rust decides them, and whoever writes a job writes them.
ALTER TABLE marketplace.jobs ADD COLUMN meanings text[] NOT NULL DEFAULT '{}';

CREATE FUNCTION marketplace.meaning_tags(meanings text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    tags text[] := '{}';
    meaning text;
BEGIN
    FOREACH meaning IN ARRAY meanings LOOP
        tags := tags || ('means1' || replace(meaning, '-', ''));
    END LOOP;
    RETURN tags;
END
$$;

ALTER TABLE marketplace.jobs DROP COLUMN words;
ALTER TABLE marketplace.jobs
    ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (
        marketplace.job_words(title, skills, description, city, region,
            marketplace.job_tags(category, skills, urgency, published_at, public_latitude, public_longitude)
                || marketplace.meaning_tags(meanings))) STORED;
CREATE INDEX jobs_open_words ON marketplace.jobs USING gin (words) WITH (fastupdate = off) WHERE status = 'OPEN';

-- The taxonomy by which the meanings of all jobs are decided; no row until they are. While it is not the one that is asked with, searches look the words up.
CREATE TABLE marketplace.meanings (
    only_row     boolean PRIMARY KEY DEFAULT true,
    fingerprint  text NOT NULL,
    CONSTRAINT meanings_one_row CHECK (only_row)
);

SELECT app.grant_runtime('marketplace');

INSERT INTO outbox.tasks (id, kind, key, payload, due_at, max_attempts, trace_id, created_at)
SELECT outbox.new_id(), 'marketplace.decide_meanings', 'start', '{"after": null}', app.clock(), 20, 'migration 003400', app.clock()
WHERE EXISTS (SELECT FROM marketplace.jobs)
ON CONFLICT DO NOTHING;
