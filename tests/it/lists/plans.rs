//! How Postgres goes about every list and every search once it has made up its mind. What is asked is taken from the OpenAPI document, what the
//! database is asked thereby from its own log, and the plans are those that it keeps for statements that it has seen often, run with what was
//! bound. So a new operation, a new filter and a new statement are looked at without anybody thinking of it.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use testing::{Bounds, How, LoggedStatement, Plan};

use super::exceptions::Excused;
use super::{Asked, askable, asked, crowd, is_paged};
use crate::authorisation::cast::{Caller, Cast};
use crate::authorisation::document::{Operation, operations};

/// Of one statement so many different sets of values are looked at.
const VALUES_MAX: usize = 2;
/// Those whose things are many; what the others see, they see too.
const LOOKERS: [Caller; 3] = [Caller::Owner, Caller::Worker, Caller::Admin];
/// What is counted at most, and so sorted: one more than the count that is exact.
const SORTED_MAX: f64 = 1_001.0;
/// As many as that are read in vain where a page is filled from what one in a hundred is.
const DISCARDED_MAX: f64 = 2_000.0;

/// So often one request puts a statement, at most: rings around a place twice as wide each time, not a row after the other.
const AGAIN_MAX: usize = 10;

/// Indexes, each with pieces of the statements that cannot do without.
const INDEXES: [(&str, &[&str]); 8] = [
    ("marketplace.jobs_open", &["ORDER BY published_at DESC, id DESC"]),
    ("marketplace.jobs_open_words", &["WITH near AS MATERIALIZED", "marketplace.money_tags("]),
    ("marketplace.bids_of_job", &["marketplace.bids"]),
    ("marketplace.reviews_of_subject", &["marketplace.reviews"]),
    ("contracts.contracts_of_contractor", &["contractor_id"]),
    ("identity.people_newest", &["ORDER BY identity.people.created_at DESC"]),
    ("identity.people_by_name_of_role", &["ORDER BY identity.people.name_key"]),
    ("audit.entries_action", &["audit.entries"]),
];

/// A statement as it was asked, with where.
type Case = (String, LoggedStatement);

/// The statements that were asked, by their text.
#[derive(Default)]
struct Heard(BTreeMap<String, Vec<Case>>);

impl Heard {
    fn add(&mut self, asked: &str, statements: Vec<LoggedStatement>) {
        for statement in statements.into_iter().filter(|statement| statement.how != How::Plain) {
            let known = self.0.entry(statement.text.clone()).or_default();
            if known.len() < VALUES_MAX && known.iter().all(|(_, known)| known.values != statement.values) {
                known.push((asked.to_owned(), statement));
            }
        }
    }
}

/// What of the document was answered.
#[derive(Default)]
struct Answered<'a> {
    /// Filters with their values, by the operation.
    filters: BTreeSet<(&'a str, String)>,
    /// Lists that had a second page.
    second_pages: BTreeSet<&'a str>,
}

/// Asks for everything that this may be asked for, and a second page where there is one.
async fn ask<'a>(
    cast: &Cast,
    asked: &Asked<'a>,
    is_whole: bool,
    heard: &mut Heard,
    answered: &mut Answered<'a>,
) {
    let id = asked.operation.id.as_str();
    for query in asked::queries(asked.operation, cast, is_whole) {
        let path = format!("{}?{query}", asked.path);
        let listening = cast.app.database.listen();
        let mut answer = asked.person.get(&path).await;
        let statements = listening.heard();
        let again = most_often(&statements);
        assert!(again.is_none_or(|(_, times)| times <= AGAIN_MAX), "{path}: {again:?}");
        heard.add(&path, statements);
        assert!(answer.status < 500, "{} {}", answer.asked, answer.text());
        if answer.status == 200 {
            answered.filters.extend(query.split('&').map(|filter| (id, filter.to_owned())));
            if answer.json["nextCursor"].is_null() && is_paged(asked.operation) {
                // Nobody reads lists one by one: only where it leads to counts.
                answer = asked.person.get(&format!("{path}&limit=1")).await;
            }
            let listening = cast.app.database.listen();
            if let Some(next) = answer.json["nextCursor"].as_str() {
                // The text of a statement has one of two limits.
                let limits: &[u32] = if query.contains('&') { &[20] } else { &[20, 100] };
                for limit in limits {
                    let _ =
                        asked.person.get(&format!("{path}&limit={limit}&cursor={next}")).await.expect(200);
                }
                answered.second_pages.insert(id);
            }
            heard.add(&path, listening.heard());
        }
    }
}

/// The statement that was put most often, and how often.
fn most_often(statements: &[LoggedStatement]) -> Option<(&str, usize)> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for statement in statements.iter().filter(|statement| statement.how != How::Plain) {
        *times.entry(&statement.text).or_default() += 1;
    }
    times.into_iter().max_by_key(|(_, times)| *times)
}

