//! Lends notifications the words of the other domains: it stands beside them and cannot ask them itself.

use contracts::ContractId;
use database::{Error, PgConnection};
use kernel::PersonId;
use marketplace::JobId;
use notifications::Subjects;
use uuid::Uuid;

/// What marketplace and contracts call things.
pub(crate) struct DomainSubjects;

impl Subjects for DomainSubjects {
    fn job_title(&self, conn: &mut PgConnection, job: Uuid) -> Result<Option<String>, Error> {
        let job = JobId::from(job);
        Ok(marketplace::job_titles(conn, &[job])?.remove(&job))
    }

    fn milestone_title(
        &self,
        conn: &mut PgConnection,
        contract: Uuid,
        milestone: Uuid,
    ) -> Result<Option<String>, Error> {
        let contract = ContractId::from(contract);
        let milestones =
            contracts::milestones_of_all(conn, &[contract])?.remove(&contract).unwrap_or_default();
        Ok(milestones.into_iter().find(|found| found.id.uuid() == milestone).map(|found| found.title))
    }

    fn bidders(&self, conn: &mut PgConnection, job: Uuid) -> Result<Vec<PersonId>, Error> {
        let bidders = marketplace::live_bidders(conn, JobId::from(job))?;
        Ok(bidders.into_iter().map(|party| PersonId::from(party.uuid())).collect())
    }

    fn jobs_of(&self, conn: &mut PgConnection, person: PersonId) -> Result<Vec<String>, Error> {
        let jobs = marketplace::jobs_of_party(conn, person.into())?;
        Ok(jobs.into_iter().map(|job| job.to_string()).collect())
    }
}
