-- Until when an offer stands, as each revision said it; a task of its own ends the bid then. The receipt does not cover it.
ALTER TABLE marketplace.bid_revisions ADD COLUMN valid_until timestamptz;
