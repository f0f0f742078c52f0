DROP TABLE identity.email_changes;
