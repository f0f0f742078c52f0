//! How well a job fits a contractor. Nothing of it depends on other people's bids.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use identity::geo::GeoPoint;
use kernel::{Currency, Instant};
use taxonomy::Taxonomy;

use super::reasons::Score;
use super::weights::{
    BUDGET, BUSY, CLOSING, DISTANCE, EXPERIENCE, FRESH, LICENSED, NOT_VERIFIED, SKILLS, TRADE,
};
use crate::model::{Budget, JobCard, Urgency};

/// How far a contractor goes who does not say, in kilometres.
pub const SERVICE_KM_DEFAULT: i32 = 50;
/// Within this far all points for nearness are given.
const NEAR_KM: f64 = 5.0;
/// As many prices that a contractor won at say what is usual.
const WINS_MIN: usize = 3;
/// Days for which a new job loses a point.
const FRESH_DAYS: i64 = 3;
/// Until then bidding is about to end.
const CLOSING_HOURS: i64 = 48;
/// What begins within so many days is to begin soon.
const SOON_DAYS: i64 = 14;
/// The earth's mean radius.
const EARTH_KM: f64 = 6_371.008_8;

/// What is known of a contractor that jobs are recommended to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContractorSide {
    /// The trades worked in.
    pub trades: BTreeSet<String>,
    /// The skills, as [`skill_key`] has them.
    pub skills: BTreeSet<String>,
    /// The public place.
    pub point: Option<GeoPoint>,
    /// How far from there the contractor goes.
    pub service_km: i32,
    /// Whether bidding is allowed: licence and insurance were checked and hold.
    pub verified: bool,
    /// The trades of checked licences that hold; none is for any trade.
    pub licences: Vec<Option<String>>,
    /// The prices at which the contractor won, in minor units.
    pub wins: Vec<(Currency, i64)>,
    /// How many jobs of each trade the contractor finished here.
    pub finished: BTreeMap<String, i64>,
    /// How many jobs are under way.
    pub under_way: i64,
    /// So many are as much as a contractor is thought able to do.
    pub busy_from: i64,
}

/// A skill as it is compared: the taxonomy's slug when it means one, else its words.
#[must_use]
pub fn skill_key(skill: &str) -> String {
    let words = skill.to_lowercase().replace(['-', '_'], " ");
    let meant = Taxonomy::shipped().understand(&words).into_iter().find_map(|found| found.skill);
    meant.map_or_else(
        || words.split_whitespace().collect::<Vec<_>>().join("-"),
        |skill| skill.slug().to_owned(),
    )
}

/// How far it is from one point to another along the surface of a sphere.
#[must_use]
pub fn km_between(a: GeoPoint, b: GeoPoint) -> f64 {
    let (dlat, dlng) = ((b.lat() - a.lat()).to_radians(), (b.lng() - a.lng()).to_radians());
    let h = (dlat / 2.0).sin().powi(2)
        + a.lat().to_radians().cos() * b.lat().to_radians().cos() * (dlng / 2.0).sin().powi(2);
    2.0 * EARTH_KM * h.sqrt().min(1.0).asin()
}

/// How well a job fits; nothing when it lies beyond where the contractor goes.
#[must_use]
pub fn recommendation(side: &ContractorSide, job: &JobCard, now: Instant) -> Option<Score> {
    let km = side.point.zip(job.area.point).map(|(a, b)| km_between(a, b));
    if km.is_some_and(|km| km > f64::from(side.service_km)) {
        return None;
    }
    let mut score = Score::default();
    if let Some(km) = km {
        let points = near(DISTANCE.points, km, f64::from(side.service_km));
        score.add(points, DISTANCE.code, away(km));
    }
    by_trade(&mut score, side, job);
    by_skills(&mut score, side, job);
    by_budget(&mut score, side, job);
    by_time(&mut score, side, job, now);
    if !side.verified {
        let text = "You cannot bid until your licence and insurance have been checked";
        score.add(NOT_VERIFIED.points, NOT_VERIFIED.code, text);
    }
    Some(score)
}

fn by_trade(score: &mut Score, side: &ContractorSide, job: &JobCard) {
    let trade = Taxonomy::shipped().trade(&job.category);
    let name = trade.map_or(job.category.as_str(), taxonomy::Trade::name);
    if side.trades.contains(&job.category) {
        score.add(TRADE.points, TRADE.code, format!("In your trade: {name}"));
    }
    let fits = |licence: &Option<String>| licence.as_ref().is_none_or(|trade| *trade == job.category);
    if side.verified && side.licences.iter().any(fits) {
        score.add(LICENSED.points, LICENSED.code, "Licensed for this trade");
    }
    let finished = side.finished.get(&job.category).copied().unwrap_or_default();
    if finished > 0 {
        let points = i32::try_from(finished).unwrap_or(i32::MAX).min(EXPERIENCE.points);
        let text = format!("{finished} {} like it finished", if finished == 1 { "job" } else { "jobs" });
        score.add(points, EXPERIENCE.code, text);
    }
}

