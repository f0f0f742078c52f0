-- Archives of what is held about a person, as they are asked for and for as long as they are remembered.
CREATE TABLE identity.exports (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES identity.people (id),
    state text NOT NULL CONSTRAINT exports_state CHECK (state IN ('QUEUED', 'READY', 'EXPIRED', 'FAILED')),
    requested_at timestamptz NOT NULL,
    finished_at timestamptz,
    expires_at timestamptz,
    -- The archive; let go of when its time is over.
    file_id uuid REFERENCES files.files (id),
    CONSTRAINT exports_archive CHECK ((state = 'READY') = (file_id IS NOT NULL)),
    CONSTRAINT exports_finished CHECK ((state = 'QUEUED') = (finished_at IS NULL)),
    CONSTRAINT exports_end CHECK ((state IN ('READY', 'EXPIRED')) = (expires_at IS NOT NULL))
);
CREATE UNIQUE INDEX exports_one_waiting ON identity.exports (person_id) WHERE state = 'QUEUED';
CREATE INDEX exports_person ON identity.exports (person_id, requested_at);
CREATE INDEX exports_archive_file ON identity.exports (file_id);

SELECT app.grant_runtime('identity');
