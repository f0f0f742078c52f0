DROP TABLE marketplace.attachment_files;
DROP TABLE marketplace.attachments;