fn by_skills(score: &mut Score, side: &ContractorSide, job: &JobCard) {
    let asked: BTreeSet<String> = job.skills.iter().map(|skill| skill_key(skill)).collect();
    let had = asked.intersection(&side.skills).count();
    if had > 0 {
        let text = match asked.len() {
            1 => "You have the skill asked for".to_owned(),
            all if all == had => format!("You have all {all} skills asked for"),
            all => format!("You have {had} of the {all} skills asked for"),
        };
        score.add(share(SKILLS.points, had, asked.len()), SKILLS.code, text);
    }
}

fn by_budget(score: &mut Score, side: &ContractorSide, job: &JobCard) {
    let mut won: Vec<i64> = side
        .wins
        .iter()
        .filter(|(currency, _)| *currency == job.currency)
        .map(|(_, amount)| *amount)
        .collect();
    won.sort_unstable();
    let quarter = won.len() / 4;
    let middle = won.get(quarter).copied().zip(won.iter().rev().nth(quarter).copied());
    let Some((low, high)) = middle.filter(|_| won.len() >= WINS_MIN) else { return };
    if meets(job.budget, low, high) {
        score.add(BUDGET.points, BUDGET.code, "The budget is what you usually win at");
    } else if meets(job.budget, low / 2, high.saturating_mul(2)) {
        score.add(BUDGET.points / 2, BUDGET.code, "The budget is near what you usually win at");
    }
}

fn by_time(score: &mut Score, side: &ContractorSide, job: &JobCard, now: Instant) {
    let days = job.published_at.map_or(i64::MAX, |at| (now - at).num_days().max(0));
    let fresh = i64::from(FRESH.points) - days / FRESH_DAYS;
    if fresh > 0 {
        score.add(i32::try_from(fresh).unwrap_or_default(), FRESH.code, posted(days));
    }
    let left = job.bidding_deadline.map(|deadline| deadline - now);
    if left.is_some_and(|left| left > TimeDelta::zero() && left <= TimeDelta::hours(CLOSING_HOURS)) {
        score.add(CLOSING.points, CLOSING.code, "Bidding ends within two days");
    }
    if side.under_way >= side.busy_from && is_soon(job, now) {
        let text = format!("You have {} jobs under way, and this one is to begin soon", side.under_way);
        score.add(BUSY.points, BUSY.code, text);
    }
}

fn is_soon(job: &JobCard, now: Instant) -> bool {
    let last = now.date_naive().checked_add_signed(TimeDelta::days(SOON_DAYS));
    matches!(job.urgency, Urgency::Urgent | Urgency::Emergency)
        || job.wanted_start.zip(last).is_some_and(|(start, last)| start <= last)
}

/// Whether a budget has an amount in common with this range; what names neither end says nothing.
pub(super) fn meets(budget: Budget, low: i64, high: i64) -> bool {
    let named = budget.min().is_some() || budget.max().is_some();
    named && budget.min().is_none_or(|min| min <= high) && budget.max().is_none_or(|max| max >= low)
}

/// When a job was posted, in words.
pub(super) fn posted(days: i64) -> String {
    match days {
        0 => "Posted within a day".to_owned(),
        1 => "Posted a day ago".to_owned(),
        days => format!("Posted {days} days ago"),
    }
}

/// How far, in words; the points are of a grid of about 1 km.
pub(super) fn away(km: f64) -> String {
    if km < 1.0 { "Less than 1 km away".to_owned() } else { format!("{km:.0} km away") }
}

/// The points for being this far: all of them up to [`NEAR_KM`], none at `edge`.
pub(super) fn near(points: i32, km: f64, edge: f64) -> i32 {
    let share = if km <= NEAR_KM { 1.0 } else { ((edge - km) / (edge - NEAR_KM)).clamp(0.0, 1.0) };
    whole(points, share)
}

/// The whole points of a share from 0 to 1.
pub(super) fn whole(points: i32, share: f64) -> i32 {
    let earned = f64::from(points) * share + 0.5;
    (0..=points).rev().find(|whole| f64::from(*whole) <= earned).unwrap_or_default()
}

/// The points for so many of so many.
pub(super) fn share(points: i32, have: usize, of: usize) -> i32 {
    let number = |count: usize| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    if of == 0 { 0 } else { whole(points, number(have) / number(of)) }
}

#[cfg(test)]
mod tests;
