//! Every order of a search, and the plain list, while jobs are posted, edited, called off and given away.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Mutex;

use kernel::{Actor, Limit};
use marketplace::{
    Budget, Category, Description, JobChange, JobFilter, JobId, JobList, JobOrder, JobPatch, JobScope,
    JobSearch, JobSearchForm, JobStatus, MarketplaceCommands as _, MarketplaceQueries as _, NewJob,
    PageRequest, SearchQueries as _, Title, Urgency,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::{Read, Step, hold, ids, read_while_writing, script};
use crate::search::{count_words, has, near, seed};
use crate::world::{World, bathroom};

/// More than one window of what has the common word.
const ROWS: u32 = 1_500;
/// Jobs that others may write to, beside those that they never touch.
const POOL: usize = 24;
const CASES: u32 = 5;

/// What somebody else does; which job it is about is taken modulo those that there are.
#[derive(Debug, Clone, Copy)]
enum Write {
    Post {
        cents: i64,
    },
    /// Keeps the word that is looked for.
    Retitle(usize),
    Reword(usize),
    Budget(usize, i64),
    Postpone(usize),
    Move(usize, i32),
    Hurry(usize),
    Cancel(usize),
    Award(usize),
}

fn write() -> impl Strategy<Value = Write> {
    let (job, cents) = (0..64_usize, 100_000..900_000_i64);
    prop_oneof![
        6 => cents.clone().prop_map(|cents| Write::Post { cents }),
        2 => job.clone().prop_map(Write::Retitle),
        1 => job.clone().prop_map(Write::Reword),
        2 => (job.clone(), cents).prop_map(|(job, cents)| Write::Budget(job, cents)),
        1 => job.clone().prop_map(Write::Postpone),
        1 => (job.clone(), 0..100_i32).prop_map(|(job, far)| Write::Move(job, far)),
        1 => job.clone().prop_map(Write::Hurry),
        2 => job.clone().prop_map(Write::Cancel),
        1 => job.prop_map(Write::Award),
    ]
}

/// What is asked beside the order.
#[derive(Debug, Clone, Copy)]
struct Filters {
    words: bool,
    tiling: bool,
    around: Option<i64>,
    urgent: bool,
    is_counted: bool,
}

fn filters() -> impl Strategy<Value = Filters> {
    let often = || prop::bool::weighted(0.3);
    (often(), often(), prop::option::of(prop::sample::select(vec![60_i64, 200, 500])), often(), any::<bool>())
        .prop_map(|(words, tiling, around, urgent, is_counted)| Filters {
            words,
            tiling,
            around,
            urgent,
            is_counted,
        })
}

impl Filters {
    /// What this order cannot be without.
    fn fit_for(self, order: JobOrder) -> Self {
        let around = if order == JobOrder::Distance { self.around.or(Some(500)) } else { self.around };
        Self { words: self.words || order == JobOrder::Relevance, around, ..self }
    }

    fn form(self, order: JobOrder) -> JobSearchForm {
        JobSearchForm {
            q: self.words.then(|| "zinnia".to_owned()),
            category: self.tiling.then(|| "tiling".to_owned()),
            lat: self.around.map(|_| 31.0),
            lng: self.around.map(|_| -98.0),
            radius: self.around,
            urgency: if self.urgent { vec![Urgency::Urgent, Urgency::Normal] } else { Vec::new() },
            sort: Some(order),
            ..JobSearchForm::default()
        }
    }

    fn condition(self, order: JobOrder) -> String {
        let mut all = vec!["status = 'OPEN'".to_owned()];
        all.extend(self.words.then(|| has("zinnia")));
        all.extend(self.tiling.then(|| "category = 'tiling'".to_owned()));
        all.extend(self.around.map(near));
        all.extend(self.urgent.then(|| "urgency IN ('urgent', 'normal')".to_owned()));
        // By budget only in one currency.
        all.extend((order == JobOrder::Budget).then(|| "currency = 'USD'".to_owned()));
        all.extend((order == JobOrder::Deadline).then(|| "bidding_deadline > app.clock()".to_owned()));
        all.join(" AND ")
    }

    /// Whether a job that had a place in this order has another one afterwards, and whether it may not match any more, or did not before.
    fn effect(self, write: Write, order: JobOrder) -> (bool, bool) {
        match write {
            Write::Post { .. } | Write::Cancel(_) | Write::Award(_) => (false, true),
            Write::Retitle(_) => (order == JobOrder::Relevance, false),
            Write::Reword(_) => (order == JobOrder::Relevance, self.words),
            Write::Budget(..) => (order == JobOrder::Budget, false),
            Write::Postpone(_) => (order == JobOrder::Deadline, false),
            Write::Move(..) => (order == JobOrder::Distance, self.around.is_some()),
            Write::Hurry(_) => (false, self.urgent),
        }
    }
}

/// Others, who have jobs of their own.
struct Others<'a> {
    world: &'a World,
    ada: Actor,
    bob: Actor,
    pool: Vec<JobId>,
    postponed: i64,
}

