DROP INDEX marketplace.reviews_of_author;
