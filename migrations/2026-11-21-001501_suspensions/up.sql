-- Who was suspended when, by whom and why. people.suspended_at stays what is asked at every request; this is its history.
CREATE TABLE identity.suspensions (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES identity.people (id),
    suspended_at timestamptz NOT NULL,
    -- None when the operator did it.
    suspended_by uuid REFERENCES identity.people (id),
    reason text,
    reinstated_at timestamptz,
    reinstated_by uuid REFERENCES identity.people (id),
    reinstate_reason text,
    CONSTRAINT suspensions_in_order CHECK (reinstated_at >= suspended_at),
    CONSTRAINT suspensions_ended_by CHECK (reinstated_at IS NOT NULL OR (reinstated_by IS NULL AND reinstate_reason IS NULL))
);
CREATE UNIQUE INDEX suspensions_one_open ON identity.suspensions (person_id) WHERE reinstated_at IS NULL;
CREATE INDEX suspensions_person ON identity.suspensions (person_id, suspended_at);
CREATE INDEX suspensions_suspender ON identity.suspensions (suspended_by);
CREATE INDEX suspensions_reinstater ON identity.suspensions (reinstated_by);

-- Who was suspended before this table was there.
INSERT INTO identity.suspensions (id, person_id, suspended_at)
SELECT gen_random_uuid(), id, suspended_at FROM identity.people WHERE suspended_at IS NOT NULL;

SELECT app.grant_runtime('identity');
