//! Jobs: what is posted where by whom, and what became of it.

use chrono::Datelike;
use identity::geo::{GeoPoint, snap_to_grid};
use kernel::{Currency, PartyId};
use marketplace::{
    Address, Area, Budget, Country, JobId, JobStatus, Place as Text, PublicJob, Reveal, Urgency,
};

use crate::cast::{Cast, Stage, instant, point};
use crate::data::{Place, TradeFacts, WORLD};
use crate::dice::Dice;
use crate::plan::{DAY, Plan, Slot};
use crate::write;

/// Days of bidding that people choose; two weeks, if they say nothing.
const BIDDING_DAYS: [i64; 13] = [3, 5, 7, 7, 10, 14, 14, 14, 14, 21, 30, 60, 90];
/// Days in which a bid can be chosen after that.
const ACCEPTANCE_DAYS: i64 = 14;

/// A job with what is known about it beside its rows.
pub(crate) struct Posted {
    pub(crate) job: PublicJob,
    pub(crate) address: Address,
    pub(crate) place: usize,
    pub(crate) trade: usize,
    /// What it would usually cost, in minor units.
    pub(crate) fair: i64,
    pub(crate) published: i64,
    /// Until when bids came in.
    pub(crate) until: i64,
    /// When it was decided, and for a job that was done when it was finished.
    pub(crate) decided: i64,
    pub(crate) ended: i64,
}

/// The job of a slot, as it stands today.
pub(crate) fn post(slot: &Slot, plan: &Plan, stage: &Stage, cast: &Cast, dice: &mut Dice) -> Option<Posted> {
    let at = slot.at;
    let month = usize::try_from(instant(at).month0()).unwrap_or_default();
    let (place_at, trade_at) = (stage.place(dice), stage.trade(month, dice));
    let (place, trade) = (WORLD.places.get(place_at)?, WORLD.trades.get(trade_at)?);
    let owner = cast.homeowner(place_at, at, dice)?;
    let urgency = urgency(dice);
    let told = write::job(trade, month, urgency, dice);
    let fair = fair(trade, place, urgency, dice);
    let exact = point(place, dice);
    let (address, area) = address(place, exact, dice)?;
    let course = Course::of(slot, plan, dice);
    let published = course.status != JobStatus::Draft;
    let wanted = dice.chance(35).then(|| instant(course.deadline + dice.between(2, 30) * DAY).date_naive());
    let job = PublicJob {
        id: JobId::from(dice.id(at)),
        homeowner: owner.party,
        contractor: None::<PartyId>,
        status: course.status,
        title: told.title,
        description: told.description,
        category: trade.trade.slug().to_owned(),
        skills: told.skills,
        area,
        budget: budget(fair, dice),
        currency: currency(place),
        urgency,
        wanted_start: wanted,
        bidding_deadline: published.then(|| instant(course.deadline)),
        accept_until: published.then(|| instant(course.accept_until)),
        reveal: if dice.chance(20) { Reveal::AtClose } else { Reveal::OnArrival },
        published_at: published.then(|| instant(at)),
        version: course.version(),
        created_at: instant(at),
        updated_at: instant(course.changed(at)),
    };
    Some(Posted {
        job,
        address,
        place: place_at,
        trade: trade_at,
        fair,
        published: at,
        until: course.deadline.min(plan.today() - 1).min(course.decided),
        decided: course.decided,
        ended: course.ended,
    })
}

/// What became of a job, and when.
struct Course {
    status: JobStatus,
    deadline: i64,
    accept_until: i64,
    decided: i64,
    ended: i64,
}

impl Course {
    fn of(slot: &Slot, plan: &Plan, dice: &mut Dice) -> Self {
        let (at, today) = (slot.at, plan.today());
        let chosen = dice.pick(&BIDDING_DAYS).copied().unwrap_or(ACCEPTANCE_DAYS) * DAY;
        let open = |days: &i64| at + (days + ACCEPTANCE_DAYS - 3) * DAY > today;
        let still = |days: &i64| at + (days - 1) * DAY > today;
        // An open one has to be open yet: nearly always bids are still taken, sometimes the owner only has to choose.
        let bidding = match BIDDING_DAYS
            .iter()
            .find(|days| still(days))
            .or_else(|| BIDDING_DAYS.iter().find(|days| open(days)))
        {
            Some(days) if slot.open => {
                let fits = if dice.chance(6) { open(&(chosen / DAY)) } else { still(&(chosen / DAY)) };
                if fits { chosen } else { days * DAY }
            }
            _ => chosen,
        };
        let deadline = at + bidding;
        let accept_until = deadline + ACCEPTANCE_DAYS * DAY;
        let decided = deadline - dice.between(0, bidding / 4) + dice.between(0, 3 * DAY);
        let ended = decided + dice.between(3, 40) * DAY;
        let mut course =
            Self { status: JobStatus::Open, deadline, accept_until, decided: i64::MAX, ended: i64::MAX };
        if !slot.open {
            let thrown = dice.below(100);
            course.status = match thrown {
                0..68 if ended < today => JobStatus::Completed,
                68..86 if accept_until < today => JobStatus::Expired,
                96.. => JobStatus::Draft,
                _ => JobStatus::Cancelled,
            };
            course.decided = match course.status {
                JobStatus::Completed => decided,
                JobStatus::Expired => accept_until,
                JobStatus::Cancelled => {
                    dice.between(at + DAY / 24, decided.min(today - 1).max(at + DAY / 24))
                }
                _ => i64::MAX,
            };
            course.ended = if course.status == JobStatus::Completed { ended } else { course.decided };
        }
        course
    }

