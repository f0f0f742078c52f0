ALTER TABLE marketplace.bids DROP COLUMN confirmed_at;
DROP TABLE marketplace.job_field_changes;
