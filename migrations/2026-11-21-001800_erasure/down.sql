ALTER TABLE identity.people
    DROP CONSTRAINT people_erased_is_nobody,
    DROP COLUMN erased_at;
