//! Releasing a milestone: on the way of every payment, so it is one prepared statement.

use database::Error;
use database::hot::{Binds, Hot, Statement};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use kernel::PartyId;
use uuid::Uuid;

use super::milestones::names;
use crate::model::{ContractId, MilestoneId, MilestoneStatus, MilestoneStep};

/// What a release came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Released {
    /// Whether the milestone was in a state to be released.
    pub(crate) done: bool,
    /// How many other milestones of the contract are not finished.
    pub(crate) unfinished: i64,
}

struct Release {
    by: Option<Uuid>,
    target: &'static str,
    milestone: Uuid,
    contract: Uuid,
    sources: Vec<&'static str>,
    finished: Vec<&'static str>,
}

impl Statement for Release {
    const SQL: &'static str = "WITH released AS (
            UPDATE contracts.milestones
            SET released_by = $1, status = $2, released_at = app.clock(), updated_at = app.clock(), version = version + 1
            WHERE id = $3 AND contract_id = $4 AND status = ANY($5)
            RETURNING id
        )
        SELECT (SELECT count(*) FROM released),
            (SELECT count(*) FROM contracts.milestones
             WHERE contract_id = $6 AND id <> $7 AND status <> ALL($8))";
    type Columns = (BigInt, BigInt);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Nullable<SqlUuid>, _>(&self.by)?;
        binds.push::<Text, _>(self.target)?;
        binds.push::<SqlUuid, _>(&self.milestone)?;
        binds.push::<SqlUuid, _>(&self.contract)?;
        binds.push::<Array<Text>, _>(&self.sources)?;
        binds.push::<SqlUuid, _>(&self.contract)?;
        binds.push::<SqlUuid, _>(&self.milestone)?;
        binds.push::<Array<Text>, _>(&self.finished)
    }
}

/// APPROVED → RELEASED, and how much is left to do then.
pub(crate) fn release(
    conn: &mut PgConnection,
    contract: ContractId,
    milestone: MilestoneId,
    by: Option<PartyId>,
) -> Result<Released, Error> {
    let finished: Vec<_> =
        MilestoneStatus::ALL.iter().copied().filter(|status| status.is_finished()).collect();
    let statement = Release {
        by: by.map(PartyId::uuid),
        target: MilestoneStatus::Released.as_str(),
        milestone: milestone.uuid(),
        contract: contract.uuid(),
        sources: names(&MilestoneStep::Release.sources()),
        finished: names(&finished),
    };
    let (done, unfinished): (i64, i64) = Hot(statement).get_result(conn)?;
    Ok(Released { done: done == 1, unfinished })
}
