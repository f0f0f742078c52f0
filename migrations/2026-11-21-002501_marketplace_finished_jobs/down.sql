DROP INDEX marketplace.jobs_finished;
