DROP TABLE identity.suspensions;
