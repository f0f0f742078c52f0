-- What `fairtrade seed` has put into this database. It adds only to what it has made itself: a database with people or jobs that are not
-- counted here is somebody's.
CREATE SCHEMA seed;

CREATE TABLE seed.seedings (
    number bigint PRIMARY KEY CONSTRAINT seedings_number CHECK (number >= 0),
    people bigint NOT NULL CONSTRAINT seedings_people CHECK (people >= 0),
    jobs bigint NOT NULL CONSTRAINT seedings_jobs CHECK (jobs >= 0),
    bids bigint NOT NULL CONSTRAINT seedings_bids CHECK (bids >= 0),
    seeded_at timestamptz NOT NULL
);

SELECT app.grant_runtime('seed');
