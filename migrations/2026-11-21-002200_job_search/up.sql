-- Finding jobs: by words, by what was ticked, and by place.

-- Without accents and in lower case, whatever the database's own collation knows. What is ASCII needs neither: Postgres lowers it by itself.
CREATE FUNCTION marketplace.folded(words text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
BEGIN
    IF octet_length(words) = length(words) THEN
        RETURN words;
    END IF;
    RETURN lower(regexp_replace(normalize(words, NFKD), '[\u0300-\u036f]', '', 'g') COLLATE "und-x-icu");
END
$$;

-- A square of a tenth of a degree, numbered from the south pole's row eastwards. Rust counts them in the same way.
CREATE FUNCTION marketplace.cell(latitude double precision, longitude double precision) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT floor((latitude + 90) * 10)::integer * 3600 + least(floor((longitude + 180) * 10)::integer, 3599)
$$;

-- Thirty days are a month here, counted from 1970.
CREATE FUNCTION marketplace.month(at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT floor(extract(epoch FROM at - timestamptz '1970-01-01 00:00:00Z') / 2592000)::integer
$$;

-- What of a job is ticked rather than written, as words that nobody writes. A word with a digit in it is neither stemmed nor split.
CREATE FUNCTION marketplace.job_tags(
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

-- All that a job is found by, in one vector: the title weighs most, then the skills, the description, the town; and the tags.
CREATE FUNCTION marketplace.job_words(title text, skills text[], description text, city text, region text, tags text[]) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN setweight(to_tsvector('english', marketplace.folded(title)), 'A')
        || setweight(to_tsvector('english', marketplace.folded(translate(array_to_string(skills, ' '), '-_', '  '))), 'B')
        || setweight(to_tsvector('english', marketplace.folded(description)), 'C')
        || setweight(to_tsvector('english', marketplace.folded(city || coalesce(' ' || region, ''))), 'D')
        || array_to_tsvector(tags);
END
$$;

ALTER TABLE marketplace.jobs
    ADD COLUMN cell integer GENERATED ALWAYS AS (marketplace.cell(public_latitude, public_longitude)) STORED,
    ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (
        marketplace.job_words(title, skills, description, city, region,
            marketplace.job_tags(category, skills, urgency, published_at, public_latitude, public_longitude))) STORED;

-- A list of pending entries would be read through at every search.
CREATE INDEX jobs_open_words ON marketplace.jobs USING gin (words) WITH (fastupdate = off) WHERE status = 'OPEN';
CREATE INDEX jobs_open_by_cell ON marketplace.jobs (cell, published_at DESC, id DESC) WHERE status = 'OPEN' AND cell IS NOT NULL;
CREATE INDEX jobs_open_places ON marketplace.jobs USING gist (point(public_longitude, public_latitude))
    WHERE status = 'OPEN' AND public_latitude IS NOT NULL;
CREATE INDEX jobs_open_by_budget ON marketplace.jobs ((coalesce(budget_max, budget_min, -1)) DESC, id DESC) WHERE status = 'OPEN';
CREATE INDEX jobs_open_by_deadline ON marketplace.jobs (bidding_deadline, id) WHERE status = 'OPEN';

-- The words and tags of the newest open jobs, each with the share of the jobs that have it: by it searches choose how to look, and correct what
-- was mistyped. Made anew every day. A word of text is in it only when several jobs have it.
CREATE TABLE marketplace.words (
    word   text PRIMARY KEY,
    share  double precision NOT NULL,
    CONSTRAINT word_share CHECK (share > 0 AND share <= 1)
);

SELECT app.grant_runtime('marketplace');

INSERT INTO outbox.tasks (id, kind, key, payload, due_at, max_attempts, trace_id, created_at)
SELECT outbox.new_id(), 'marketplace.count_words', 'all', '{}', app.clock(), 20, 'migration 002200', app.clock()
WHERE EXISTS (SELECT FROM marketplace.jobs);
