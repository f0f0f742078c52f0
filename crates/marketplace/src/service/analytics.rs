//! What somebody's own jobs and bids come to.

use kernel::{Actor, PartyId, Role};

use super::MarketplaceService;
use crate::AnalyticsQueries;
use crate::error::Error;
use crate::model::{JobAnalytics, JobStatus, OwnBids, OwnJobs};
use crate::{rules, store};

impl AnalyticsQueries for MarketplaceService {
    fn job_analytics(&self, actor: &Actor) -> Result<JobAnalytics, Error> {
        Ok(match actor.role {
            Role::Homeowner => JobAnalytics { jobs: Some(self.own_jobs(actor.party)?), bids: None },
            Role::Contractor => JobAnalytics { jobs: None, bids: Some(self.figures_of_bids(actor.party)?) },
            Role::Admin => JobAnalytics::default(),
        })
    }
}

impl MarketplaceService {
    fn own_jobs(&self, owner: PartyId) -> Result<OwnJobs, Error> {
        // What is revealed is a decision, so it goes by the database's clock.
        let now = self.db.now()?;
        self.db.read(|conn| {
            let found = store::analytics::count_own(conn, owner)?;
            let of = |status: &JobStatus| found.get(status).copied().unwrap_or_default();
            let counts: Vec<(JobStatus, i64)> =
                JobStatus::ALL.iter().map(|status| (*status, of(status).jobs)).collect();
            let posted = counts.iter().filter(|(status, _)| *status != JobStatus::Draft);
            let posted = posted.map(|(_, jobs)| jobs).sum();
            let awarded = found.values().map(|count| count.awarded).sum();
            let completed = of(&JobStatus::Completed).jobs;
            Ok(OwnJobs {
                counts,
                posted,
                awarded,
                completed,
                awarded_share: rules::share(awarded, posted),
                completed_share: rules::share(completed, awarded),
                first_bid: store::analytics::first_bids(conn, owner, now)?,
                prices: store::analytics::prices(conn, owner)?,
                views: store::analytics::views(conn, owner)?,
            })
        })
    }

    fn figures_of_bids(&self, contractor: PartyId) -> Result<OwnBids, Error> {
        let tallies = self.db.read(|conn| store::analytics::tallies(conn, contractor))?;
        Ok(rules::own_bids(&tallies))
    }
}
