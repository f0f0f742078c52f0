//! Statements that may do what others must not, each with why. One that nothing needs any more fails the test, and so does a liberty that nobody takes.

use std::collections::BTreeSet;

use testing::Fault;

use May::{Misjudge, ReadAll, ReadInVain, Sort};

/// What is allowed, at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum May {
    /// To read that table from end to end.
    ReadAll(&'static str),
    /// To sort so many rows.
    Sort(f64),
    /// To read so many rows that a condition leaves out.
    ReadInVain(f64),
    /// To be chosen on a wrong guess.
    Misjudge,
}

/// Statements of one shape, and what they may do.
#[derive(Debug)]
pub(super) struct Exception {
    /// Pieces of the text, in their order.
    shape: &'static [&'static str],
    may: &'static [May],
    /// Why no more is to be had, or none needed.
    why: &'static str,
}

/// Exceptions that come and go with what the planner happens to know, when two ways cost it the same, and with the jobs that words were counted in. That
/// one was not needed says nothing.
const WAVERING: [&str; 2] = [BY_TIME, SOMEWHAT_MORE];

/// Jobs that a walk along an index looks at before another way is taken.
const VISITS: f64 = 6_000.0;
/// What is fetched, at most, to count a thousand.
const FETCHED: f64 = 2_002.0;

/// The administrators' overview counts all there is, and is asked by few.
const OVERVIEW: &str = "the administrators' overview counts all there is, and is asked by few";

const SOMEWHAT_MORE: &str = "the index of words gives somewhat more than is counted; how many jobs a query finds, Postgres does not know before";

const BY_TIME: &str = "a window may be looked through by its time instead of by its words";

/// Those that are right as they are.
const RIGHT: [Exception; 10] = [
    Exception {
        shape: &[r#"COUNT(*) FROM "marketplace"."jobs" GROUP BY "marketplace"."jobs"."status""#],
        may: &[ReadAll("marketplace.jobs")],
        why: OVERVIEW,
    },
    Exception {
        shape: &[r#"COUNT(*) FROM "contracts"."contracts" GROUP BY "contracts"."contracts"."status""#],
        may: &[ReadAll("contracts.contracts")],
        why: OVERVIEW,
    },
    Exception {
        shape: &["COUNT(*)", r#"FROM "identity"."people" GROUP BY "identity"."people"."role""#],
        may: &[ReadAll("identity.people")],
        why: OVERVIEW,
    },
    Exception {
        shape: &["COUNT(*)", r#""identity"."sessions" INNER JOIN "identity"."people""#],
        may: &[ReadAll("identity.people")],
        why: OVERVIEW,
    },
    Exception {
        shape: &["FROM escrow.accounts a LEFT JOIN escrow.balances b", "GROUP BY a.kind, a.currency"],
        may: &[ReadAll("escrow.accounts"), ReadAll("escrow.balances")],
        why: "a trial balance is of all accounts",
    },
    Exception {
        shape: &[r#"FROM "marketplace"."words""#],
        may: &[ReadAll("marketplace.words")],
        why: "the vocabulary is read whole, once a process, and kept",
    },
    Exception {
        shape: &["marketplace.three_hours(published_at)", " LIMIT 50000) AS latest GROUP BY stretch"],
        may: &[ReadAll("marketplace.jobs")],
        why: "the newest fifty thousand are counted by when they were published, from an index alone, once in ten minutes a process",
    },
    Exception {
        shape: &[" LIMIT 6000) AS j WHERE true"],
        may: &[ReadInVain(VISITS), Misjudge],
        why: "a walk looks at each job, and ends here however many more there are; how many were posted since then, Postgres does not know before",
    },
    Exception {
        shape: &[
            "unnest($1::integer[]) AS c(cell) CROSS JOIN LATERAL",
            " LIMIT 1001) AS j ORDER BY",
            " LIMIT 1001",
        ],
        may: &[Sort(FETCHED), Misjudge],
        why: "squares are taken together only where they hold little more than is counted; of an array Postgres expects ten",
    },
    Exception {
        shape: &["WITH near AS MATERIALIZED", " AND j.words @@ ", " LIMIT 1001"],
        may: &[Sort(FETCHED), Misjudge],
        why: SOMEWHAT_MORE,
    },
];

/// Searches that take longer than they need.
const OF_SEARCH: [Exception; 1] = [Exception {
    shape: &["WITH near AS MATERIALIZED", "(j.published_at, j.id) >= ("],
    may: &[ReadInVain(f64::INFINITY)],
    why: BY_TIME,
}];

/// Those that were needed, by what they allowed.
#[derive(Debug, Default)]
pub(super) struct Excused(BTreeSet<(usize, usize)>);

impl Excused {
    /// Whether that statement may do that.
    pub(super) fn excuses(&mut self, text: &str, fault: &Fault) -> bool {
        let mut is_excused = false;
        for (n, exception) in all().enumerate().filter(|(_, exception)| exception.is_of(text)) {
            for (m, _) in exception.may.iter().enumerate().filter(|(_, may)| may.covers(fault)) {
                self.0.insert((n, m));
                is_excused = true;
            }
        }
        is_excused
    }

    /// Fails when there is an exception, or a part of one, that nothing needed.
    pub(super) fn assert_all_needed(&self) {
        let unneeded: Vec<String> = all()
            .enumerate()
            .flat_map(|(n, exception)| (0..exception.may.len()).map(move |m| (n, m, exception)))
            .filter(|(n, m, exception)| !self.0.contains(&(*n, *m)) && !WAVERING.contains(&exception.why))
            .map(|(_, m, exception)| {
                format!("{:?} for {:?} ({})", exception.may[m], exception.shape, exception.why)
            })
            .collect();
        assert!(unneeded.is_empty(), "nothing needs these exceptions any more: {unneeded:#?}");
    }
}

fn all() -> impl Iterator<Item = &'static Exception> {
    RIGHT.iter().chain(&OF_SEARCH)
}

impl Exception {
    fn is_of(&self, text: &str) -> bool {
        let mut rest = text;
        self.shape.iter().all(|piece| {
            let found = rest.split_once(piece);
            rest = found.map_or(rest, |(_, behind)| behind);
            found.is_some()
        })
    }
}

impl May {
    fn covers(self, fault: &Fault) -> bool {
        match (self, fault) {
            (ReadAll(allowed), Fault::ReadsAll { table }) => table == allowed,
            (Sort(most), Fault::Sorts { rows }) | (ReadInVain(most), Fault::InVain { rows, .. }) => {
                *rows <= most
            }
            (Misjudge, Fault::Misjudges { .. }) => true,
            _ => false,
        }
    }
}
