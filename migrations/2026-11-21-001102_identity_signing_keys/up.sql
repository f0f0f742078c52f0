-- The keys that access tokens are signed with. JWT_SECRET seeds the first; later ones are random.
CREATE TABLE identity.signing_keys (
    -- What a token's header names the key by.
    kid text PRIMARY KEY CONSTRAINT signing_keys_kid CHECK (kid ~ '^[0-9a-f]{8,32}$'),
    wrapped_key bytea NOT NULL,
    master_key_id text NOT NULL,
    created_at timestamptz NOT NULL,
    -- From then on it signs, and the one before no longer: every server has heard of it by then.
    signs_from timestamptz NOT NULL,
    -- From then on what it signed is refused: nothing of it can be good any more. None while it signs.
    refused_from timestamptz
);

SELECT app.grant_runtime('identity');
