ALTER TABLE identity.verifications DROP COLUMN expired_at;
ALTER TABLE identity.credentials DROP COLUMN reminded_days;
ALTER TABLE identity.credentials DROP COLUMN trade;
