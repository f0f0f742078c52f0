//! Everything in the order of time: people, then day by day the jobs of the day and the bids of the day.

use kernel::{Instant, Role};
use marketplace::bulk::SealedBid;
use marketplace::rules::ViewerKeys;
use marketplace::{
    Address, BidStatus, JobId, JobStatus, OpenReview, PublicJob, Review, ReviewId, ReviewStatus,
};

use identity::bulk::Resident;

use crate::cast::{Cast, Stage, instant};
use crate::data::WORLD;
use crate::dice::{Dice, Stream};
use crate::offers::{self, Pending};
use crate::plan::{DAY, Plan, Slot, spread};
use crate::posting::{Posted, post};
use crate::write;

/// Rows that go together.
const BATCH: usize = 4_000;
/// Days in which both may review.
const REVIEW_DAYS: i64 = 14;
/// No job has more bids, however sought it is, as long as the others can take them.
const BIDS_OF_A_JOB: u64 = 60;

/// Of a hundred open jobs so many are looked at on the last day, by fewer people than this each.
const LOOKED_AT: u64 = 15;
const LOOKS: u64 = 20;

/// Rows that belong together, in an order in which each finds what it refers to.
#[derive(Debug)]
pub(crate) enum Batch {
    People(Vec<Resident>),
    Jobs(Vec<(PublicJob, Address)>),
    Bids(Vec<SealedBid>),
    Reviews(Vec<OpenReview>, Vec<Review>),
    Looks(Instant, Vec<(JobId, ViewerKeys)>),
}

/// Nobody takes what is made any more.
#[derive(Debug)]
pub(crate) enum Stop {
    Gone,
    Failed(database::Error),
}

impl From<database::Error> for Stop {
    fn from(error: database::Error) -> Self {
        Self::Failed(error)
    }
}

/// Makes all of it, and hands it on piece by piece.
pub(crate) fn make(plan: &Plan, take: &mut dyn FnMut(Batch) -> Result<(), Stop>) -> Result<(), Stop> {
    let (stage, mut cast) = (Stage::of(plan), Cast::default());
    let mut people = Vec::with_capacity(BATCH);
    for n in 0..plan.people {
        people.push(cast.enter(n, plan, &stage));
        if people.len() == BATCH {
            take(Batch::People(std::mem::take(&mut people)))?;
        }
    }
    take(Batch::People(people))?;
    let slots = plan.calendar();
    let wanted = shares(plan, &slots, u64::try_from(cast.contractors.len()).unwrap_or_default());
    let days = usize::from(plan.days) + 1;
    let mut works = Works {
        plan,
        stage,
        cast,
        days: vec![Vec::new(); days],
        looked_at: Vec::new(),
        missing: 0,
        handed_out: 0,
    };
    let mut rest: &[Slot] = &slots;
    let mut n: u32 = 0;
    let mut wanted = wanted.into_iter();
    for day in 0..days {
        let end = plan.first_day() + i64::try_from(day + 1).unwrap_or_default() * DAY;
        let (today, later) = rest.split_at(rest.partition_point(|slot| slot.at < end));
        rest = later;
        let mut made = Made::default();
        for slot in today {
            works.slot(n, slot, wanted.next().unwrap_or_default(), &mut made);
            n += 1;
            if made.jobs.len() >= BATCH {
                made.hand_on(take)?;
            }
        }
        made.hand_on(take)?;
        works.bids_of(day, take)?;
    }
    works.looks(take)
}

/// How many bids each job is to have.
fn shares(plan: &Plan, slots: &[Slot], contractors: u64) -> Vec<u64> {
    let most = BIDS_OF_A_JOB.min(contractors);
    let shares = spread(plan.bids.into(), slots.iter().map(|slot| u64::from(slot.sought) + 1));
    let mut over = 0;
    let capped = shares.into_iter().map(|share| {
        let given = (share + over).min(most);
        over = share + over - given;
        given
    });
    capped.collect()
}

struct Works<'a> {
    plan: &'a Plan,
    stage: Stage,
    cast: Cast,
    /// Bids by the day on which they are handed in.
    days: Vec<Vec<Pending>>,
    /// Jobs that people look at these days, each with how many do.
    looked_at: Vec<(JobId, u64)>,
    /// Bids that were wanted of jobs that could not take them.
    missing: u64,
    handed_out: u64,
}

#[derive(Default)]
struct Made {
    jobs: Vec<(PublicJob, Address)>,
    windows: Vec<OpenReview>,
    reviews: Vec<Review>,
}

