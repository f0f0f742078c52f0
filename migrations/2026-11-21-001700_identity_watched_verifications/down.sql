DROP INDEX identity.verifications_unwatched;
ALTER TABLE identity.verifications DROP COLUMN watched_at;
