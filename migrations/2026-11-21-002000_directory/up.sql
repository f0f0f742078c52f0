-- The directory of contractors: a row for each, made of what identity knows and of what reviews come to. It is read by everybody, and
-- can be made anew at any time.

-- Words without their accents. Postgres stems what remains.
CREATE FUNCTION marketplace.plain(words text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT regexp_replace(normalize(words, NFKD), '[\u0300-\u036f]', '', 'g')
$$;

-- Along the surface of a sphere of the earth's mean radius, in whole metres, so that it can be a key that lists go on from.
CREATE FUNCTION marketplace.metres_between(
    a_lat double precision, a_lng double precision, b_lat double precision, b_lng double precision
) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT round(2 * 6371008.8 * asin(least(1, sqrt(
        power(sin(radians(b_lat - a_lat) / 2), 2)
        + cos(radians(a_lat)) * cos(radians(b_lat)) * power(sin(radians(b_lng - a_lng) / 2), 2)))))::integer
$$;

CREATE TABLE marketplace.directory (
    party_id           uuid PRIMARY KEY,
    -- Whether anybody finds it: not while the account is suspended.
    listed             boolean NOT NULL,
    display_name       text NOT NULL,
    headline           text,
    trades             text[] NOT NULL,
    skills             text[] NOT NULL,
    -- Of the grid of about 1 km; the exact point is not here.
    public_latitude    double precision,
    public_longitude   double precision,
    service_radius_km  integer,
    member_since       timestamptz NOT NULL,
    -- Published reviews, their mean and their Bayesian mean, both in hundredths of a star.
    reviews            integer NOT NULL,
    rating_mean        integer,
    rating_rank        integer NOT NULL,
    -- What an administrator approved last. Whether it still holds is asked of the clock, when somebody looks.
    checked_at         timestamptz,
    valid_until        timestamptz,
    checked            jsonb NOT NULL,
    -- What words are looked for in: first the name, the line below it, trades and skills; then the longer text too.
    named              text NOT NULL,
    told               text NOT NULL,
    strong             tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english', marketplace.plain(named))) STORED,
    words              tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english', marketplace.plain(named || ' ' || told))) STORED,
    CONSTRAINT directory_place CHECK ((public_latitude IS NULL) = (public_longitude IS NULL)),
    CONSTRAINT directory_reviews CHECK (reviews >= 0 AND (reviews = 0) = (rating_mean IS NULL)),
    CONSTRAINT directory_papers CHECK ((checked_at IS NULL) = (valid_until IS NULL) AND jsonb_typeof(checked) = 'array')
);

-- What is rare is looked up: by words, trade and skills, or by place.
CREATE INDEX directory_words ON marketplace.directory USING gin (trades, skills, words) WITH (fastupdate = off) WHERE listed;
CREATE INDEX directory_places ON marketplace.directory USING gist (point(public_longitude, public_latitude))
    WHERE listed AND public_latitude IS NOT NULL;
-- What is common is found by walking in the order that is asked for: all, those with reviews, those who were ever approved.
CREATE INDEX directory_best ON marketplace.directory (rating_rank DESC, party_id DESC) WHERE listed;
CREATE INDEX directory_best_rated ON marketplace.directory (rating_rank DESC, party_id DESC) WHERE listed AND reviews > 0;
CREATE INDEX directory_best_checked ON marketplace.directory (rating_rank DESC, party_id DESC) WHERE listed AND valid_until IS NOT NULL;
CREATE INDEX directory_newest ON marketplace.directory (member_since DESC, party_id DESC) WHERE listed;
CREATE INDEX directory_newest_rated ON marketplace.directory (member_since DESC, party_id DESC) WHERE listed AND reviews > 0;
CREATE INDEX directory_newest_checked ON marketplace.directory (member_since DESC, party_id DESC) WHERE listed AND valid_until IS NOT NULL;

SELECT app.grant_runtime('marketplace');

-- Contractors who were there before this table: their rows are made by the workers, piece by piece.
INSERT INTO outbox.tasks (id, kind, key, payload, due_at, max_attempts, trace_id, created_at)
SELECT outbox.new_id(), 'marketplace.fill_directory', 'start', '{"after": null}', app.clock(), 20, 'migration 002000', app.clock()
WHERE EXISTS (SELECT FROM identity.contractor_profiles);