impl Made {
    fn hand_on(&mut self, take: &mut dyn FnMut(Batch) -> Result<(), Stop>) -> Result<(), Stop> {
        if !self.jobs.is_empty() {
            take(Batch::Jobs(std::mem::take(&mut self.jobs)))?;
        }
        if !self.windows.is_empty() {
            take(Batch::Reviews(std::mem::take(&mut self.windows), std::mem::take(&mut self.reviews)))?;
        }
        Ok(())
    }
}

impl Works<'_> {
    fn slot(&mut self, n: u32, slot: &Slot, wanted: u64, made: &mut Made) {
        let mut dice = Dice::new(self.plan.number, Stream::Job(n));
        let Some(mut posted) = post(slot, self.plan, &self.stage, &self.cast, &mut dice) else { return };
        let bids = self.offers(&posted, wanted, &mut dice);
        let winner = winner(&posted, &bids);
        if winner.is_none() {
            posted.was_left_alone();
        }
        posted.job.contractor = winner.and_then(|at| bids.get(at)).map(|bid| bid.contractor.party);
        for (at, mut bid) in bids.into_iter().enumerate() {
            decide(&mut bid, &posted, winner == Some(at), &mut dice);
            if winner == Some(at) {
                review(&posted, &bid, self.plan, made, &mut dice);
            }
            self.schedule(bid);
        }
        if posted.job.status == JobStatus::Open && dice.chance(LOOKED_AT) {
            self.looked_at.push((posted.job.id, 1 + dice.below(LOOKS) * dice.below(LOOKS) / LOOKS));
        }
        made.jobs.push((posted.job, posted.address));
    }

    /// The bids on a job, as they were handed in.
    fn offers(&mut self, posted: &Posted, wanted: u64, dice: &mut Dice) -> Vec<Pending> {
        self.missing += wanted;
        if posted.job.status == JobStatus::Draft {
            return Vec::new();
        }
        let until = posted.until.max(posted.published + 1);
        let from = (posted.published + DAY / 48).min(until);
        let most = BIDS_OF_A_JOB.min(self.missing);
        let wanted = usize::try_from(most).unwrap_or_default();
        let (place, trade) = (posted.place, posted.trade);
        let bidders = self.cast.bidders((place, trade), wanted, posted.published, dice);
        self.missing -= u64::try_from(bidders.len()).unwrap_or_default();
        let mut bids = Vec::with_capacity(bidders.len());
        for contractor in bidders.into_iter().filter_map(|at| self.cast.contractors.get(at)) {
            let first = offers::amount(posted.fair, contractor.dear, dice);
            let at = offers::moment(from, until, dice);
            let (last, then) = offers::revision(first, at, until, dice).unwrap_or((first, at));
            self.handed_out += 1;
            bids.push(Pending {
                job: posted.job.id,
                contractor: *contractor,
                currency: posted.job.currency,
                amounts: (first, last),
                times: (at, then),
                status: BidStatus::Submitted,
                decided: None,
                reason: None,
                stream: self.handed_out,
            });
        }
        bids
    }

    fn schedule(&mut self, bid: Pending) {
        let day = usize::try_from((bid.times.0 - self.plan.first_day()) / DAY).unwrap_or_default();
        let last = self.days.len().saturating_sub(1);
        if let Some(of_day) = self.days.get_mut(day.min(last)) {
            of_day.push(bid);
        }
    }

    /// Who looked at what on the last day; everybody's hashes are new, as they are on any day.
    fn looks(&mut self, take: &mut dyn FnMut(Batch) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut dice = Dice::new(self.plan.number, Stream::Looks);
        let at = instant(self.plan.today() - DAY / 24);
        let mut looks = Vec::with_capacity(BATCH);
        for (job, count) in std::mem::take(&mut self.looked_at) {
            for _ in 0..count {
                let (viewer, network) = (dice.hash(), dice.hash());
                looks.push((job, ViewerKeys { viewer, network }));
            }
            if looks.len() >= BATCH {
                take(Batch::Looks(at, std::mem::take(&mut looks)))?;
            }
        }
        take(Batch::Looks(at, looks))
    }

    fn bids_of(&mut self, day: usize, take: &mut dyn FnMut(Batch) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut bids = self.days.get_mut(day).map(std::mem::take).unwrap_or_default();
        bids.sort_by_key(|bid| (bid.times.0, bid.stream));
        for some in bids.chunks(BATCH) {
            let mut sealed = Vec::with_capacity(some.len() + some.len() / 8);
            for bid in some {
                bid.hand_in(self.plan.number, &mut sealed)?;
            }
            take(Batch::Bids(sealed))?;
        }
        Ok(())
    }
}

