-- Since when the warnings before an approved verification's end, and the end itself, are arranged as tasks; none for what was approved before
-- there were any: the service arranges it when it finds it.
ALTER TABLE identity.verifications ADD COLUMN watched_at timestamptz;

CREATE INDEX verifications_unwatched ON identity.verifications (id) WHERE state = 'APPROVED' AND watched_at IS NULL;
