DROP TABLE marketplace.performance;
DROP TABLE marketplace.performance_facts;
DROP TABLE marketplace.market_figures;
DROP TABLE marketplace.market_months;
DROP TABLE marketplace.market_facts;
DROP FUNCTION marketplace.region_key;
DELETE FROM outbox.tasks WHERE kind IN ('marketplace.publish_market', 'marketplace.fill_figures', 'marketplace.release_performance');
