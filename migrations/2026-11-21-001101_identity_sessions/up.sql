-- What a person is shown of a session, to tell their own from a stranger's.
ALTER TABLE identity.sessions
    -- A few words made of what the client called itself; the whole is not kept.
    ADD COLUMN device text,
    -- The network that it was signed in or refreshed from, shortened so that it names no household.
    ADD COLUMN network text,
    ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT app.clock();
UPDATE identity.sessions SET last_used_at = created_at;
