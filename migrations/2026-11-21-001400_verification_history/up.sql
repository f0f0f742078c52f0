-- The trade that a credential is for; none when it is for any.
ALTER TABLE identity.credentials ADD COLUMN trade text;
-- The last warning before its end that was given, in days before it, so that each is given once.
ALTER TABLE identity.credentials ADD COLUMN reminded_days integer
    CONSTRAINT credentials_reminded CHECK (reminded_days > 0);
-- When the end of an approved verification was told, so that it is told once. From when on nobody bids is valid_until alone.
ALTER TABLE identity.verifications ADD COLUMN expired_at timestamptz;
