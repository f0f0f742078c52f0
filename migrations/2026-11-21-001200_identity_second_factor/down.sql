DROP TABLE identity.sign_in_challenges;
DROP TABLE identity.recovery_codes;
DROP TABLE identity.second_factors;
ALTER TABLE identity.sessions DROP COLUMN stepped_up_until;
ALTER TABLE identity.people DROP COLUMN second_factor_at;
