-- Passwords forgotten and changed, and who asked for a mail that proves an address.

-- A sign-in that compared an older password than the one that stands now begins no session.
ALTER TABLE identity.people ADD COLUMN password_set_at timestamptz NOT NULL DEFAULT app.clock();

ALTER TABLE identity.link_tokens DROP CONSTRAINT IF EXISTS link_tokens_purpose;
ALTER TABLE identity.link_tokens ADD CONSTRAINT link_tokens_purpose
    CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD', 'CHANGE_EMAIL'));

ALTER TABLE identity.sessions DROP CONSTRAINT IF EXISTS sessions_end_reason;
ALTER TABLE identity.sessions ADD CONSTRAINT sessions_end_reason
    CHECK (end_reason IN ('LOGOUT', 'TOKEN_REUSE', 'REVOKED', 'PASSWORD_CHANGED', 'PASSWORD_RESET', 'SUSPENDED', 'ERASED'));

-- Somebody asked for a mail to an address. One that nobody has leaves the same row as a known one, so that asking takes as long; what
-- becomes of it is decided afterwards, by a task. No foreign key: checking it would be work for known addresses only.
CREATE TABLE identity.mail_requests (
    id uuid PRIMARY KEY,
    purpose text NOT NULL CONSTRAINT mail_requests_purpose CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD')),
    -- Whose the address was when it was asked; none for an unknown one.
    person_id uuid,
    account_key bytea NOT NULL,
    address_key bytea NOT NULL,
    requested_at timestamptz NOT NULL,
    answered_at timestamptz
);
CREATE INDEX mail_requests_account ON identity.mail_requests (account_key, purpose, requested_at);
CREATE INDEX mail_requests_address ON identity.mail_requests (address_key, requested_at);
CREATE INDEX mail_requests_age ON identity.mail_requests (requested_at);

SELECT app.grant_runtime('identity');
