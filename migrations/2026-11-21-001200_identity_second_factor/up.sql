-- A second factor for whoever sets one up, and proving again who one is before what hurts.

-- Since when it is asked for; before that a secret may wait for its first code.
ALTER TABLE identity.people ADD COLUMN second_factor_at timestamptz;

-- Until when the session may do what asks for a fresh proof.
ALTER TABLE identity.sessions ADD COLUMN stepped_up_until timestamptz;

CREATE TABLE identity.second_factors (
    person_id uuid PRIMARY KEY REFERENCES identity.people (id),
    -- What the person's authenticator app knows too; sealed under the person's key.
    sealed_secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    -- The time step of the newest code that was taken: that code and older ones are taken no more.
    last_step bigint NOT NULL DEFAULT 0
);

-- For whoever lost the app; each is good once.
CREATE TABLE identity.recovery_codes (
    person_id uuid NOT NULL REFERENCES identity.second_factors (person_id) ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (person_id, code_hash)
);

-- Sign-ins whose first factor was good. A row goes when it is answered.
CREATE TABLE identity.sign_in_challenges (
    token_hash bytea PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES identity.people (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sign_in_challenges_person ON identity.sign_in_challenges (person_id);
CREATE INDEX sign_in_challenges_expiry ON identity.sign_in_challenges (expires_at);

SELECT app.grant_runtime('identity');
