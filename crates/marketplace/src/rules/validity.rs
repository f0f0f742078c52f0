//! Until when a bid stands.

use chrono::TimeDelta;
use kernel::{Fault, Instant};

use crate::model::{JobFacts, Reveal};
use crate::settings::Settings;

/// Whether an offer still stands. The end itself is too late, as with every deadline.
#[must_use]
pub fn in_force(valid_until: Option<Instant>, now: Instant) -> bool {
    valid_until.is_none_or(|end| now < end)
}

/// Whether an offer can be made, or revised, that stands until then. One on a sealed job has to outlive its deadline: before it nobody could
/// choose it.
///
/// # Errors
/// A fault when it would end too early or too late.
pub fn check_validity(
    settings: &Settings,
    job: &JobFacts,
    valid_until: Option<Instant>,
    now: Instant,
) -> Result<(), Fault> {
    let Some(end) = valid_until else { return Ok(()) };
    let days = settings.bid_validity_days_max;
    let latest = TimeDelta::days(i64::from(days));
    if !in_force(valid_until, now) || end.signed_duration_since(now) > latest {
        let message = format!("has to be later than now and at most {days} days ahead");
        return Err(Fault::new("", "out_of_range", message));
    }
    let sealed_until = job.bidding_deadline.filter(|_| job.reveal == Reveal::AtClose);
    if sealed_until.is_some_and(|deadline| end <= deadline) {
        let message = "has to be later than the bidding deadline, until which the bids are sealed";
        return Err(Fault::new("", "before_deadline", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kernel::{Currency, PartyId, TypedId};
    use uuid::Uuid;

    use super::*;
    use crate::model::{JobId, JobStatus};

    fn after(seconds: i64) -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn an_offer_stands_until_its_end_and_not_at_it() {
        let end = Some(after(10));
        for (now, stands) in [(9, true), (10, false), (11, false)] {
            assert_eq!(in_force(end, after(now)), stands, "{now}");
        }
        assert!(in_force(None, after(1_000_000)));
    }

    #[test]
    fn the_end_is_ahead_and_of_a_sealed_job_beyond_the_deadline() {
        let day = 24 * 60 * 60;
        let job = |reveal| JobFacts {
            id: JobId::from_uuid(Uuid::nil()),
            homeowner: PartyId::from_uuid(Uuid::nil()),
            status: JobStatus::Open,
            reveal,
            bidding_deadline: Some(after(14 * day)),
            accept_until: Some(after(28 * day)),
            currency: Currency::USD,
        };
        let (open, sealed) = (job(Reveal::OnArrival), job(Reveal::AtClose));
        for (job, end, fault) in [
            (&open, None, None),
            (&sealed, None, None),
            (&open, Some(0), Some("out_of_range")),
            (&open, Some(1), None),
            (&open, Some(365 * day), None),
            (&open, Some(365 * day + 1), Some("out_of_range")),
            (&sealed, Some(14 * day), Some("before_deadline")),
            (&sealed, Some(14 * day + 1), None),
        ] {
            let judged = check_validity(&Settings::default(), job, end.map(after), after(0));
            assert_eq!(judged.err().map(|fault| fault.code.to_string()).as_deref(), fault, "{end:?}");
        }
    }
}
