-- Figures: of the market by trade, place and month, and of each contractor. Facts are kept as they arrive, what is published is made of them by tasks.

-- One spelling of a region: without accents, in capitals, single spaces. Nothing is no region.
CREATE FUNCTION marketplace.region_key(region text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT nullif(upper(btrim(regexp_replace(marketplace.plain(region), '\s+', ' ', 'g'))), '')
$$;

-- What a published job adds to the market's figures, and from its award on at which price it went. Nothing in it comes from bids of open jobs.
CREATE TABLE marketplace.market_facts (
    job_id         uuid PRIMARY KEY REFERENCES marketplace.jobs ON DELETE CASCADE,
    trade          text NOT NULL,
    country        text NOT NULL,
    region         text,
    currency       text NOT NULL,
    -- The public point, to a quarter of a degree: where contractors have to come to.
    latitude       double precision,
    longitude      double precision,
    homeowner_id   uuid NOT NULL,
    -- The first day of the month (UTC) in which it was published.
    posted_month   date NOT NULL,
    contractor_id  uuid,
    amount         bigint,
    -- The first day of the month (UTC) in which somebody was chosen.
    awarded_month  date,
    CONSTRAINT market_fact_months CHECK (extract(day FROM posted_month) = 1 AND extract(day FROM awarded_month) = 1),
    CONSTRAINT market_fact_award CHECK ((contractor_id IS NULL) = (amount IS NULL) AND (amount IS NULL) = (awarded_month IS NULL)),
    CONSTRAINT market_fact_place CHECK ((latitude IS NULL) = (longitude IS NULL))
);
CREATE INDEX market_facts_posted ON marketplace.market_facts (posted_month, country, trade, currency);
CREATE INDEX market_facts_awarded ON marketplace.market_facts (awarded_month, country, trade, currency) WHERE awarded_month IS NOT NULL;

-- The months whose figures are out. They are made once and never again, so that no two of them differ by a single job.
CREATE TABLE marketplace.market_months (
    month         date PRIMARY KEY,
    published_at  timestamptz NOT NULL,
    CONSTRAINT market_month_first CHECK (extract(day FROM month) = 1)
);

-- What is published, and nothing else: what is withheld has no row.
CREATE TABLE marketplace.market_figures (
    id             uuid PRIMARY KEY,
    month          date NOT NULL REFERENCES marketplace.market_months,
    country        text NOT NULL,
    -- None: all regions of the country together that have no such figure of their own in this month.
    region         text,
    trade          text NOT NULL,
    currency       text NOT NULL,
    -- Demand: jobs published, and by how many homeowners.
    jobs           integer,
    homeowners     integer,
    -- Supply: contractors of the trade who come there; counted for the newest month, when it is published.
    contractors    integer,
    -- Prices: of how many awarded jobs, of how many people at least on either side, and how they spread, in minor units.
    priced_jobs    integer,
    priced_people  integer,
    p10            bigint,
    p25            bigint,
    median         bigint,
    p75            bigint,
    p90            bigint,
    CONSTRAINT market_figure_demand CHECK ((jobs IS NULL) = (homeowners IS NULL) AND (contractors IS NULL OR jobs IS NOT NULL)),
    CONSTRAINT market_figure_prices CHECK (num_nulls(priced_jobs, priced_people, p10, p25, median, p75, p90) IN (0, 7)),
    CONSTRAINT market_figure_tells CHECK (jobs IS NOT NULL OR priced_jobs IS NOT NULL)
);
CREATE UNIQUE INDEX one_market_figure ON marketplace.market_figures (trade, country, currency, month, coalesce(region, ''));
CREATE INDEX market_figures_newest ON marketplace.market_figures (month DESC, id DESC);
CREATE INDEX market_figures_of_trade ON marketplace.market_figures (trade, month DESC, id DESC);
CREATE INDEX market_figures_of_place ON marketplace.market_figures (country, region, month DESC, id DESC);

-- How a contractor did in one thing: a contract, a milestone, an award or a job that it bid on and that somebody was chosen for.
CREATE TABLE marketplace.performance_facts (
    contractor_id  uuid NOT NULL,
    measure        text NOT NULL,
    thing_id       uuid NOT NULL,
    job_id         uuid NOT NULL,
    homeowner_id   uuid NOT NULL,
    -- Whether it went well; of RESPONSE how long it took.
    good           boolean,
    seconds        bigint,
    -- Whether it is part of what everybody sees.
    released       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (contractor_id, measure, thing_id),
    CONSTRAINT performance_measure CHECK (measure IN ('COMPLETION', 'PUNCTUALITY', 'RESPONSE', 'WINS')),
    CONSTRAINT performance_fact_says CHECK ((measure = 'RESPONSE') = (good IS NULL) AND (good IS NULL) = (seconds IS NOT NULL))
);

-- What the facts come to: all of them, for the contractor itself, and those that everybody sees.
CREATE TABLE marketplace.performance (
    contractor_id   uuid NOT NULL,
    measure         text NOT NULL,
    things          integer NOT NULL DEFAULT 0,
    good            integer NOT NULL DEFAULT 0,
    median_seconds  bigint,
    public_things          integer NOT NULL DEFAULT 0,
    public_good            integer NOT NULL DEFAULT 0,
    public_median_seconds  bigint,
    PRIMARY KEY (contractor_id, measure),
    CONSTRAINT performance_row_measure CHECK (measure IN ('COMPLETION', 'PUNCTUALITY', 'RESPONSE', 'WINS')),
    CONSTRAINT performance_counts CHECK (good <= things AND public_good <= public_things AND public_things <= things)
);

SELECT app.grant_runtime('marketplace');

-- What was there before. From now on the same is written as events tell of it.
INSERT INTO marketplace.market_facts (job_id, trade, country, region, currency, latitude, longitude, homeowner_id, posted_month,
    contractor_id, amount, awarded_month)
SELECT j.id, j.category, j.country, marketplace.region_key(j.region), j.currency, round(j.public_latitude * 4) / 4, round(j.public_longitude * 4) / 4,
    j.homeowner_id, date_trunc('month', j.published_at AT TIME ZONE 'UTC')::date,
    b.contractor_id, b.amount, date_trunc('month', b.updated_at AT TIME ZONE 'UTC')::date
FROM marketplace.jobs j LEFT JOIN marketplace.bids b ON b.job_id = j.id AND b.status = 'ACCEPTED'
WHERE j.status <> 'DRAFT';

INSERT INTO marketplace.performance_facts (contractor_id, measure, thing_id, job_id, homeowner_id, good)
SELECT b.contractor_id, 'WINS', j.id, j.id, j.homeowner_id, bool_or(b.status = 'ACCEPTED')
FROM marketplace.bids b JOIN marketplace.jobs j ON j.id = b.job_id
WHERE b.status IN ('ACCEPTED', 'REJECTED') AND EXISTS (SELECT FROM marketplace.bids won WHERE won.job_id = j.id AND won.status = 'ACCEPTED')
GROUP BY b.contractor_id, j.id, j.homeowner_id;

INSERT INTO marketplace.performance_facts (contractor_id, measure, thing_id, job_id, homeowner_id, good)
SELECT c.contractor_id, 'COMPLETION', c.id, c.job_id, c.homeowner_id, c.status = 'COMPLETED'
FROM contracts.contracts c
WHERE c.status = 'COMPLETED' OR c.status = 'TERMINATED' AND c.termination_reason = 'unsigned' AND NOT EXISTS (
    SELECT FROM contracts.signatures s WHERE s.contract_id = c.id AND s.party_id = c.contractor_id AND s.voided_at IS NULL);

INSERT INTO marketplace.performance_facts (contractor_id, measure, thing_id, job_id, homeowner_id, good)
SELECT c.contractor_id, 'PUNCTUALITY', m.id, c.job_id, c.homeowner_id,
    s.submitted_at < (m.due_date + 1)::timestamp AT TIME ZONE 'UTC' + interval '12 hours'
FROM contracts.submissions s JOIN contracts.milestones m ON m.id = s.milestone_id JOIN contracts.contracts c ON c.id = m.contract_id
WHERE s.number = 1;

INSERT INTO marketplace.performance_facts (contractor_id, measure, thing_id, job_id, homeowner_id, seconds)
SELECT c.contractor_id, 'RESPONSE', c.id, c.job_id, c.homeowner_id, greatest(0, extract(epoch FROM min(s.signed_at) - c.created_at)::bigint)
FROM contracts.contracts c JOIN contracts.signatures s ON s.contract_id = c.id AND s.party_id = c.contractor_id
GROUP BY c.id;

INSERT INTO outbox.tasks (id, kind, key, payload, due_at, max_attempts, trace_id, created_at)
SELECT outbox.new_id(), task.kind, 'start', task.payload::jsonb, app.clock(), 20, 'migration 002700', app.clock()
FROM (VALUES ('marketplace.publish_market', '{"month": null}'), ('marketplace.release_performance', '{"after": null}')) AS task (kind, payload)
WHERE EXISTS (SELECT FROM marketplace.market_facts);
