DROP TABLE identity.oauth_tickets;
DROP TABLE identity.oauth_attempts;
DROP TABLE identity.external_identities;
-- The schema before knew nobody without a password: these get one that nothing matches.
UPDATE identity.people SET password_hash = '', pepper_id = '' WHERE password_hash IS NULL;
ALTER TABLE identity.people
    DROP CONSTRAINT people_password,
    ALTER COLUMN password_hash SET NOT NULL,
    ALTER COLUMN pepper_id SET NOT NULL;
