//! The walk through the main job, over HTTP and as a client: what it knows it was answered, or found in somebody's mail.

mod bidding;
mod client;
mod closing;
mod contract;
mod mail;
mod people;
mod teller;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use client::Person;
use teller::Teller;

pub use teller::{Moved, Step};

/// Where to walk, and how.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Where the server is: `http://127.0.0.1:8080`.
    pub base: String,
    /// The folder that the server writes its mail to. Without it nobody new can prove an address, and the demo's people walk.
    pub mail: Option<PathBuf>,
    /// How long to wait for what happens by itself: mail, payouts.
    pub patience: Duration,
}

/// The walk, as it went.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// Where.
    pub server: String,
    /// The job, `job_…`.
    pub job_id: String,
    /// The contract, `ctr_…`.
    pub contract_id: String,
    /// What happened.
    pub steps: Vec<Step>,
    /// The books at the end, as `GET /api/admin/ledger/trial-balance` answered.
    pub trial_balance: Value,
}

/// Why the walk did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// Nobody answers at the address.
    #[error("{url} does not answer: {reason}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What the transport said.
        reason: String,
    },
    /// The server answered otherwise than the walk expects.
    #[error("{method} {path} answered {status} where {expected} was expected: {body}")]
    Unexpected {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// The expected one.
        expected: u16,
        /// The answer.
        body: String,
    },
    /// The answer lacks what the walk goes on with.
    #[error("the answer lacks {pointer}: {body}")]
    Lacking {
        /// A JSON Pointer.
        pointer: String,
        /// The answer.
        body: String,
    },
    /// What happens by itself did not happen in time.
    #[error("waited {seconds} s for {what}; are the workers running?")]
    Waited {
        /// For what.
        what: String,
        /// How long.
        seconds: u64,
    },
    /// The product broke one of its promises.
    #[error("{0}")]
    Broken(String),
    /// Anything else.
    #[error("{0}")]
    Otherwise(String),
    /// Any of these, with the step that it happened at.
    #[error("step {number} failed: {cause}")]
    AtStep {
        /// The number of the step that was under way.
        number: usize,
        /// What happened.
        cause: Box<Self>,
    },
}

/// Walks a job from three registrations to the trial balance; `tell` is given each line as it happens.
///
/// # Errors
/// [`WalkError::AtStep`], at the first thing that does not go as it should.
pub fn walk(walk: &Walk, tell: &mut dyn FnMut(&str)) -> Result<Story, WalkError> {
    let mut teller = Teller::new(tell);
    match take(walk, &mut teller) {
        Ok((job_id, contract_id, trial_balance)) => Ok(Story {
            server: walk.base.clone(),
            job_id,
            contract_id,
            steps: teller.into_steps(),
            trial_balance,
        }),
        Err(cause) => Err(WalkError::AtStep { number: teller.count() + 1, cause: Box::new(cause) }),
    }
}

fn take(walk: &Walk, teller: &mut Teller<'_>) -> Result<(String, String, Value), WalkError> {
    let anyone = Person::new(&walk.base)?;
    teller.chapter("People");
    let cast = people::enter(walk, &anyone, teller)?;
    teller.chapter("A job, and bids that are blind");
    let job = bidding::post(&cast, teller)?;
    let bids = bidding::bid(&cast, &job, teller)?;
    let contract = bidding::accept(&cast, &job, &bids, teller)?;
    teller.chapter("A contract that both sign, and money that is held");
    contract::sign(&cast, &contract, teller)?;
    let escrow = contract::fund(&cast, &contract, teller)?;
    teller.chapter("Work, inspection, release");
    work::carry_out(walk, &cast, &contract, &escrow, teller)?;
    closing::completed(&cast, &job, &contract, teller)?;
    teller.chapter("Two reviews, neither seen before both are in");
    closing::review(&cast, &contract, teller)?;
    teller.chapter("Bids that are sealed until the deadline");
    bidding::sealed(&cast, teller)?;
    teller.chapter("Who was told, and the books");
    closing::told(walk, &cast, teller)?;
    let books = closing::books(&cast, teller)?;
    Ok((job, contract, books))
}

/// What a promise of the product comes to: it holds, or the walk ends here.
fn promised(holds: bool, broken: &str) -> Result<(), WalkError> {
    if holds { Ok(()) } else { Err(WalkError::Broken(format!("{broken}: this should not be possible"))) }
}
