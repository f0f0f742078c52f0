-- All reviews about somebody that are or were published, too, are found without reading everybody's.
DROP INDEX marketplace.reviews_of_subject;
CREATE INDEX reviews_of_subject ON marketplace.reviews (subject_id, published_at DESC, id DESC) WHERE status <> 'HIDDEN';

-- Whose papers have run out, without looking at those that hold.
CREATE INDEX verifications_ending ON identity.verifications (valid_until) WHERE state = 'APPROVED';
