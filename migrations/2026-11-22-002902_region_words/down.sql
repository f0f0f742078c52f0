CREATE OR REPLACE FUNCTION marketplace.job_words(title text, skills text[], description text, city text, region text, tags text[]) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN setweight(to_tsvector('english', marketplace.folded(title)), 'A')
        || setweight(to_tsvector('english', marketplace.folded(translate(array_to_string(skills, ' '), '-_', '  '))), 'B')
        || setweight(to_tsvector('english', marketplace.folded(description)), 'C')
        || setweight(to_tsvector('english', marketplace.folded(city || coalesce(' ' || region, ''))), 'D')
        || array_to_tsvector(tags);
END
$$;
