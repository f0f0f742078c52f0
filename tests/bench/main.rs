//! `make bench`: requests a second and latencies of the main job's operations, at 1, 16 and 64 connections, beside pgbench issuing the
//! statements that the service issues, on the same Postgres in the same minute; then what the audit trail's chain costs, a flood of sign-ins,
//! large files, and many connections with time to think.
//!
//! The server is the program itself, in a process of its own. Postgres, server, load and yardstick share this machine, so every figure
//! is one of a machine that does all four.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement that cannot be taken has to end with a word about why"
)]

mod audit;
mod capture;
mod client;
mod flood;
mod load;
mod pgbench;
mod rows;
mod searching;
mod server;
mod upload;
mod world;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use load::{Load, Report};
use pgbench::Yardstick;
use rows::Row;
use world::World;

/// The row whose statements the audit trail is measured with.
const BID: &str = "bid";

/// Measures the product on this machine.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Seconds that each figure is taken for.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Jobs in the database: all alike and open, or with --bids as `fairtrade seed` makes them.
    #[arg(long, default_value_t = 100_000)]
    jobs: u32,
    /// Bids on them. With any the jobs are such as people post, and looking for them can be measured.
    #[arg(long, default_value_t = 0)]
    bids: u32,
    /// The data directory of a `fairtrade seed`, which is copied instead of made anew: no server may be running in it.
    #[arg(long, conflicts_with = "bids")]
    filled: Option<PathBuf>,
    /// Connections to measure at.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<usize>,
    /// Connections that think half a second to one and a half between requests; 0 leaves them out.
    #[arg(long, default_value_t = 2000)]
    crowd: usize,
    /// Rows to measure, by their names; all when none is named.
    #[arg(long)]
    only: Vec<String>,
    /// The server program to measure; the one that was built with this tool when none is named.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    /// Print the statements that the service was seen to issue.
    #[arg(long)]
    statements: bool,
}

impl Options {
    fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == row)
    }
}

fn main() {
    let options = Options::parse();
    eprintln!("setting the scene: {} jobs, {} contracts …", options.jobs, world::DEALS);
    let world = World::build(&options);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "| operation | connections | requests/s | p50 ms | p95 ms | p99 ms | errors | pgbench/s | share |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut bidding = None;
    for (name, row) in rows::all(&world) {
        // The audit trail is measured with the statements of a bid, too.
        let wanted = options.wants(name);
        let for_the_audit = name == BID && options.wants("audit");
        if !(wanted || for_the_audit) {
            continue;
        }
        let row = row(&world);
        if wanted {
            measure(&world, &row, &options, &runtime);
        }
        if name == BID {
            bidding = Some(row);
        }
    }
    if let Some(row) = bidding.filter(|_| options.wants("audit")) {
        // The row that was made above: its statements were seen once, and no contractor bids twice on a job.
        audit::compare(&world, row, options.seconds);
    }

    if options.wants("sign-in flood") {
        flood::measure(&world, options.seconds);
    }
    if options.wants("upload") {
        upload::measure(&world);
    }
    let crowds =
        [("read with time to think", rows::crowd as rows::Maker), (searching::CROWD, searching::crowd)];
    for (name, crowd_of) in crowds {
        if options.crowd == 0
            || !options.wants(name)
            || (name == searching::CROWD && !searching::has_crowd(&world))
        {
            continue;
        }
        world.calm();
        let row = crowd_of(&world);
        let report = runtime.block_on(crowd(&world, &row, &options));
        print(&row, options.crowd, &report, &Err("think time".to_owned()));
    }
    println!("\nmemory of the server, at most: {} MB", world.server.peak_memory_mb());
}

/// One row at each number of connections, with its yardstick right after it.
fn measure(world: &World, row: &Row, options: &Options, runtime: &tokio::runtime::Runtime) {
    world.calm();
    if options.statements {
        eprintln!("{}:\n{}", row.name, row.script.text);
    }
    for (run, connections) in options.connections.iter().enumerate() {
        let report = runtime.block_on(load(world, row, *connections, options));
        let yardstick = pgbench::run(world, &row.script, (run, *connections), options.seconds);
        print(row, *connections, &report, &yardstick);
    }
}

async fn load(world: &World, row: &Row, connections: usize, options: &Options) -> Report {
    let load = Load {
        address: world.server.address.clone(),
        connections,
        duration: Duration::from_secs(options.seconds),
        pause: None,
        good: row.good,
    };
    // What is read or prepared the first time is not what is measured.
    Load { duration: Duration::from_millis(500), ..load.clone() }.run(row.source.clone()).await;
    load.run(row.source.clone()).await
}

async fn crowd(world: &World, row: &Row, options: &Options) -> Report {
    let load = Load {
        address: world.server.address.clone(),
        connections: options.crowd,
        duration: Duration::from_secs(options.seconds.max(10)),
        pause: Some((Duration::from_millis(500), Duration::from_millis(1500))),
        good: row.good,
    };
    // As before every other row: the people who come later find what they read in memory, and their connections' statements prepared.
    load.run(row.source.clone()).await;
    load.run(row.source.clone()).await
}

fn print(row: &Row, connections: usize, report: &Report, yardstick: &Result<Yardstick, String>) {
    let Report { rate, p50, p95, p99, errors, first_error } = report;
    let (pgbench, share) = match yardstick {
        Ok(yardstick) => {
            (format!("{:.0}", yardstick.rate), format!("{:.0} %", 100.0 * rate / yardstick.rate))
        }
        Err(_) => ("–".to_owned(), "–".to_owned()),
    };
    println!(
        "| {} | {connections} | {rate:.0} | {p50:.2} | {p95:.2} | {p99:.2} | {errors} | {pgbench} | {share} |",
        row.name
    );
    if let Some(error) = first_error {
        eprintln!("the first error: {error}");
    }
    if let Err(error) = yardstick {
        eprintln!("no yardstick: {error}");
    }
}
