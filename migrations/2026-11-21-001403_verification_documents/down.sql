DROP TABLE identity.verification_documents;
