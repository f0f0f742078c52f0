-- Finding jobs by a currency or a budget that hardly any has: by looking at each, all open jobs are looked at.

-- How far up an amount is, in steps of 1, 2 and 5, from 1,000 minor units on. Rust counts them in the same way.
CREATE FUNCTION marketplace.amount_step(amount bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT width_bucket(amount, ARRAY[1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000,
        20000000, 50000000, 100000000]::bigint[])
$$;

-- A job's currency, and in it how far up its budget goes and from where on.
CREATE FUNCTION marketplace.money_tags(budget_min bigint, budget_max bigint, currency text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT array_remove(ARRAY['currency1' || currency,
        'upto1' || currency || marketplace.amount_step(coalesce(budget_max, budget_min)),
        'from1' || currency || marketplace.amount_step(coalesce(budget_min, budget_max))], NULL)
$$;

-- In one index with words and tags: it goes from one's next entry to the other's. The column of words stays as it is.
DROP INDEX marketplace.jobs_open_words;
CREATE INDEX jobs_open_words ON marketplace.jobs USING gin (words, marketplace.money_tags(budget_min, budget_max, currency))
    WITH (fastupdate = off) WHERE status = 'OPEN';

SELECT app.grant_runtime('marketplace');

-- Until they were counted, currencies are taken to be common.
INSERT INTO outbox.tasks (id, kind, key, payload, due_at, max_attempts, trace_id, created_at)
SELECT outbox.new_id(), 'marketplace.count_words', 'all', '{}', app.clock(), 20, 'migration 003600', app.clock()
WHERE EXISTS (SELECT FROM marketplace.jobs)
ON CONFLICT DO NOTHING;
