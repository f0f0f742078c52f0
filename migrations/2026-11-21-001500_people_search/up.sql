-- Finding people: by words of their name and address, by what they are, newest first or by name. Folding happens here and nowhere
-- else, so that what is stored and what is asked for cannot be folded in two ways.

-- Without case and accents. The collation is named, because the database's own may know ASCII only; letters that Unicode does not
-- take apart are spelt out.
CREATE FUNCTION identity.fold(words text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT replace(replace(replace(replace(translate(
        lower(regexp_replace(normalize(words, NFKD), '[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]', '', 'g')
            COLLATE "und-x-icu"),
        'øłđðħıς', 'olddhiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
$$;

-- Whatever stands between ASCII's and Unicode's marks and spaces; no letter of any script is one.
CREATE FUNCTION identity.words(text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT array_remove(regexp_split_to_array(identity.fold($1),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u3003\u3008-\u3020]+'), '')
$$;

-- Every word of the question begins a word of the person. NULL, which nobody is found by, when there is no word in it.
CREATE FUNCTION identity.words_query(question text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT
AS $$
    SELECT string_agg('''' || word || ''':*', ' & ')::tsquery FROM unnest(identity.words(question)) AS word
$$;

-- Every word of a name and an address, and what people are sorted by: its beginning is enough and keeps cursors short. Who has no name
-- goes by the address. Stored, because folding takes longer than all else that a search does.
ALTER TABLE identity.people
    ADD COLUMN words text[] NOT NULL GENERATED ALWAYS AS (identity.words(coalesce(full_name || ' ', '') || email)) STORED,
    ADD COLUMN name_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (left(identity.fold(coalesce(full_name, email)), 60)) STORED;

CREATE INDEX people_words ON identity.people USING gin (array_to_tsvector(words));
CREATE INDEX people_by_name ON identity.people (name_key, id);
CREATE INDEX people_newest ON identity.people (created_at DESC, id DESC);
CREATE INDEX people_newest_of_role ON identity.people (role, created_at DESC, id DESC);
CREATE INDEX people_suspended ON identity.people (created_at DESC, id DESC) WHERE suspended_at IS NOT NULL;
CREATE INDEX people_unverified ON identity.people (created_at DESC, id DESC) WHERE email_verified_at IS NULL;

SELECT app.grant_runtime('identity');