/// Who was chosen for a job that was done: who was good for the price.
fn winner(posted: &Posted, bids: &[Pending]) -> Option<usize> {
    if posted.job.status != JobStatus::Completed {
        return None;
    }
    let score = |bid: &Pending| bid.amounts.1 * (70 - bid.contractor.good) / 20;
    (0..).zip(bids).min_by_key(|(_, bid)| score(bid)).map(|(at, _)| at)
}

/// What the job's course made of a bid.
fn decide(bid: &mut Pending, posted: &Posted, won: bool, dice: &mut Dice) {
    let ended = posted.job.status != JobStatus::Open;
    if won {
        (bid.status, bid.decided) = (BidStatus::Accepted, Some(posted.decided));
    } else if dice.chance(3) {
        let end = if ended { posted.decided } else { posted.until };
        (bid.status, bid.decided) =
            (BidStatus::Withdrawn, Some(dice.between(bid.times.1, end.max(bid.times.1))));
    } else if posted.job.status == JobStatus::Completed {
        (bid.status, bid.decided) = (BidStatus::Rejected, Some(posted.decided));
        if dice.chance(10) {
            bid.reason = Some(dice.line(&WORLD.words.reason).to_owned());
            bid.decided = Some(posted.decided.min(bid.times.1 + DAY / 3).max(bid.times.1));
        }
    } else if ended {
        (bid.status, bid.decided) = (BidStatus::Expired, Some(posted.decided));
    }
}

/// What both sides of a finished contract said of each other.
fn review(posted: &Posted, bid: &Pending, plan: &Plan, made: &mut Made, dice: &mut Dice) {
    let contract_id = dice.id(posted.decided);
    let (homeowner, contractor) = (posted.job.homeowner, bid.contractor.party);
    made.windows.push(OpenReview {
        contract_id,
        job_id: posted.job.id,
        homeowner,
        contractor,
        ended_at: instant(posted.ended),
    });
    let closes = posted.ended + REVIEW_DAYS * DAY;
    let written = |dice: &mut Dice, percent| {
        let at = dice.between(posted.ended + DAY / 24, closes - DAY / 24);
        (dice.chance(percent) && at < plan.today()).then_some(at)
    };
    let (by_homeowner, by_contractor) = (written(dice, 78), written(dice, 62));
    let published = match (by_homeowner, by_contractor) {
        (Some(one), Some(other)) => Some(one.max(other)),
        _ => (closes < plan.today()).then_some(closes),
    };
    let sides = [
        (by_homeowner, Role::Homeowner, homeowner, contractor, bid.contractor.good),
        (by_contractor, Role::Contractor, contractor, homeowner, 45),
    ];
    for (at, author_role, author, subject, good) in sides {
        let Some(at) = at else { continue };
        let rating = stars(good, dice);
        let text = match (author_role, WORLD.trades.get(posted.trade)) {
            (Role::Homeowner, Some(trade)) => write::of_contractor(rating, trade, dice),
            _ => write::of_homeowner(rating, dice),
        };
        made.reviews.push(Review {
            id: ReviewId::from(dice.id(at)),
            contract_id,
            job_id: posted.job.id,
            author,
            author_role,
            author_name: String::new(),
            subject,
            rating,
            quality: stars(good, dice),
            timeliness: stars(good, dice),
            communication: stars(good, dice),
            text: dice.chance(80).then_some(text),
            status: if published.is_some() { ReviewStatus::Published } else { ReviewStatus::Hidden },
            created_at: instant(at),
            version: if published.is_some() { 2 } else { 1 },
            edited_at: None,
            published_at: published.map(instant),
            reply: None,
            removal: None,
        });
    }
}

