-- People, their sessions and their credentials. Times come from the caller or from app.clock(), never from now().
CREATE SCHEMA identity;

CREATE TABLE identity.people (
    id uuid PRIMARY KEY,
    role text NOT NULL CONSTRAINT people_role CHECK (role IN ('HOMEOWNER', 'CONTRACTOR', 'ADMIN')),
    -- As the person wrote it, for writing to; and folded, so that one mailbox is one person.
    email text NOT NULL,
    email_canonical text NOT NULL CONSTRAINT people_email_once UNIQUE,
    email_verified_at timestamptz,
    password_hash text NOT NULL,
    pepper_id text NOT NULL,
    full_name text,
    phone text,
    time_zone text NOT NULL,
    -- Exact, and nobody's business; what may be shown is contractor_profiles.public_*.
    latitude double precision,
    longitude double precision,
    suspended_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT people_place CHECK ((latitude IS NULL) = (longitude IS NULL)
        AND (latitude IS NULL OR (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180)))
);
CREATE INDEX people_administrators ON identity.people (id) WHERE role = 'ADMIN';

CREATE TABLE identity.contractor_profiles (
    person_id uuid PRIMARY KEY REFERENCES identity.people (id),
    headline text,
    bio text,
    trades text[] NOT NULL DEFAULT '{}',
    skills text[] NOT NULL DEFAULT '{}',
    service_radius_km integer CONSTRAINT contractor_profiles_radius CHECK (service_radius_km > 0),
    -- The person's place snapped to the grid once, when it was set.
    public_latitude double precision,
    public_longitude double precision,
    CONSTRAINT contractor_profiles_place CHECK ((public_latitude IS NULL) = (public_longitude IS NULL))
);

-- A session is a family of refresh tokens, of which one is unspent.
CREATE TABLE identity.sessions (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES identity.people (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text CONSTRAINT sessions_end_reason CHECK (end_reason IN ('LOGOUT', 'TOKEN_REUSE')),
    CONSTRAINT sessions_end CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_person ON identity.sessions (person_id);
CREATE INDEX sessions_expiry ON identity.sessions (expires_at);

CREATE TABLE identity.refresh_tokens (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES identity.sessions (id) ON DELETE CASCADE,
    counter integer NOT NULL,
    spent_at timestamptz,
    CONSTRAINT refresh_tokens_counter_once UNIQUE (session_id, counter)
);

-- What links in mails stand for. The token itself is derived when the mail is written and kept nowhere.
CREATE TABLE identity.link_tokens (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES identity.people (id),
    purpose text NOT NULL CONSTRAINT link_tokens_purpose CHECK (purpose IN ('VERIFY_EMAIL')),
    token_hash bytea NOT NULL CONSTRAINT link_tokens_hash_once UNIQUE,
    -- The address that the link proves; another one by then proves nothing.
    email_canonical text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX link_tokens_person ON identity.link_tokens (person_id);

-- Failed sign-ins, counted by keyed hashes: neither addresses of people nor of machines are kept.
CREATE TABLE identity.sign_in_failures (
    id uuid PRIMARY KEY,
    account_key bytea NOT NULL,
    address_key bytea NOT NULL,
    failed_at timestamptz NOT NULL
);
CREATE INDEX sign_in_failures_account ON identity.sign_in_failures (account_key, failed_at);
CREATE INDEX sign_in_failures_address ON identity.sign_in_failures (address_key, failed_at);
CREATE INDEX sign_in_failures_age ON identity.sign_in_failures (failed_at);

CREATE TABLE identity.known_addresses (
    person_id uuid NOT NULL REFERENCES identity.people (id),
    address_key bytea NOT NULL,
    signed_in_at timestamptz NOT NULL,
    PRIMARY KEY (person_id, address_key)
);

CREATE TABLE identity.verifications (
    id uuid PRIMARY KEY,
    contractor_id uuid NOT NULL REFERENCES identity.people (id),
    state text NOT NULL CONSTRAINT verifications_state CHECK (state IN ('PENDING', 'APPROVED', 'REJECTED', 'SUPERSEDED')),
    submitted_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by uuid REFERENCES identity.people (id),
    note text,
    reason text,
    -- The instant from which bidding stops; set by the approval.
    valid_until timestamptz,
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT verifications_decided CHECK ((state IN ('APPROVED', 'REJECTED')) <= (decided_at IS NOT NULL)),
    CONSTRAINT verifications_reason CHECK ((state = 'REJECTED') <= (reason IS NOT NULL)),
    CONSTRAINT verifications_validity CHECK ((state = 'APPROVED') <= (valid_until IS NOT NULL))
);
CREATE UNIQUE INDEX verifications_one_pending ON identity.verifications (contractor_id) WHERE state = 'PENDING';
CREATE UNIQUE INDEX verifications_one_approved ON identity.verifications (contractor_id) WHERE state = 'APPROVED';
CREATE INDEX verifications_contractor ON identity.verifications (contractor_id, submitted_at);
CREATE INDEX verifications_decider ON identity.verifications (decided_by);
CREATE INDEX verifications_queue ON identity.verifications (state, submitted_at, id);
CREATE INDEX verifications_age ON identity.verifications (submitted_at, id);

CREATE TABLE identity.credentials (
    id uuid PRIMARY KEY,
    verification_id uuid NOT NULL REFERENCES identity.verifications (id),
    ordinal integer NOT NULL,
    kind text NOT NULL CONSTRAINT credentials_kind CHECK (kind IN ('LICENCE', 'INSURANCE')),
    number text NOT NULL,
    holder text NOT NULL,
    place text NOT NULL,
    time_zone text NOT NULL,
    expires_on date NOT NULL,
    CONSTRAINT credentials_ordinal_once UNIQUE (verification_id, ordinal)
);

-- One key per person or record, wrapped by the server's master key. Erasure empties the row and keeps it.
CREATE TABLE identity.data_keys (
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    wrapped_key bytea,
    master_key_id text NOT NULL,
    created_at timestamptz NOT NULL,
    destroyed_at timestamptz,
    PRIMARY KEY (subject_kind, subject_id),
    CONSTRAINT data_keys_destroyed CHECK ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL))
);

SELECT app.grant_runtime('identity');
