//! How common words and tags are.

use std::collections::BTreeMap;

use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Integer, Timestamptz};
use kernel::Instant;

use crate::rules::vocabulary::{Published, Vocabulary};
use crate::schema::words;

/// The newest open jobs that are counted by when they were published. It stands in the statement, too.
const COUNTED: i64 = 50_000;

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
    let counted: Vec<(String, f64)> = words::table.select((words::word, words::share)).load(conn)?;
    let meanings = crate::store::meanings::fingerprint(conn)?;
    Ok(Vocabulary::new(open.jobs, &counted).with_latest(latest(conn)?).with_meanings(meanings))
}

/// When the newest open jobs were published; none when there are none.
fn latest(conn: &mut PgConnection) -> Result<Option<Published>, Error> {
    #[derive(QueryableByName)]
    struct Stretch {
        #[diesel(sql_type = Integer)]
        stretch: i32,
        #[diesel(sql_type = BigInt)]
        jobs: i64,
        #[diesel(sql_type = Timestamptz)]
        newest: Instant,
    }
    // So many that those of a million are among them which are asked for stretch by stretch; read from the index alone.
    let stretches: Vec<Stretch> = diesel::sql_query(
        "SELECT marketplace.three_hours(published_at) AS stretch, count(*) AS jobs, max(published_at) AS newest
         FROM (SELECT published_at FROM marketplace.jobs WHERE status = 'OPEN' ORDER BY published_at DESC, id DESC LIMIT 50000) AS latest
         GROUP BY stretch",
    )
    .load(conn)?;
    let Some(newest) = stretches.iter().map(|one| one.newest).max() else { return Ok(None) };
    let counts: BTreeMap<i64, i64> =
        stretches.into_iter().map(|one| (one.stretch.into(), one.jobs)).collect();
    let has_older = counts.values().sum::<i64>() >= COUNTED;
    Ok(Some(Published { newest, counts, has_older }))
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
                               || marketplace.meaning_tags(meanings) || marketplace.money_tags(budget_min, budget_max, currency))
                           || to_tsvector('simple', marketplace.folded(concat_ws(' ', title, description, city, region)))
                       FROM marketplace.jobs TABLESAMPLE SYSTEM (%s) WHERE status = 'OPEN'$stat$,
                 (SELECT least(100, 1000000 / greatest(reltuples, 1)) FROM pg_class WHERE oid = 'marketplace.jobs'::regclass))))
         INSERT INTO marketplace.words (word, share)
         SELECT word, ndoc / most::double precision FROM sampled
         WHERE word ~ '^((trade|skill|means|urgency)1[a-z0-9]+|(day|cell|block)1[0-9]+|(currency|upto|from)1[A-Z]{3}[0-9]*)$' OR (ndoc >= 5 AND word ~ '^[a-z]{3,30}$')",
    )
    .execute(conn)?;
    Ok(())
}
