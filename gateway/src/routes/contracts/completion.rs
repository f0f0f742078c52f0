//! `/api/jobs/{jobId}/complete`: it lies among the jobs, and what it needs to know is the contract's milestones.

use contracts::{Error, MilestoneId, MilestoneStatus};
use marketplace::JobId;

use crate::routes::marketplace::job_views::JobView;
use crate::{Context, Homeowner, Operation, Path, Problem, ProblemBlocker, Reply, Who, error};

/// Completing a job.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/jobs/{jobId}/complete")
            .summary("Complete a job")
            .description(
                "When every milestone of its contract is finished. The last of them completes the job anyway: then, and a second time, the answer is the job as \
                 it is. Otherwise `blockers` names each milestone that is in the way.",
            )
            .by(Who::Homeowner)
            .answers::<JobView>(200, "The job, completed.", JobView::example())
            .errors(&[
                error(409, "milestones_unfinished", "Milestones are not finished; `blockers` names each.")
                    .in_state("IN_PROGRESS", &[]),
                error(409, "job_state", "There is no work under way: nobody was chosen, or the contract is not signed.")
                    .in_state("OPEN", &["edit", "cancel", "accept_bid"]),
            ])
            .to(complete_job),
    ]
}

async fn complete_job(context: Context, homeowner: Homeowner, job: Path<JobId>) -> Result<Reply, Problem> {
    let complete = move |commands: &platform::Commands| {
        commands.contracts.complete_job(homeowner.view(), *job).map_err(problem)
    };
    context
        .command(complete, |job| {
            let version = job.job.version;
            Reply::ok(&JobView::from(job)).version(version)
        })
        .await
}

/// With each milestone that is in the way.
fn problem(error: Error) -> Problem {
    let blockers = match &error {
        Error::MilestonesUnfinished { milestones, .. } => milestones.iter().map(blocker).collect(),
        _ => Vec::new(),
    };
    Problem::from(error).with_blockers(blockers)
}

fn blocker((id, status): &(MilestoneId, MilestoneStatus)) -> ProblemBlocker {
    ProblemBlocker {
        code: "milestone_unfinished".to_owned(),
        message: format!("The milestone is {}.", status.as_str()),
        kind: "milestone".to_owned(),
        id: id.to_string(),
    }
}
