DROP TABLE identity.mail_requests;
ALTER TABLE identity.people DROP COLUMN password_set_at;
-- What only newer programs know is ended or gone for the older ones too.
UPDATE identity.sessions SET end_reason = 'LOGOUT' WHERE end_reason NOT IN ('LOGOUT', 'TOKEN_REUSE');
ALTER TABLE identity.sessions DROP CONSTRAINT IF EXISTS sessions_end_reason;
ALTER TABLE identity.sessions ADD CONSTRAINT sessions_end_reason CHECK (end_reason IN ('LOGOUT', 'TOKEN_REUSE'));
DELETE FROM identity.link_tokens WHERE purpose <> 'VERIFY_EMAIL';
ALTER TABLE identity.link_tokens DROP CONSTRAINT IF EXISTS link_tokens_purpose;
ALTER TABLE identity.link_tokens ADD CONSTRAINT link_tokens_purpose CHECK (purpose IN ('VERIFY_EMAIL'));
