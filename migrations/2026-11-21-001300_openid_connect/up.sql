-- Signing in at OpenID providers. Of what browsers and clients hold only hashes are kept.

-- Who came by way of a provider has no password until they set one.
ALTER TABLE identity.people
    ALTER COLUMN password_hash DROP NOT NULL,
    ALTER COLUMN pepper_id DROP NOT NULL,
    ADD CONSTRAINT people_password CHECK ((password_hash IS NULL) = (pepper_id IS NULL));

-- Who somebody is at a provider: the subject at the issuer, never the address, which may be given to another person there.
CREATE TABLE identity.external_identities (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES identity.people (id),
    -- What the provider was called in the settings at the time.
    provider text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    linked_at timestamptz NOT NULL,
    CONSTRAINT external_identities_once UNIQUE (issuer, subject)
);
CREATE INDEX external_identities_person ON identity.external_identities (person_id);

-- A sign-in that was sent to a provider. Nonce and code verifier are made of what the browser holds and are kept nowhere.
CREATE TABLE identity.oauth_attempts (
    id uuid PRIMARY KEY,
    state_hash bytea NOT NULL CONSTRAINT oauth_attempts_state_once UNIQUE,
    browser_hash bytea NOT NULL,
    provider text NOT NULL,
    redirect_uri text NOT NULL,
    -- What somebody new is to become; null when nobody new is to be made.
    role text CONSTRAINT oauth_attempts_role CHECK (role IN ('HOMEOWNER', 'CONTRACTOR')),
    -- SHA-256 of what the client will show when it exchanges the code.
    code_challenge bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX oauth_attempts_expiry ON identity.oauth_attempts (expires_at);

-- What a provider said about somebody, sealed under the code or ticket that the client holds: without it nobody can read it.
CREATE TABLE identity.oauth_tickets (
    id uuid PRIMARY KEY,
    kind text NOT NULL CONSTRAINT oauth_tickets_kind CHECK (kind IN ('CODE', 'LINK')),
    token_hash bytea NOT NULL CONSTRAINT oauth_tickets_token_once UNIQUE,
    sealed_identity bytea NOT NULL,
    code_challenge bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX oauth_tickets_expiry ON identity.oauth_tickets (expires_at);

SELECT app.grant_runtime('identity');
