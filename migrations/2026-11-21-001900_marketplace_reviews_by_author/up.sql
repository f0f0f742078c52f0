-- What somebody wrote: for their own account of it, and to forget it.
CREATE INDEX reviews_of_author ON marketplace.reviews (author_id);