    /// Each change of state counts: done means chosen, begun and finished.
    fn version(&self) -> i32 {
        match self.status {
            JobStatus::Completed => 4,
            JobStatus::Cancelled | JobStatus::Expired => 2,
            _ => 1,
        }
    }

    fn changed(&self, posted: i64) -> i64 {
        match self.status {
            JobStatus::Open | JobStatus::Draft => posted,
            _ => self.ended,
        }
    }
}

impl Posted {
    /// Nobody bid: there was nobody to choose, and the time to choose ran out.
    pub(crate) fn was_left_alone(&mut self) {
        if self.job.status == JobStatus::Completed {
            self.job.status = JobStatus::Expired;
            self.job.version = 2;
            let accept_until = self.job.accept_until.map_or(self.ended, |end| end.timestamp_millis());
            // Finished before today, it was decided long enough ago for this to be over too; if not, it was called off.
            if accept_until > self.ended {
                self.job.status = JobStatus::Cancelled;
                self.decided = self.ended;
            } else {
                self.decided = accept_until;
            }
            self.ended = self.decided;
            self.job.updated_at = instant(self.decided);
        }
    }
}

fn urgency(dice: &mut Dice) -> Urgency {
    match dice.below(100) {
        0..5 => Urgency::Emergency,
        5..23 => Urgency::Urgent,
        23..48 => Urgency::Flexible,
        _ => Urgency::Normal,
    }
}

pub(crate) fn currency(place: &Place) -> Currency {
    if place.country == "CA" { "CAD".parse().unwrap_or(Currency::USD) } else { Currency::USD }
}

/// What such a job would cost there: small ones are more frequent than large ones.
fn fair(trade: &TradeFacts, place: &Place, urgency: Urgency, dice: &mut Dice) -> i64 {
    let (low, high) = (f64::from(trade.price.0), f64::from(trade.price.1));
    let share = (dice.unit() + dice.unit()) / 2.0 * 0.85;
    let mut cents = low * (high / low).powf(share) * f64::from(place.cost);
    if matches!(urgency, Urgency::Urgent | Urgency::Emergency) {
        cents *= 1.15;
    }
    whole(cents)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "no other way leads from a float to a whole number"
)]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

/// Most people have a range in mind, some an end of it, a few nothing.
fn budget(fair: i64, dice: &mut Dice) -> Budget {
    let round = |amount: i64| {
        let step = match amount {
            0..50_000 => 2_500,
            50_000..500_000 => 10_000,
            _ => 50_000,
        };
        (amount / step * step).max(2_500)
    };
    let least = round(fair * dice.between(65, 92) / 100);
    let most = round(fair * dice.between(108, 150) / 100).max(least);
    let (min, max) = match dice.below(100) {
        0..78 => (Some(least), Some(most)),
        78..93 => (None, Some(most)),
        _ => (None, None),
    };
    Budget::new(min, max).unwrap_or_default()
}

fn address(place: &Place, exact: Option<GeoPoint>, dice: &mut Dice) -> Option<(Address, Area)> {
    let (street, postal) = write::street(place, dice);
    let unit = dice.chance(12).then(|| format!("Unit {}", dice.between(1, 48)));
    let address = Address {
        street: Text::new(&street).ok()?,
        unit: unit.and_then(|unit| Text::new(&unit).ok()),
        city: Text::new(&place.city).ok()?,
        region: Text::new(&place.region).ok(),
        postal_code: Text::new(&postal).ok(),
        country: Country::new(&place.country).ok()?,
        point: exact,
    };
    let area = Area {
        city: place.city.clone(),
        region: Some(place.region.clone()),
        country: place.country.clone(),
        point: exact.map(snap_to_grid),
    };
    Some((address, area))
}
