ALTER TABLE marketplace.bid_revisions DROP COLUMN valid_until;