/// Fails when a list was not asked for a second page, or a filter had no answer.
fn assert_all_asked(operations: &[Operation], cast: &Cast, answered: &Answered<'_>) {
    let lists = operations.iter().filter(|operation| is_paged(operation));
    let short: Vec<&str> =
        lists.map(|list| list.id.as_str()).filter(|id| !answered.second_pages.contains(id)).collect();
    assert!(short.is_empty(), "these have no second page: {short:?}");
    let asked: BTreeSet<&str> = answered.filters.iter().map(|(id, _)| *id).collect();
    let operations = operations.iter().filter(|operation| asked.contains(operation.id.as_str()));
    let each = operations.flat_map(|operation| {
        let queries = asked::queries(operation, cast, true);
        let filters =
            queries.iter().flat_map(|query| query.split('&').map(str::to_owned)).collect::<BTreeSet<_>>();
        filters.into_iter().map(|filter| (operation.id.as_str(), filter))
    });
    let refused: Vec<_> = each.filter(|filter| !answered.filters.contains(filter)).collect();
    assert!(refused.is_empty(), "these filters were refused however they were asked: {refused:?}");
}

#[tokio::test]
async fn no_list_and_no_search_reads_a_whole_table_or_sorts_what_it_need_not() {
    let cast = crowd::large().await;
    let operations = operations(&cast.app).await;
    let (mut heard, mut answered) = (Heard::default(), Answered::default());
    let listening = cast.app.database.listen();
    let askable = askable(&cast, &operations, |_| {}).await;
    heard.add("a plain request", listening.heard());
    let mut whole = BTreeSet::new();
    for asked in askable.iter().filter(|asked| LOOKERS.contains(&asked.caller)) {
        // Others than the first see other things, but are not asked all of it again.
        let is_whole = whole.insert(asked.operation.id.as_str());
        ask(&cast, asked, is_whole, &mut heard, &mut answered).await;
    }
    let mut judge = Judge::new(&cast);
    let mut wrong = judge.misjudged(&heard);
    crowd::magnify(&cast.app, &mut judge.conn);
    wrong.extend(judge.wasteful(&heard));
    assert!(wrong.is_empty(), "{} of {} statements:\n{}", wrong.len(), heard.0.len(), wrong.join("\n"));
    judge.excused.assert_all_needed();
    judge.assert_sees_missing_indexes(&heard);
    assert_all_asked(&operations, &cast, &answered);
}

/// Looks at plans, over one connection.
struct Judge {
    conn: PgConnection,
    /// Large is what the fixture made large.
    large: BTreeMap<String, f64>,
    excused: Excused,
}

impl Judge {
    fn new(cast: &Cast) -> Self {
        let mut conn = cast.app.database.owner_connection();
        let mut large = testing::table_sizes(&mut conn);
        large.retain(|_, rows| *rows >= crowd::LARGE);
        Self { conn, large, excused: Excused::default() }
    }

    /// Statements whose plan for all values was chosen on a wrong guess.
    fn misjudged(&mut self, heard: &Heard) -> Vec<String> {
        let bounds = Bounds {
            large: BTreeMap::new(),
            sorted_max: f64::INFINITY,
            discarded_max: f64::INFINITY,
            misjudged_max: 100.0,
            few: 1_000.0,
        };
        let plans =
            |conn: &mut PgConnection, statement: &LoggedStatement| vec![Plan::generic(conn, statement)];
        heard.0.values().filter_map(|cases| self.fault(cases, &bounds, plans)).collect()
    }

    /// Statements that read or sort too much, when their table is large: by the plan for all values, or by what Postgres comes to with these.
    fn wasteful(&mut self, heard: &Heard) -> Vec<String> {
        heard.0.values().filter_map(|cases| self.waste(cases)).collect()
    }

    fn waste(&mut self, cases: &[Case]) -> Option<String> {
        let bounds = Bounds {
            large: self.large.clone(),
            sorted_max: SORTED_MAX,
            discarded_max: DISCARDED_MAX,
            misjudged_max: f64::INFINITY,
            few: f64::INFINITY,
        };
        let plans = |conn: &mut PgConnection, statement: &LoggedStatement| {
            vec![Plan::generic(conn, statement), Plan::settled(conn, statement)]
        };
        self.fault(cases, &bounds, plans)
    }

    fn fault(
        &mut self,
        cases: &[Case],
        bounds: &Bounds,
        plans: impl Fn(&mut PgConnection, &LoggedStatement) -> Vec<Plan>,
    ) -> Option<String> {
        let mut found = None;
        // All of them, for what they are excused by.
        for (asked, statement) in cases {
            for plan in plans(&mut self.conn, statement) {
                let mut faults = plan.faults(bounds);
                faults.retain(|fault| !self.excused.excuses(&statement.text, fault));
                if !faults.is_empty() {
                    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                    found.get_or_insert(format!("{asked}: {}\n{plan}", faults.join("; ")));
                }
            }
        }
        found
    }

    /// Without one of its indexes a list is found out: the test sees what it is there to see.
    fn assert_sees_missing_indexes(&mut self, heard: &Heard) {
        for (index, pieces) in INDEXES {
            self.conn.batch_execute(&format!("DROP INDEX {index}")).unwrap();
            for piece in pieces {
                let of_it = heard.0.iter().filter(|(text, _)| text.replace('"', "").contains(piece));
                let mut cases = of_it.map(|(_, cases)| cases);
                assert!(
                    cases.any(|cases| self.waste(cases).is_some()),
                    "nothing of {piece:?} would have needed {index}"
                );
            }
        }
    }
}
