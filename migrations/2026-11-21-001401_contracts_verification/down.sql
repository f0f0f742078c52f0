ALTER TABLE contracts.contracts DROP COLUMN verification_lapsed_at;
