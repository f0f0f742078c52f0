-- Jobs, blind bids, double-blind reviews.
CREATE SCHEMA marketplace;

CREATE TABLE marketplace.jobs (
    id                uuid PRIMARY KEY,
    homeowner_id      uuid NOT NULL,
    -- Who was chosen, from the award on.
    contractor_id     uuid,
    status            text NOT NULL,
    title             text NOT NULL,
    description       text NOT NULL,
    category          text NOT NULL,
    skills            text[] NOT NULL,
    city              text NOT NULL,
    region            text,
    country           text NOT NULL,
    -- Snapped to a grid of about 1 km once, when the address is set; the exact point is in job_addresses.
    public_latitude   double precision,
    public_longitude  double precision,
    budget_min        bigint,
    budget_max        bigint,
    currency          text NOT NULL,
    urgency           text NOT NULL,
    wanted_start      date,
    bidding_deadline  timestamptz,
    -- Set with the deadline, so that the setting behind it can change without moving running jobs.
    accept_until      timestamptz,
    reveal            text NOT NULL,
    published_at      timestamptz,
    -- Counts the owner's edits and the changes of state. No bid ever touches this row.
    version           integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT job_status CHECK (status IN ('DRAFT', 'OPEN', 'AWARDED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED', 'EXPIRED')),
    CONSTRAINT job_reveal CHECK (reveal IN ('on_arrival', 'at_close')),
    CONSTRAINT job_urgency CHECK (urgency IN ('flexible', 'normal', 'urgent', 'emergency')),
    CONSTRAINT job_currency CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT job_country CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT job_budget CHECK (budget_min >= 0 AND budget_max >= 0 AND budget_min <= budget_max),
    CONSTRAINT job_public_point CHECK ((public_latitude IS NULL) = (public_longitude IS NULL)),
    CONSTRAINT job_published CHECK (status = 'DRAFT' OR (published_at IS NOT NULL AND bidding_deadline IS NOT NULL AND accept_until >= bidding_deadline)),
    CONSTRAINT job_chosen CHECK (contractor_id IS NOT NULL OR status NOT IN ('AWARDED', 'IN_PROGRESS', 'COMPLETED'))
);
-- The public list, newest first, whole and by trade.
CREATE INDEX jobs_open ON marketplace.jobs (published_at DESC, id DESC) WHERE status = 'OPEN';
CREATE INDEX jobs_open_by_category ON marketplace.jobs (category, published_at DESC, id DESC) WHERE status = 'OPEN';
-- One's own jobs.
CREATE INDEX jobs_of_homeowner ON marketplace.jobs (homeowner_id, created_at DESC, id DESC);
CREATE INDEX jobs_of_contractor ON marketplace.jobs (contractor_id, created_at DESC, id DESC) WHERE contractor_id IS NOT NULL;

-- Apart from the jobs, so that what strangers read cannot reach it.
CREATE TABLE marketplace.job_addresses (
    job_id       uuid PRIMARY KEY REFERENCES marketplace.jobs ON DELETE CASCADE,
    street       text NOT NULL,
    unit         text,
    city         text NOT NULL,
    region       text,
    postal_code  text,
    country      text NOT NULL,
    latitude     double precision,
    longitude    double precision,
    CONSTRAINT job_address_point CHECK ((latitude IS NULL) = (longitude IS NULL))
);

CREATE TABLE marketplace.bids (
    id             uuid PRIMARY KEY,
    job_id         uuid NOT NULL REFERENCES marketplace.jobs,
    contractor_id  uuid NOT NULL,
    status         text NOT NULL,
    -- The revision that stands.
    revision       integer NOT NULL DEFAULT 1,
    -- Its amount and time, here too because bids are ranked by them.
    amount         bigint NOT NULL,
    currency       text NOT NULL,
    submitted_at   timestamptz NOT NULL,
    reason         text,
    version        integer NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT bid_status CHECK (status IN ('SUBMITTED', 'ACCEPTED', 'REJECTED', 'WITHDRAWN', 'EXPIRED')),
    CONSTRAINT bid_amount CHECK (amount > 0),
    CONSTRAINT bid_revision CHECK (revision >= 1)
);
CREATE UNIQUE INDEX one_live_bid ON marketplace.bids (job_id, contractor_id) WHERE status IN ('SUBMITTED', 'ACCEPTED');
CREATE UNIQUE INDEX one_accepted_bid ON marketplace.bids (job_id) WHERE status = 'ACCEPTED';
CREATE INDEX bids_of_job ON marketplace.bids (job_id, created_at, id);
CREATE INDEX bids_of_contractor ON marketplace.bids (contractor_id, created_at DESC, id DESC);

