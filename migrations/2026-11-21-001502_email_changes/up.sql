-- The address that a person wants to have, until it is proved; and the one it replaced, to which the news goes. One row a person: another
-- wish takes the place of the last.
CREATE TABLE identity.email_changes (
    person_id uuid PRIMARY KEY REFERENCES identity.people (id),
    -- Which mail stands for it; a token of an earlier one proves nothing.
    link_token_id uuid NOT NULL,
    email text NOT NULL,
    email_canonical text NOT NULL,
    former_email text NOT NULL,
    former_verified boolean NOT NULL,
    requested_at timestamptz NOT NULL,
    completed_at timestamptz
);

SELECT app.grant_runtime('identity');