/// Around so many tenths of a star.
fn stars(good: i64, dice: &mut Dice) -> i16 {
    i16::try_from(((good + dice.between(-9, 9) + 5) / 10).clamp(1, 5)).unwrap_or(3)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn made(plan: &Plan) -> Vec<Batch> {
        let mut batches = Vec::new();
        make(plan, &mut |batch| {
            batches.push(batch);
            Ok(())
        })
        .unwrap();
        batches
    }

    fn plan(number: u64) -> Plan {
        Plan::new(number, 2_000, 10_000, Instant::from_timestamp_millis(1_790_000_000_000).unwrap())
    }

    fn jobs(batches: &[Batch]) -> Vec<&PublicJob> {
        let jobs = batches.iter().filter_map(|batch| match batch {
            Batch::Jobs(jobs) => Some(jobs.iter().map(|(job, _)| job)),
            _ => None,
        });
        jobs.flatten().collect()
    }

    fn bids(batches: &[Batch]) -> Vec<&SealedBid> {
        let bids = batches.iter().filter_map(|batch| match batch {
            Batch::Bids(bids) => Some(bids.iter()),
            _ => None,
        });
        bids.flatten().collect()
    }

    #[test]
    fn the_same_number_makes_the_same_and_another_another() {
        let text = |number| format!("{:?}", made(&plan(number)));
        let first = text(1);
        assert!(first == text(1) && first != text(2));
    }

    #[test]
    fn there_are_as_many_as_were_asked_for_in_the_order_of_time() {
        let batches = made(&plan(1));
        let (jobs, bids) = (jobs(&batches), bids(&batches));
        assert_eq!(jobs.len(), 2_000);
        assert_eq!(bids.iter().filter(|bid| bid.last).count(), 10_000);
        assert!(jobs.is_sorted_by_key(|job| job.id));
        let firsts: Vec<_> = bids.iter().filter(|bid| bid.bid.revision == 1).map(|bid| bid.bid.id).collect();
        let instants: Vec<_> = firsts.iter().map(|id| id.uuid().get_timestamp().unwrap().to_unix()).collect();
        assert!(instants.is_sorted());
    }

    #[test]
    fn every_job_stands_as_the_product_would_have_left_it() {
        let plan = plan(3);
        let (batches, now) = (made(&plan), instant(plan.today()));
        let mut seen: HashMap<&str, u32> = HashMap::new();
        for job in jobs(&batches) {
            *seen.entry(job.status.as_str()).or_default() += 1;
            assert!(job.created_at < now && job.updated_at < now, "{job:?}");
            assert_eq!(job.contractor.is_some(), job.status == JobStatus::Completed);
            if job.status == JobStatus::Open {
                assert!(job.accept_until.unwrap() > now, "{job:?}");
                let days = (job.bidding_deadline.unwrap() - job.published_at.unwrap()).num_days();
                assert!((1..=90).contains(&days));
            }
        }
        assert_eq!(seen["OPEN"], 1_800);
        for status in ["COMPLETED", "EXPIRED", "CANCELLED", "DRAFT"] {
            assert!(seen[status] > 0, "{status}");
        }
        assert!(seen["COMPLETED"] > 80, "{seen:?}");
    }

    #[test]
    fn bids_are_in_time_by_different_people_and_decided_as_their_job_was() {
        let plan = plan(4);
        let batches = made(&plan);
        let jobs: HashMap<JobId, &PublicJob> = jobs(&batches).into_iter().map(|job| (job.id, job)).collect();
        let mut bidders = HashSet::new();
        let mut accepted = HashSet::new();
        for sealed in bids(&batches) {
            let (bid, job) = (&sealed.bid, jobs[&sealed.bid.job_id]);
            assert!(bid.submitted_at > job.published_at.unwrap() && bid.submitted_at < instant(plan.today()));
            assert!(bid.submitted_at <= job.bidding_deadline.unwrap());
            assert!(bid.currency == job.currency && bid.contractor != job.homeowner);
            assert!(bid.updated_at >= bid.created_at && bid.parts.clone().checked().is_ok());
            assert!(marketplace::rules::matches(&sealed.sealed.receipt, &sealed.sealed.proof));
            if !sealed.last {
                continue;
            }
            assert!(bidders.insert((bid.job_id, bid.contractor)), "twice on {}", bid.job_id);
            match (bid.status, job.status) {
                (BidStatus::Withdrawn, _)
                | (BidStatus::Submitted, JobStatus::Open)
                | (BidStatus::Rejected, JobStatus::Completed)
                | (BidStatus::Expired, JobStatus::Expired | JobStatus::Cancelled) => {}
                (BidStatus::Accepted, JobStatus::Completed) => {
                    assert!(accepted.insert(job.id) && job.contractor == Some(bid.contractor));
                }
                wrong => panic!("{wrong:?}"),
            }
        }
        let done = jobs.values().filter(|job| job.status == JobStatus::Completed).count();
        assert_eq!(accepted.len(), done);
    }

    #[test]
    fn reviews_are_of_the_two_sides_and_published_when_both_are_in_or_the_window_has_closed() {
        let plan = plan(5);
        let mut count = 0;
        for batch in made(&plan) {
            let Batch::Reviews(windows, reviews) = batch else { continue };
            for window in windows {
                let of_it: Vec<&Review> =
                    reviews.iter().filter(|review| review.contract_id == window.contract_id).collect();
                count += of_it.len();
                let over =
                    instant(window.ended_at.timestamp_millis() + REVIEW_DAYS * DAY) < instant(plan.today());
                for review in &of_it {
                    assert_eq!(review.published_at.is_some(), of_it.len() == 2 || over);
                    assert!(review.published_at.is_none_or(|at| at >= review.created_at));
                    assert_ne!(review.author, review.subject);
                }
            }
        }
        assert!(count > 60, "{count}");
    }
}
