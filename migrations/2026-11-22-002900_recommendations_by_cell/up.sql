-- Recommendations number the squares of a map as searches do: by marketplace.cell, which stands in every job's row.

CREATE INDEX jobs_open_by_trade_and_cell ON marketplace.jobs (category, cell, published_at DESC, id DESC)
    WHERE status = 'OPEN' AND cell IS NOT NULL;
DROP INDEX marketplace.jobs_open_by_trade_and_square;
DROP FUNCTION marketplace.square;
