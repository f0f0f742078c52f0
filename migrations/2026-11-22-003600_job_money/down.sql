DROP INDEX marketplace.jobs_open_words;
CREATE INDEX jobs_open_words ON marketplace.jobs USING gin (words) WITH (fastupdate = off) WHERE status = 'OPEN';

DROP FUNCTION marketplace.money_tags(bigint, bigint, text);
DROP FUNCTION marketplace.amount_step(bigint);
