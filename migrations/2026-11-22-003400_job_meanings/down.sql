DROP TABLE marketplace.meanings;

ALTER TABLE marketplace.jobs DROP COLUMN words;
ALTER TABLE marketplace.jobs
    ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (
        marketplace.job_words(title, skills, description, city, region,
            marketplace.job_tags(category, skills, urgency, published_at, public_latitude, public_longitude))) STORED;
CREATE INDEX jobs_open_words ON marketplace.jobs USING gin (words) WITH (fastupdate = off) WHERE status = 'OPEN';

DROP FUNCTION marketplace.meaning_tags(text[]);
ALTER TABLE marketplace.jobs DROP COLUMN meanings;