-- What each revision said, for ever; a bid is revised by a new row.
CREATE TABLE marketplace.bid_revisions (
    bid_id         uuid NOT NULL REFERENCES marketplace.bids ON DELETE CASCADE,
    revision       integer NOT NULL,
    amount         bigint NOT NULL,
    lines          jsonb NOT NULL,
    milestones     jsonb NOT NULL,
    terms          text,
    start_date     date,
    duration_days  integer,
    submitted_at   timestamptz NOT NULL,
    -- The receipt is the SHA-256 of the canonical text followed by the salt.
    canonical      text NOT NULL,
    salt           text NOT NULL,
    receipt        text NOT NULL,
    PRIMARY KEY (bid_id, revision),
    CONSTRAINT bid_revision_salt CHECK (salt ~ '^[0-9a-f]{64}$'),
    CONSTRAINT bid_revision_receipt CHECK (receipt ~ '^[0-9a-f]{64}$')
);

-- A finished contract, which both sides may review for a while. Written by contracts, in the transaction of the end.
CREATE TABLE marketplace.review_windows (
    contract_id    uuid PRIMARY KEY,
    job_id         uuid NOT NULL REFERENCES marketplace.jobs,
    homeowner_id   uuid NOT NULL,
    contractor_id  uuid NOT NULL,
    ended_at       timestamptz NOT NULL
);
CREATE INDEX review_windows_of_job ON marketplace.review_windows (job_id);

CREATE TABLE marketplace.reviews (
    id             uuid PRIMARY KEY,
    contract_id    uuid NOT NULL REFERENCES marketplace.review_windows,
    job_id         uuid NOT NULL REFERENCES marketplace.jobs,
    author_id      uuid NOT NULL,
    author_role    text NOT NULL,
    subject_id     uuid NOT NULL,
    rating         smallint NOT NULL,
    quality        smallint NOT NULL,
    timeliness     smallint NOT NULL,
    communication  smallint NOT NULL,
    body           text,
    status         text NOT NULL,
    created_at     timestamptz NOT NULL,
    published_at   timestamptz,
    CONSTRAINT one_review_each UNIQUE (contract_id, author_id),
    CONSTRAINT review_author_role CHECK (author_role IN ('HOMEOWNER', 'CONTRACTOR')),
    CONSTRAINT review_status CHECK (status IN ('HIDDEN', 'PUBLISHED')),
    CONSTRAINT review_published CHECK ((status = 'PUBLISHED') = (published_at IS NOT NULL)),
    CONSTRAINT review_of_the_other CHECK (author_id <> subject_id),
    CONSTRAINT review_stars CHECK (
        rating BETWEEN 1 AND 5 AND quality BETWEEN 1 AND 5 AND timeliness BETWEEN 1 AND 5 AND communication BETWEEN 1 AND 5
    )
);
CREATE INDEX reviews_of_job ON marketplace.reviews (job_id);
CREATE INDEX reviews_of_subject ON marketplace.reviews (subject_id, published_at DESC, id DESC) WHERE status = 'PUBLISHED';

-- Sums over each party's published reviews, kept in the transaction that publishes them.
CREATE TABLE marketplace.ratings (
    subject_id         uuid PRIMARY KEY,
    reviews            integer NOT NULL,
    rating_sum         bigint NOT NULL,
    quality_sum        bigint NOT NULL,
    timeliness_sum     bigint NOT NULL,
    communication_sum  bigint NOT NULL,
    CONSTRAINT rating_count CHECK (reviews >= 0)
);

SELECT app.grant_runtime('marketplace');
