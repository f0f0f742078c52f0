DROP INDEX identity.people_newest, identity.people_newest_of_role, identity.people_suspended, identity.people_unverified;
ALTER TABLE identity.people DROP COLUMN name_key, DROP COLUMN words;
DROP FUNCTION identity.words_query(text);
DROP FUNCTION identity.words(text);
DROP FUNCTION identity.fold(text);
