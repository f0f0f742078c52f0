DROP TABLE identity.exports;
