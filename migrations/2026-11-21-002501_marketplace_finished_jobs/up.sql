-- How many jobs of a trade a contractor has finished: asked for each bidder when bids are compared.
CREATE INDEX jobs_finished ON marketplace.jobs (contractor_id, category) WHERE status = 'COMPLETED';
