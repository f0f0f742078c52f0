-- What a contractor hands in beside the numbers: scans, photographs.
CREATE TABLE identity.verification_documents (
    file_id uuid PRIMARY KEY REFERENCES files.files (id),
    verification_id uuid NOT NULL REFERENCES identity.verifications (id),
    added_at timestamptz NOT NULL
);
CREATE INDEX verification_documents_verification ON identity.verification_documents (verification_id, added_at, file_id);

SELECT app.grant_runtime('identity');
