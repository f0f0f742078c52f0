-- Photographs and documents of jobs and of bids. Their bytes are files'.
CREATE TABLE marketplace.attachments (
    id        uuid PRIMARY KEY,
    -- Of a job or of a bid: one finder never reaches the other's.
    job_id    uuid REFERENCES marketplace.jobs,
    bid_id    uuid REFERENCES marketplace.bids,
    kind      text NOT NULL,
    added_at  timestamptz NOT NULL,
    CONSTRAINT attachment_kind CHECK (kind IN ('photo', 'document')),
    CONSTRAINT attachment_of_one CHECK (num_nonnulls(job_id, bid_id) = 1)
);
CREATE INDEX attachments_of_job ON marketplace.attachments (job_id, added_at, id) WHERE job_id IS NOT NULL;
CREATE INDEX attachments_of_bid ON marketplace.attachments (bid_id, added_at, id) WHERE bid_id IS NOT NULL;

-- A document is one file; a photograph is one for each size, drawn anew: what its camera wrote is in none of them.
CREATE TABLE marketplace.attachment_files (
    file_id        uuid PRIMARY KEY REFERENCES files.files,
    attachment_id  uuid NOT NULL REFERENCES marketplace.attachments ON DELETE CASCADE,
    size           text NOT NULL,
    -- In pixels, of a photograph.
    width          integer,
    height         integer,
    CONSTRAINT attachment_size CHECK (size IN ('thumbnail', 'preview', 'full')),
    CONSTRAINT attachment_pixels CHECK ((width IS NULL) = (height IS NULL) AND width > 0 AND height > 0),
    CONSTRAINT attachment_size_once UNIQUE (attachment_id, size)
);

SELECT app.grant_runtime('marketplace');
