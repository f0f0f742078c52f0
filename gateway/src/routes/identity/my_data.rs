//! `/api/users/me/data`: what is held about whoever asks, and its end.

use identity::{Blocker, Error};

use crate::{Context, Operation, Problem, ProblemBlocker, Reply, SignedIn, Who, error};

/// What is held about whoever asks.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::delete("/api/users/me/data")
            .summary("Erase one's own account")
            .description(
                "At once and for good. Needs a step-up: `POST /api/auth/step-up` first. Open jobs are cancelled, bids that wait are withdrawn, and \
                 everything by which the person could be told is taken off what others need: contracts, the ledger and reviews stay, of a \
                 \"Former member\". Every session ends, and the e-mail address is free for a new account. While money is held or on its way, or \
                 a contract waits for signatures or runs, the answer is 409 with `blockers`: all that has to end first. Signed documents and the \
                 evidence of signatures stay, encrypted, for as long as the law has them kept. Export your data first: nothing of it comes back.",
            )
            .by(Who::SignedIn)
            .answers_empty(204, "The account is erased.")
            .errors(&[
                error(403, "step_up_required", "The session has not proved lately who it is of."),
                error(409, "erasure_blocked", "Something has to end first; `blockers` names all of it."),
                error(409, "last_administrator", "Nobody would be left to administrate."),
            ])
            .to(erase_my_data),
    ]
}

async fn erase_my_data(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    // Not a command as others are: those wait for it, or it for them.
    context.heavy(move |commands| commands.identity.erase_person(&actor).map_err(problem)).await?;
    Ok(Reply::no_content())
}

/// With all that has to end first.
fn problem(error: Error) -> Problem {
    let blockers = match &error {
        Error::ErasureBlocked(blockers) => blockers.iter().map(ProblemBlocker::from).collect(),
        _ => Vec::new(),
    };
    Problem::from(error).with_blockers(blockers)
}

impl From<&Blocker> for ProblemBlocker {
    fn from(blocker: &Blocker) -> Self {
        Self {
            code: blocker.code.to_owned(),
            message: blocker.message.clone(),
            kind: blocker.kind.to_owned(),
            id: blocker.id.clone(),
        }
    }
}
