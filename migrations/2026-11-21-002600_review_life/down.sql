DROP TABLE marketplace.review_decisions;
DROP TABLE marketplace.review_reports;

-- Without a state for them removed reviews are published again, and count again.
INSERT INTO marketplace.ratings (subject_id, reviews, rating_sum, quality_sum, timeliness_sum, communication_sum)
SELECT subject_id, count(*), sum(rating), sum(quality), sum(timeliness), sum(communication)
FROM marketplace.reviews WHERE status = 'REMOVED' GROUP BY subject_id
ON CONFLICT (subject_id) DO UPDATE SET
    reviews = ratings.reviews + excluded.reviews,
    rating_sum = ratings.rating_sum + excluded.rating_sum,
    quality_sum = ratings.quality_sum + excluded.quality_sum,
    timeliness_sum = ratings.timeliness_sum + excluded.timeliness_sum,
    communication_sum = ratings.communication_sum + excluded.communication_sum;

ALTER TABLE marketplace.reviews
    DROP CONSTRAINT review_reported,
    DROP CONSTRAINT review_replied,
    DROP CONSTRAINT review_removed,
    DROP CONSTRAINT review_published,
    DROP CONSTRAINT review_status;
UPDATE marketplace.reviews SET status = 'PUBLISHED' WHERE status = 'REMOVED';
ALTER TABLE marketplace.reviews
    DROP COLUMN reported_at,
    DROP COLUMN open_reports,
    DROP COLUMN removed_at,
    DROP COLUMN replied_at,
    DROP COLUMN reply,
    DROP COLUMN edited_at,
    DROP COLUMN version,
    ADD CONSTRAINT review_status CHECK (status IN ('HIDDEN', 'PUBLISHED')),
    ADD CONSTRAINT review_published CHECK ((status = 'PUBLISHED') = (published_at IS NOT NULL));
