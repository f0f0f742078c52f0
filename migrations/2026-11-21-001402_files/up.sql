-- What is known of files. Their bytes are kept outside of Postgres, under the storage key.
CREATE SCHEMA files;

CREATE TABLE files.files (
    id uuid PRIMARY KEY,
    -- The party whose file it is.
    owner_id uuid NOT NULL,
    -- What it is for: the crate that keeps it, in a word.
    purpose text NOT NULL CONSTRAINT files_purpose CHECK (purpose ~ '^[a-z_]{1,40}$'),
    -- As its owner calls it.
    name text NOT NULL,
    storage_key text NOT NULL CONSTRAINT files_key_once UNIQUE,
    -- RECEIVING before the first byte is stored, REMOVED until the last one is gone: whatever happens in between, the row tells of it.
    state text NOT NULL CONSTRAINT files_state CHECK (state IN ('RECEIVING', 'STORED', 'REMOVED')),
    content_type text,
    size_bytes bigint CONSTRAINT files_size CHECK (size_bytes > 0),
    sha256 bytea CONSTRAINT files_sha256 CHECK (octet_length(sha256) = 32),
    created_at timestamptz NOT NULL,
    stored_at timestamptz,
    CONSTRAINT files_stored_is_known CHECK (state <> 'STORED'
        OR (content_type IS NOT NULL AND size_bytes IS NOT NULL AND sha256 IS NOT NULL AND stored_at IS NOT NULL))
);
CREATE INDEX files_owner ON files.files (owner_id, created_at);
CREATE INDEX files_to_sweep ON files.files (created_at) WHERE state <> 'STORED';

SELECT app.grant_runtime('files');
