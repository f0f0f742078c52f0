-- What becomes of a review after it was handed in: it is edited until it is published, answered once, reported, and decided on.
ALTER TABLE marketplace.reviews
    -- Counts edits, publication, the reply and decisions; never a report, which nobody but administrators and whoever made it knows of.
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN edited_at timestamptz,
    ADD COLUMN reply text,
    ADD COLUMN replied_at timestamptz,
    ADD COLUMN removed_at timestamptz,
    -- Reports that wait for a decision, and since when the first of them has.
    ADD COLUMN open_reports integer NOT NULL DEFAULT 0,
    ADD COLUMN reported_at timestamptz,
    DROP CONSTRAINT review_status,
    DROP CONSTRAINT review_published,
    ADD CONSTRAINT review_status CHECK (status IN ('HIDDEN', 'PUBLISHED', 'REMOVED')),
    ADD CONSTRAINT review_published CHECK ((status = 'HIDDEN') = (published_at IS NULL)),
    ADD CONSTRAINT review_removed CHECK ((status = 'REMOVED') = (removed_at IS NOT NULL)),
    -- The words of a reply go when whoever wrote it is forgotten; that there was one stays.
    ADD CONSTRAINT review_replied CHECK ((reply IS NULL OR replied_at IS NOT NULL) AND (replied_at IS NULL OR published_at IS NOT NULL)),
    ADD CONSTRAINT review_reported CHECK (open_reports >= 0 AND (open_reports > 0) = (reported_at IS NOT NULL));
-- What waits for an administrator, the oldest first; and what was removed, the newest first.
CREATE INDEX reviews_reported ON marketplace.reviews (reported_at, id) WHERE reported_at IS NOT NULL;
CREATE INDEX reviews_removed ON marketplace.reviews (removed_at DESC, id DESC) WHERE removed_at IS NOT NULL;

CREATE TABLE marketplace.review_reports (
    id           uuid PRIMARY KEY,
    review_id    uuid NOT NULL REFERENCES marketplace.reviews,
    reporter_id  uuid NOT NULL,
    reason       text NOT NULL,
    note         text,
    created_at   timestamptz NOT NULL,
    decided_at   timestamptz,
    CONSTRAINT one_report_each UNIQUE (review_id, reporter_id),
    CONSTRAINT review_report_reason CHECK (reason IN ('ABUSIVE', 'UNTRUE', 'PRIVATE', 'SPAM', 'OTHER'))
);
CREATE INDEX review_reports_of_reporter ON marketplace.review_reports (reporter_id, created_at);

-- What administrators decided, and why.
CREATE TABLE marketplace.review_decisions (
    id          uuid PRIMARY KEY,
    review_id   uuid NOT NULL REFERENCES marketplace.reviews,
    decided_by  uuid NOT NULL,
    outcome     text NOT NULL,
    reason      text NOT NULL,
    -- How many reports waited for it.
    reports     integer NOT NULL,
    decided_at  timestamptz NOT NULL,
    CONSTRAINT review_decision_outcome CHECK (outcome IN ('KEPT', 'REMOVED', 'RESTORED'))
);
CREATE INDEX review_decisions_of_review ON marketplace.review_decisions (review_id, decided_at DESC, id DESC);

SELECT app.grant_runtime('marketplace');
