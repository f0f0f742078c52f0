DROP INDEX identity.people_by_name_of_role;
DROP INDEX identity.people_suspended_by_name;
DROP INDEX identity.people_unverified_by_name;
DROP INDEX identity.people_erased_by_name;
