-- What a published job says can change below the bids on it. When each of its fields last did is kept here and not at the bids: an edit does the
-- same whether there are bids or not. A bid whose bidder said nothing since is asked for a word.
CREATE TABLE marketplace.job_field_changes (
    job_id      uuid NOT NULL REFERENCES marketplace.jobs ON DELETE CASCADE,
    field       text NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (job_id, field),
    CONSTRAINT job_field CHECK (field IN (
        'title', 'description', 'category', 'skills', 'address', 'budgetMin', 'budgetMax', 'urgency', 'wantedStart', 'biddingDeadline'
    ))
);

-- When the bidder last said that the bid stands as it is; handing in and revising say so too.
ALTER TABLE marketplace.bids ADD COLUMN confirmed_at timestamptz;

SELECT app.grant_runtime('marketplace');
