-- People who had themselves erased. The row stays, because contracts, ledgers and reviews hang on its id; nobody can be told by it.
ALTER TABLE identity.people
    ADD COLUMN erased_at timestamptz,
    -- No address is kept, and the one it had is free for a new account.
    ADD CONSTRAINT people_erased_is_nobody CHECK (erased_at IS NULL OR (
        email = 'erased:' || id::text AND email_canonical = email AND email_verified_at IS NULL
        AND password_hash IS NULL AND second_factor_at IS NULL AND suspended_at IS NULL
        AND full_name IS NULL AND phone IS NULL AND latitude IS NULL));
CREATE INDEX people_erased ON identity.people (created_at DESC, id DESC) WHERE erased_at IS NOT NULL;
