DROP TABLE marketplace.directory;
DROP FUNCTION marketplace.metres_between;
DROP FUNCTION marketplace.plain;
DELETE FROM outbox.tasks WHERE kind = 'marketplace.fill_directory';
