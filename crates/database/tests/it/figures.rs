//! What the executor and transactions count, as a recorder gets it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use database::{Error, Executor, ExecutorSettings, Rejected};
use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use testing::TestDatabase;

/// Counters by name and labels, and how often each histogram got a value.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

struct Observations(Arc<AtomicU64>);

impl HistogramFn for Observations {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counts {
    fn cell(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }

    fn get(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).map_or(0, |cell| cell.load(Ordering::Relaxed))
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Observations(self.cell(key))))
    }
}

/// One for all tests of this binary; they only look whether a count grew.
static COUNTS: LazyLock<Counts> = LazyLock::new(|| {
    let counts = Counts::default();
    assert!(metrics::set_global_recorder(counts.clone()).is_ok());
    counts
});

#[test]
fn waits_refusals_panics_and_retries_are_counted() {
    let counts = &*COUNTS;
    let database = TestDatabase::new();
    let settings = ExecutorSettings {
        readers: Some(1),
        writers: Some(1),
        heavy: Some(1),
        hashing: Some(1),
        writer_queue: 1,
        ..Default::default()
    };
    let front =
        Executor::start(&database.db, &settings, Arc::new(()), Arc::new(database.db.clone())).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);

    let before = counts.get("executor_queue_wait_seconds{lane=write}");
    let panicked = front.write(deadline, |_| panic!("as asked"));
    assert_eq!(panicked.wait().unwrap_err(), Rejected::Panicked);
    let retried = front.write(deadline, |db| {
        let mut tried = false;
        db.transaction(|_| if std::mem::replace(&mut tried, true) { Ok(()) } else { Err(Error::Deadlock) })
    });
    retried.wait().unwrap().unwrap();
    let late = front.write(Instant::now() - Duration::from_secs(1), |_| ());
    assert!(matches!(late.wait(), Err(Rejected::Late { .. })));
    let refused = (0..50).map(|_| front.write(deadline, |_| std::thread::sleep(Duration::from_millis(5))));
    assert!(refused.collect::<Vec<_>>().into_iter().any(|answer| answer.wait().is_err()));

    assert!(counts.get("executor_queue_wait_seconds{lane=write}") >= before + 3);
    for name in [
        "executor_panics_total{lane=write}",
        "executor_rejected_total{lane=write,reason=late}",
        "executor_rejected_total{lane=write,reason=full}",
        "database_transaction_retries_total{cause=deadlock}",
    ] {
        assert!(counts.get(name) >= 1, "{name}");
    }
}
