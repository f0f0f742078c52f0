//! Closed-loop load: so many connections, each sending its next request when the last one was answered (after a pause,
//! when there is one), for so long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::{Connection, Request};

/// What to send: the request for a connection's n-th turn.
pub(crate) type Source = Arc<dyn Fn(usize, usize) -> Request + Send + Sync>;

/// How hard, for how long.
#[derive(Clone)]
pub(crate) struct Load {
    /// `host:port`.
    pub(crate) address: String,
    /// Open connections.
    pub(crate) connections: usize,
    /// How long requests are sent.
    pub(crate) duration: Duration,
    /// The bounds of the random pause between an answer and the next request.
    pub(crate) pause: Option<(Duration, Duration)>,
    /// The statuses that are no error.
    pub(crate) good: &'static [u16],
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    /// Requests answered well, a second.
    pub(crate) rate: f64,
    /// Half of the requests were at most so slow, in milliseconds.
    pub(crate) p50: f64,
    /// 95 of 100.
    pub(crate) p95: f64,
    /// 99 of 100.
    pub(crate) p99: f64,
    /// Answers of another status, and broken connections.
    pub(crate) errors: usize,
    /// The first such answer, to see what went wrong.
    pub(crate) first_error: Option<String>,
}

impl Load {
    /// Runs it to the end.
    pub(crate) async fn run(&self, source: Source) -> Report {
        let start = Instant::now();
        let tasks: Vec<_> = (0..self.connections)
            .map(|index| tokio::spawn(connection(self.clone(), index, source.clone(), start)))
            .collect();
        let mut all = Vec::new();
        let mut report = Report::default();
        for task in tasks {
            let Ok((times, errors, first)) = task.await else { continue };
            all.extend(times);
            report.errors += errors;
            report.first_error = report.first_error.or(first);
        }
        let elapsed = start.elapsed().as_secs_f64();
        all.sort_unstable();
        let at = |share: f64| -> f64 {
            let index = ((all.len() as f64) * share) as usize;
            all.get(index.min(all.len().saturating_sub(1)))
                .map_or(0.0, |time: &Duration| time.as_secs_f64() * 1000.0)
        };
        Report { rate: all.len() as f64 / elapsed, p50: at(0.50), p95: at(0.95), p99: at(0.99), ..report }
    }
}

async fn connection(
    load: Load,
    index: usize,
    source: Source,
    start: Instant,
) -> (Vec<Duration>, usize, Option<String>) {
    let (mut times, mut errors, mut first) = (Vec::new(), 0, None);
    let mut open = None;
    let mut turn = 0;
    while start.elapsed() < load.duration {
        if let Some((least, most)) = load.pause {
            let pause = rand::random_range(least..most);
            tokio::time::sleep(pause).await;
        }
        if open.is_none() {
            open = Connection::open(&load.address).await.ok();
        }
        let request = source(index, turn);
        turn += 1;
        let sent = Instant::now();
        let answer = match open.as_mut() {
            Some(connection) => connection.send(&request).await,
            None => Err(std::io::ErrorKind::ConnectionRefused.into()),
        };
        match answer {
            Ok(answer) if load.good.contains(&answer.status) => times.push(sent.elapsed()),
            Ok(answer) => {
                errors += 1;
                first.get_or_insert_with(|| {
                    format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))
                });
            }
            Err(error) => {
                errors += 1;
                first.get_or_insert_with(|| error.to_string());
                open = None;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    (times, errors, first)
}
