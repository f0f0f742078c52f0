-- A state stands in a job by its code. Four codes are words that a search passes over: of these the name is kept in the words instead.
-- Jobs that are there already get it when they are written next.

CREATE OR REPLACE FUNCTION marketplace.job_words(title text, skills text[], description text, city text, region text, tags text[]) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    named CONSTANT text := CASE region WHEN 'IN' THEN 'Indiana' WHEN 'ME' THEN 'Maine' WHEN 'ON' THEN 'Ontario' WHEN 'OR' THEN 'Oregon' ELSE region END;
BEGIN
    RETURN setweight(to_tsvector('english', marketplace.folded(title)), 'A')
        || setweight(to_tsvector('english', marketplace.folded(translate(array_to_string(skills, ' '), '-_', '  '))), 'B')
        || setweight(to_tsvector('english', marketplace.folded(description)), 'C')
        || setweight(to_tsvector('english', marketplace.folded(city || coalesce(' ' || named, ''))), 'D')
        || array_to_tsvector(tags);
END
$$;
