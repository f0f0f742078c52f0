//! Jobs, bids and reviews.

pub mod admin_reviews;
pub mod attachment_views;
pub mod attachments;
pub mod bid_forms;
pub mod bid_views;
pub mod bids;
pub mod comparison;
pub mod comparison_views;
pub mod confirmation;
pub mod directory;
pub mod figures;
pub mod job_analytics;
pub mod job_forms;
pub mod job_views;
pub mod jobs;
pub mod recommendations;
pub mod review_forms;
pub mod reviews;
pub mod search;
pub mod search_views;
mod views;
pub mod words;

use actix_web::http::StatusCode;
use kernel::{Fault, Faults};

use crate::operation::Operation;
use crate::{Context, Problem};

/// The operations of this folder.
#[must_use]
pub fn operations() -> Vec<Operation> {
    [
        jobs::operations(),
        bids::operations(),
        comparison::operations(),
        attachments::operations(),
        job_analytics::operations(),
        confirmation::operations(),
        reviews::operations(),
        admin_reviews::operations(),
        directory::operations(),
        figures::operations(),
        search::operations(),
        recommendations::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The version that an `If-Match` names. The marketplace's versions are smaller than the header's could be; a larger one is none of them.
fn expected_version(context: &Context) -> Result<Option<i32>, Problem> {
    let version = context.expected_version()?;
    version.map(|version| i32::try_from(version).map_err(|_| Problem::stale_precondition())).transpose()
}

/// A fault in a query parameter is 400, as every other there.
fn refused_parameters(faults: Faults) -> Problem {
    let faults = faults.into_vec().into_iter();
    let named = faults.map(|fault| Fault { pointer: fault.pointer.replacen('/', "?", 1), ..fault });
    Problem::invalid(StatusCode::BAD_REQUEST, named.collect())
}
