//! What is known of bidders when their bids are judged.

use std::collections::HashMap;

use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Uuid as SqlUuid};
use kernel::PartyId;
use uuid::Uuid;

use crate::model::JobId;

/// A bidder beside a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Beside {
    /// From its public point to the job's, in metres.
    pub(crate) metres: Option<i32>,
    /// Whether a licence for the job's trade was checked and holds.
    pub(crate) licensed: bool,
    /// Jobs of the trade finished here.
    pub(crate) finished_jobs: i64,
}

struct FindBeside {
    jobs: Vec<Uuid>,
    parties: Vec<Uuid>,
}

impl Statement for FindBeside {
    const SQL: &'static str = "SELECT a.job_id, a.party_id, \
         CASE WHEN j.public_latitude IS NOT NULL AND d.public_latitude IS NOT NULL THEN marketplace.metres_between(\
         j.public_latitude, j.public_longitude, d.public_latitude, d.public_longitude) END, \
         coalesce(d.valid_until > (SELECT app.clock()), false) AND EXISTS (\
         SELECT FROM jsonb_to_recordset(d.checked) AS c(kind text, trade text, until timestamptz) \
         WHERE c.kind = 'LICENCE' AND c.trade = j.category AND c.until > (SELECT app.clock())), \
         (SELECT count(*) FROM (SELECT FROM marketplace.jobs f WHERE f.contractor_id = a.party_id AND f.category = j.category \
         AND f.status = 'COMPLETED' LIMIT 1000) AS finished) \
         FROM unnest($1, $2) AS a(job_id, party_id) \
         JOIN marketplace.jobs j ON j.id = a.job_id LEFT JOIN marketplace.directory d ON d.party_id = a.party_id";
    type Columns = (SqlUuid, SqlUuid, Nullable<Integer>, Bool, BigInt);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<SqlUuid>, _>(&self.jobs)?;
        binds.push::<Array<SqlUuid>, _>(&self.parties)
    }
}

/// These bidders, each beside the job that it bid on.
pub(crate) fn list_beside(
    conn: &mut PgConnection,
    bidders: &[(JobId, PartyId)],
) -> Result<HashMap<(JobId, PartyId), Beside>, Error> {
    type Row = (JobId, PartyId, Option<i32>, bool, i64);
    let (jobs, parties) = bidders.iter().map(|(job, party)| (job.uuid(), party.uuid())).unzip();
    let rows: Vec<Row> = Hot(FindBeside { jobs, parties }).load(conn)?;
    let beside = |(job, party, metres, licensed, finished_jobs): Row| {
        ((job, party), Beside { metres, licensed, finished_jobs })
    };
    Ok(rows.into_iter().map(beside).collect())
}
