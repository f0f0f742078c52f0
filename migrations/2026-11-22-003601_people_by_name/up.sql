-- Lists by name of what hardly anybody is: along everybody's names, all people are read for the few.
CREATE INDEX people_by_name_of_role ON identity.people (role, name_key, id);
CREATE INDEX people_suspended_by_name ON identity.people (name_key, id) WHERE suspended_at IS NOT NULL;
CREATE INDEX people_unverified_by_name ON identity.people (name_key, id) WHERE email_verified_at IS NULL;
CREATE INDEX people_erased_by_name ON identity.people (name_key, id) WHERE erased_at IS NOT NULL;