impl<'a> Others<'a> {
    fn new(world: &'a World) -> Self {
        let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
        Self { world, ada, bob, pool: Vec::new(), postponed: 0 }
    }

    /// As many as others may choose among.
    fn fill(&mut self) {
        while self.pool.len() < POOL {
            let cents = 100_000 + i64::try_from(self.pool.len()).unwrap() * 10_000;
            self.take(Write::Post { cents });
        }
    }

    /// Does it, and says which job it was about.
    fn take(&mut self, write: Write) -> Option<JobId> {
        let owner = self.ada.homeowner().unwrap();
        let market = &self.world.market;
        let nth = |n: usize| (!self.pool.is_empty()).then(|| n % self.pool.len());
        let edit = |job_id: JobId, change: JobPatch| {
            market.edit_job(owner, JobChange { job_id, if_version: None, change }).unwrap();
        };
        let title = |text: &str| Some(Title::new(text).unwrap());
        let patch = JobPatch::default;
        match write {
            Write::Post { cents } => {
                let budget = Budget::new(None, Some(cents)).unwrap();
                let (title, text) =
                    (Title::new("Plant zinnias").unwrap(), Description::new("A bed.").unwrap());
                let job =
                    self.world.post(&self.ada, NewJob { title, description: text, budget, ..bathroom() });
                self.pool.push(job.job.id);
                Some(job.job.id)
            }
            Write::Cancel(n) => {
                let job_id = self.pool.swap_remove(nth(n)?);
                market.delete_job(owner, JobChange { job_id, if_version: None, change: () }).unwrap();
                Some(job_id)
            }
            Write::Award(n) => {
                let job = self.pool.swap_remove(nth(n)?);
                let bid = self.world.bid(&self.bob, job, 150_000);
                self.world.award(&self.ada, bid.id).unwrap();
                Some(job)
            }
            edited => {
                let (n, change) = match edited {
                    Write::Retitle(n) => (n, JobPatch { title: title("Zinnias, many zinnias"), ..patch() }),
                    Write::Reword(n) => (n, JobPatch { title: title("Plant something else"), ..patch() }),
                    Write::Budget(n, cents) => (n, JobPatch { budget_max: Some(Some(cents)), ..patch() }),
                    Write::Hurry(n) => (n, JobPatch { urgency: Some(Urgency::Emergency), ..patch() }),
                    Write::Postpone(n) => {
                        self.postponed += 1;
                        let at = self.world.now() + chrono::TimeDelta::minutes(21 * 24 * 60 + self.postponed);
                        (n, JobPatch { bidding_deadline: Some(at), ..patch() })
                    }
                    Write::Move(n, far) => {
                        let mut address = bathroom().address;
                        let north = 30.0 + f64::from(far) * 0.02;
                        address.point = Some(identity::geo::GeoPoint::new(north, -98.0).unwrap());
                        (n, JobPatch { address: Some(address), ..patch() })
                    }
                    Write::Post { .. } | Write::Cancel(_) | Write::Award(_) => unreachable!(),
                };
                let job = *self.pool.get(nth(n)?)?;
                edit(job, change);
                Some(job)
            }
        }
    }
}

/// What others did meanwhile.
#[derive(Default)]
struct Meanwhile {
    disturbed: HashSet<Uuid>,
    moved: HashSet<Uuid>,
}

impl Meanwhile {
    fn note(&mut self, job: Option<JobId>, (is_moved, is_disturbed): (bool, bool)) {
        if is_moved {
            self.moved.extend(job.map(JobId::uuid));
        }
        if is_moved || is_disturbed {
            self.disturbed.extend(job.map(JobId::uuid));
        }
    }
}

