//! How common words and tags are.

use database::{Error, PgConnection};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Double};
use kernel::Instant;

use crate::rules::vocabulary::Vocabulary;
use crate::schema::{jobs, words};

/// What was counted last.
pub(crate) fn load(conn: &mut PgConnection) -> Result<Vocabulary, Error> {
    #[derive(QueryableByName)]
    struct Jobs {
        #[diesel(sql_type = Double)]
        jobs: f64,
    }
    // What the server itself knows of the index of open jobs: about right, and at once.
    let open: Jobs = diesel::sql_query(
        "SELECT greatest(reltuples, 0)::double precision AS jobs FROM pg_class WHERE oid = 'marketplace.jobs_open'::regclass",
    )
    .get_result(conn)?;
    // In the text: what is bound, a plan for all values cannot know to be in the index of open jobs.
    let open_jobs = jobs::table.filter(sql::<Bool>("jobs.status = 'OPEN'"));
    let newest: Option<Instant> = open_jobs.select(diesel::dsl::max(jobs::published_at)).get_result(conn)?;
    let counted: Vec<(String, f64)> = words::table.select((words::word, words::share)).load(conn)?;
    let meanings = crate::store::meanings::fingerprint(conn)?;
    Ok(Vocabulary::new(open.jobs, &counted).with_newest(newest).with_meanings(meanings))
}

/// Counts anew, in about ten thousand of the open jobs. Words that fewer than five of them have are left out: they say little, and may be names.
pub(crate) fn count(conn: &mut PgConnection) -> Result<(), Error> {
    diesel::delete(words::table).execute(conn)?;
    diesel::sql_query(
        "WITH sampled AS MATERIALIZED (
             SELECT word, ndoc, max(ndoc) OVER () AS most
             FROM ts_stat(format(
                 $stat$SELECT array_to_tsvector('{all1jobs}'
                           || marketplace.job_tags(category, skills, urgency, published_at, public_latitude, public_longitude)
                               || marketplace.meaning_tags(meanings))
                           || to_tsvector('simple', marketplace.folded(concat_ws(' ', title, description, city, region)))
                       FROM marketplace.jobs TABLESAMPLE SYSTEM (%s) WHERE status = 'OPEN'$stat$,
                 (SELECT least(100, 1000000 / greatest(reltuples, 1)) FROM pg_class WHERE oid = 'marketplace.jobs'::regclass))))
         INSERT INTO marketplace.words (word, share)
         SELECT word, ndoc / most::double precision FROM sampled
         WHERE word ~ '^((trade|skill|means|urgency)1[a-z0-9]+|(day|cell|block)1[0-9]+)$' OR (ndoc >= 5 AND word ~ '^[a-z]{3,30}$')",
    )
    .execute(conn)?;
    Ok(())
}
