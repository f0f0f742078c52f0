ALTER TABLE identity.sessions DROP COLUMN device, DROP COLUMN network, DROP COLUMN last_used_at;
