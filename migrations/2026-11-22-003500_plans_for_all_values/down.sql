DROP INDEX identity.verifications_ending;
DROP INDEX marketplace.reviews_of_subject;
CREATE INDEX reviews_of_subject ON marketplace.reviews (subject_id, published_at DESC, id DESC) WHERE status = 'PUBLISHED';
