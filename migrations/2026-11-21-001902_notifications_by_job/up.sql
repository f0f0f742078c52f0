-- What was told of a job: its words change when one of its parties is forgotten.
CREATE INDEX notifications_of_job ON notifications.notifications ((subjects ->> 'jobId')) WHERE title IS NOT NULL;
