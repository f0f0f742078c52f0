ALTER TABLE marketplace.trending DROP COLUMN cell;