/// Reads a search through while others write.
fn searched(
    others: &Mutex<Others<'_>>,
    world: &World,
    filters: Filters,
    order: JobOrder,
    script: &[Step<Write>],
) -> Read {
    others.lock().unwrap().fill();
    let there = ids(world, &format!("SELECT id FROM marketplace.jobs WHERE {}", filters.condition(order)));
    let search = JobSearch::new(&filters.form(order)).unwrap();
    let mut meanwhile = Meanwhile::default();
    let page = |after, limit| {
        let page = world.market.search_jobs(None, &search, after, Limit::new(limit).unwrap()).unwrap().page;
        (page.items.iter().map(|job| job.card.id.uuid()).collect(), page.next)
    };
    let write = |write: &Write| {
        let job = others.lock().unwrap().take(*write);
        meanwhile.note(job, filters.effect(*write, order));
    };
    let found = read_while_writing(script, page, write);
    Read { found, there, disturbed: meanwhile.disturbed, moved: meanwhile.moved }
}

fn every_search_in(order: JobOrder) {
    let world = World::new();
    seed(&world, ROWS);
    let others = Mutex::new(Others::new(&world));
    let counted = RefCell::new(false);
    hold(CASES, &(filters(), script(write())), |(filters, script)| {
        // Once words are counted, another way is taken.
        if filters.is_counted && !counted.replace(true) {
            count_words(&world);
        }
        searched(&others, &world, filters.fit_for(order), order, &script).check()
    });
}

#[test]
fn the_newest_jobs_come_once_each() {
    every_search_in(JobOrder::Newest);
}

#[test]
fn jobs_by_budget_come_once_each() {
    every_search_in(JobOrder::Budget);
}

#[test]
fn jobs_by_deadline_come_once_each() {
    every_search_in(JobOrder::Deadline);
}

#[test]
fn the_nearest_jobs_come_once_each() {
    every_search_in(JobOrder::Distance);
}

#[test]
fn jobs_by_relevance_come_once_each_from_window_to_window() {
    every_search_in(JobOrder::Relevance);
}

/// The plain list, and one's own, in which what was called off stays.
#[test]
fn listed_jobs_come_once_each() {
    let world = World::new();
    seed(&world, ROWS);
    let others = Mutex::new(Others::new(&world));
    let ada = others.lock().unwrap().ada.clone();
    let owner = ada.party.uuid();
    world.database.execute(&format!(
        "UPDATE marketplace.jobs SET homeowner_id = '{owner}' WHERE right(title, 1) IN ('3', 's')"
    ));
    let asked = (any::<bool>(), any::<bool>(), any::<bool>(), script(write()));
    hold(CASES * 2, &asked, |(is_mine, is_open, is_tiling, script)| {
        others.lock().unwrap().fill();
        let filter = JobFilter {
            scope: if is_mine { JobScope::Mine } else { JobScope::Public },
            status: is_open.then_some(JobStatus::Open),
            category: is_tiling.then(|| Category::new("tiling").unwrap()),
        };
        let mut condition = vec!["true".to_owned()];
        condition.extend(is_mine.then(|| format!("homeowner_id = '{owner}'")));
        condition.extend((is_open || !is_mine).then(|| "status = 'OPEN'".to_owned()));
        condition.extend(is_tiling.then(|| "category = 'tiling'".to_owned()));
        let there =
            ids(&world, &format!("SELECT id FROM marketplace.jobs WHERE {}", condition.join(" AND ")));
        let mut meanwhile = Meanwhile::default();
        let page = |after, limit| {
            let page = PageRequest { after, limit: Limit::new(limit).unwrap() };
            let page = world.market.list_jobs(Some(&ada), &JobList { filter: filter.clone(), page }).unwrap();
            (page.items.iter().map(|job| job.id.uuid()).collect(), page.next)
        };
        let write = |write: &Write| {
            let job = others.lock().unwrap().take(*write);
            let leaves = matches!(write, Write::Cancel(_) | Write::Award(_)) && (is_open || !is_mine);
            meanwhile.note(job, (false, leaves || matches!(write, Write::Post { .. })));
        };
        let found = read_while_writing(&script, page, write);
        Read { found, there, disturbed: meanwhile.disturbed, moved: meanwhile.moved }.check()
    });
}
