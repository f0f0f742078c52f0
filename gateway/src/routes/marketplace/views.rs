//! A look at a job, as far as it is interest in it.

use kernel::Actor;
use marketplace::{JobLook, PublicJob, rules};

use crate::Context;
use crate::request::address;
use crate::views::is_program;

/// Notes that somebody reads this job; it takes no time, and whoever reads does not wait for it.
pub(super) fn note(context: &Context, viewer: Option<&Actor>, job: &PublicJob) {
    if rules::is_interest(viewer, job) && !is_program(context.user_agent()) {
        let network = address::bucket(context.address());
        let party = viewer.map(|actor| actor.party);
        context.app().views().note(JobLook { job: job.id, party, network }, context.app().now());
    }
}
