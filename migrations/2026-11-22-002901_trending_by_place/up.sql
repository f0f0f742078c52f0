-- What trends around a place: the hottest of each square of the map, of all trades or of one.

ALTER TABLE marketplace.trending ADD COLUMN cell integer;
UPDATE marketplace.trending AS t SET cell = j.cell FROM marketplace.jobs AS j WHERE j.id = t.job_id;

CREATE INDEX trending_hottest_of_cell ON marketplace.trending (cell, heat DESC, published_at DESC, job_id DESC) WHERE cell IS NOT NULL;
CREATE INDEX trending_hottest_of_trade_and_cell ON marketplace.trending (category, cell, heat DESC, published_at DESC, job_id DESC)
    WHERE cell IS NOT NULL;
