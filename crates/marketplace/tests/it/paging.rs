//! Lists read page by page while others write, between the pages and at the very moment: nothing that was there all along comes twice or not at all.

mod directory;
mod jobs;

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::mpsc::channel;

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestError, TestRunner};
use uuid::Uuid;

use crate::world::World;

/// More pages than this are read in the longest ones, so that no case takes for ever.
const STEPS_MAX: usize = 40;
const LONGEST: i64 = 100;

/// A page, and what others write around it.
#[derive(Debug, Clone)]
struct Step<W> {
    limit: i64,
    writes: Vec<W>,
    /// Whether it is written while the page is read, or before.
    at_once: bool,
}

fn script<W: Debug + Clone>(write: impl Strategy<Value = W>) -> impl Strategy<Value = Vec<Step<W>>> {
    let limit = prop_oneof![1 => 1..=4_i64, 2 => 5..=30_i64, 3 => 31..=LONGEST];
    let step = (limit, prop::collection::vec(write, 0..4), any::<bool>())
        .prop_map(|(limit, writes, at_once)| Step { limit, writes, at_once });
    prop::collection::vec(step, 1..8)
}

/// Reads from start to end, and goes through the script as often as that takes. Another thread writes, over connections of its own.
fn read_while_writing<W: Sync, C>(
    script: &[Step<W>],
    mut page: impl FnMut(Option<C>, i64) -> (Vec<Uuid>, Option<C>),
    mut write: impl FnMut(&W) + Send,
) -> Vec<Uuid> {
    std::thread::scope(|scope| {
        let (send, orders) = channel::<&[W]>();
        let (finished, done) = channel::<()>();
        scope.spawn(move || {
            for writes in orders {
                writes.iter().for_each(&mut write);
                finished.send(()).unwrap();
            }
        });
        let (mut found, mut after) = (Vec::new(), None);
        for (n, step) in script.iter().cycle().enumerate() {
            let limit = if n < STEPS_MAX { step.limit } else { LONGEST };
            send.send(&step.writes).unwrap();
            if !step.at_once {
                done.recv().unwrap();
            }
            let (ids, next) = page(after, limit);
            if step.at_once {
                done.recv().unwrap();
            }
            assert!(i64::try_from(ids.len()).unwrap() <= limit);
            found.extend(ids);
            after = next;
            if after.is_none() {
                break;
            }
        }
        found
    })
}

/// What came, beside what had to.
struct Read {
    found: Vec<Uuid>,
    /// What matched before the first page.
    there: HashSet<Uuid>,
    /// What others moved, took away or brought in meanwhile: it may come or not.
    disturbed: HashSet<Uuid>,
    /// What others put elsewhere in the order: it may even come twice.
    moved: HashSet<Uuid>,
}

impl Read {
    fn check(&self) -> TestCaseResult {
        let mut once = HashSet::new();
        for id in &self.found {
            prop_assert!(once.insert(*id) || self.moved.contains(id), "{id} came twice");
            prop_assert!(self.there.contains(id) || self.disturbed.contains(id), "{id} does not match");
        }
        let missed: Vec<&Uuid> =
            self.there.iter().filter(|id| !self.disturbed.contains(id) && !once.contains(id)).collect();
        prop_assert!(missed.is_empty(), "{} of {} were skipped: {missed:?}", missed.len(), self.there.len());
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The ids that a plain statement finds.
fn ids(world: &World, sql: &str) -> HashSet<Uuid> {
    let mut conn = world.database.owner_connection();
    let rows: Vec<Id> = diesel::sql_query(sql).load(&mut conn).unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

/// Tries so many cases, and shows the smallest that fails.
fn hold<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    match TestRunner::new(config).run(strategy, test) {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("{why}\n{case:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}
