DROP TABLE marketplace.dismissals;
DROP INDEX marketplace.jobs_open_by_trade_and_square;
DROP FUNCTION marketplace.square;
DROP TABLE marketplace.trending;
DELETE FROM outbox.tasks WHERE kind = 'marketplace.refresh_trending';
