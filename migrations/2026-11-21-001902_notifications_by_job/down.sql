DROP INDEX notifications.notifications_of_job;
