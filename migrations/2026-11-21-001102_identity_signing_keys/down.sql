DROP TABLE identity.signing_keys;
