-- Interest in open jobs: who looked, told apart and not known.

-- Of the day, and forgotten with it. Afterwards nobody can find out whose hash a row holds, not even by trying out everybody there is.
CREATE TABLE marketplace.view_salts (
    day   date PRIMARY KEY,
    salt  bytea NOT NULL,
    CONSTRAINT view_salt_length CHECK (octet_length(salt) = 32)
);

-- One row for each job, day and person. Kept as long as interest counts; what is known of a job for good is its total.
CREATE TABLE marketplace.job_views (
    job_id     uuid NOT NULL REFERENCES marketplace.jobs ON DELETE CASCADE,
    day        date NOT NULL,
    -- Hashes under the day's salt and of this job: of whoever is signed in the account, of everybody else the network.
    viewer     bytea NOT NULL,
    -- Of everybody the network, so that many accounts behind one count like a few.
    network    bytea NOT NULL,
    viewed_at  timestamptz NOT NULL,
    PRIMARY KEY (job_id, day, viewer),
    CONSTRAINT job_view_hashes CHECK (octet_length(viewer) = 16 AND octet_length(network) = 16)
);
-- What is new since the interest was reckoned last, and what is old enough to go.
CREATE INDEX job_views_by_time ON marketplace.job_views (viewed_at);

-- Distinct people a day, summed over the days.
CREATE TABLE marketplace.job_view_totals (
    job_id  uuid PRIMARY KEY REFERENCES marketplace.jobs ON DELETE CASCADE,
    views   bigint NOT NULL,
    CONSTRAINT job_view_total CHECK (views > 0)
);

SELECT app.grant_runtime('marketplace');
