//! What is loaded, read back through the services.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use kernel::{Actor, Limit, PartyId, PersonId, Role, SessionId};
use marketplace::{
    BidStatus, DirectoryFilter, DirectoryForm, JobList, JobStatus, MarketplaceQueries, MarketplaceService,
    PageRequest, Proof, ReviewQueries, Settings, rules,
};
use seed::{Plan, Progress};
use testing::TestDatabase;

fn seeded(plan: impl FnOnce(Plan) -> Plan) -> (TestDatabase, MarketplaceService) {
    let database = TestDatabase::new();
    let plan = plan(Plan::new(11, 600, 3_000, database.db.now().unwrap()));
    seed::fill(&database.owner, &plan, &Settings::default(), &mut |_| {}).unwrap();
    let clock = Arc::new(database.clock.clone());
    let service = MarketplaceService::new(database.db.clone(), clock, Settings::default());
    (database, service)
}

fn parties(database: &TestDatabase, role: Role) -> Vec<PartyId> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: PartyId,
    }
    let found: Result<Vec<Found>, database::Error> = database.owner.read(|conn| {
        Ok(diesel::sql_query("SELECT id FROM identity.people WHERE role = $1 ORDER BY id")
            .bind::<Text, _>(role.as_str())
            .load(conn)?)
    });
    found.unwrap().into_iter().map(|found| found.id).collect()
}

fn actor(party: PartyId, role: Role) -> Actor {
    Actor::person(PersonId::from(party.uuid()), role, SessionId::new(), true, "test")
}

fn all<T>(mut page: impl FnMut(PageRequest) -> kernel::Page<T>) -> Vec<T> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let next = page(PageRequest { after, limit: Limit::new(100).unwrap() });
        found.extend(next.items);
        match next.next {
            Some(position) => after = Some(position),
            None => return found,
        }
    }
}

#[test]
fn every_open_job_is_in_the_list_and_read_one_by_one() {
    let (_database, market) = seeded(|plan| plan);
    let cards = all(|page| market.list_jobs(None, &JobList { page, ..JobList::default() }).unwrap());
    assert_eq!(cards.len(), 540);
    for card in cards {
        let seen = market.job(None, card.id).unwrap();
        assert_eq!((seen.job.status, seen.address), (JobStatus::Open, None));
        assert!(!seen.job.title.is_empty() && seen.job.description.len() > 80);
    }
}

#[test]
fn every_bid_is_its_bidders_and_its_receipt_stands_for_it() {
    let (database, market) = seeded(|plan| plan);
    let mut statuses: HashMap<BidStatus, usize> = HashMap::new();
    for contractor in parties(&database, Role::Contractor) {
        let actor = actor(contractor, Role::Contractor);
        let own = all(|page| market.list_own_bids(actor.contractor().unwrap(), None, page).unwrap());
        for found in own {
            *statuses.entry(found.bid.status).or_default() += 1;
            assert_eq!(found.bid.contractor, contractor);
            if let Some(proof) = &found.bid.proof {
                assert!(rules::matches(&found.bid.receipt, proof), "{}", found.bid.id);
            }
            let stood = found.bid.status != BidStatus::Withdrawn;
            assert_eq!(found.bid.outcome.is_some(), stood && found.job.unwrap().status != JobStatus::Open);
        }
    }
    assert_eq!(statuses.values().sum::<usize>(), 3_000);
    assert!(statuses[&BidStatus::Submitted] > 2_000 && statuses[&BidStatus::Accepted] > 10, "{statuses:?}");
    // Of sealed ones and of those that were revised, too: asked of the rows, whoever may see them.
    let revisions = database.owner.read(|conn| {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            canonical: String,
            #[diesel(sql_type = Text)]
            salt: String,
            #[diesel(sql_type = Text)]
            receipt: String,
        }
        let rows: Vec<Row> =
            diesel::sql_query("SELECT canonical, salt, receipt FROM marketplace.bid_revisions").load(conn)?;
        Ok::<_, database::Error>(rows)
    });
    let revisions = revisions.unwrap();
    assert!(revisions.len() > 3_050, "{}", revisions.len());
    for row in revisions {
        assert!(rules::matches(&row.receipt, &Proof { canonical: row.canonical, salt: row.salt }));
    }
}

#[test]
fn owners_see_the_bids_on_their_jobs_from_the_reveal_on() {
    let (database, market) = seeded(|plan| plan);
    let mut seen = 0;
    for owner in parties(&database, Role::Homeowner) {
        let actor = actor(owner, Role::Homeowner);
        let shelf = JobList {
            filter: marketplace::JobFilter {
                scope: marketplace::JobScope::Mine,
                ..marketplace::JobFilter::default()
            },
            ..JobList::default()
        };
        let own = all(|page| market.list_jobs(Some(&actor), &JobList { page, ..shelf.clone() }).unwrap());
        for job in own {
            let bids = market.list_bids_of_job(&actor, job.id, PageRequest::default());
            match bids {
                Ok(page) => seen += page.items.len(),
                Err(error) => assert!(matches!(error, marketplace::Error::Sealed { .. }), "{error}"),
            }
            assert!(market.job(Some(&actor), job.id).unwrap().address.is_some());
        }
    }
    assert!(seen > 1_500, "{seen}");
}

#[test]
fn what_reviews_come_to_is_what_counting_them_comes_to() {
    let (database, market) = seeded(|plan| Plan { open_percent: 20, ..plan });
    let mut reviewed = 0;
    for contractor in parties(&database, Role::Contractor) {
        let (mut found, mut after) = (Vec::new(), None);
        let summary = loop {
            let page = PageRequest { after, limit: Limit::new(100).unwrap() };
            let page = market.list_reviews(contractor, None, page).unwrap();
            found.extend(page.items.into_iter().map(|review| i64::from(review.rating)));
            after = page.next;
            if after.is_none() {
                break page.summary;
            }
        };
        let (count, sum) = (found.len(), found.iter().sum::<i64>());
        reviewed += count;
        let mean = summary.mean;
        assert_eq!(summary.count as usize, count);
        assert_eq!(mean.is_some(), count > 0);
        assert!(mean.is_none_or(|mean| (mean - sum as f64 / count as f64).abs() < 0.0051));
    }
    assert!(reviewed > 100, "{reviewed}");
    let disagree = "(SELECT subject_id, count(*) n, sum(rating) r, sum(quality) q, sum(timeliness) t, sum(communication) c
         FROM marketplace.reviews WHERE status = 'PUBLISHED' GROUP BY 1) s
         FULL JOIN marketplace.ratings USING (subject_id)
         WHERE (n, r, q, t, c) IS DISTINCT FROM (reviews::bigint, rating_sum, quality_sum, timeliness_sum, communication_sum)";
    assert_eq!(database.count(disagree), 0);
}

#[test]
fn contractors_are_in_the_directory_as_its_own_task_would_have_put_them() {
    let (database, market) = seeded(|plan| plan);
    let filter = DirectoryFilter::new(&DirectoryForm::default()).unwrap();
    let page = market.list_contractors(&filter, None, Limit::new(100).unwrap()).unwrap();
    assert_eq!(page.items.len(), 36);
    let before = database.count("marketplace.directory WHERE listed");
    let text = "(SELECT md5(string_agg(d::text, '' ORDER BY party_id)) sum FROM marketplace.directory d) x WHERE sum IS NOT NULL";
    assert_eq!((before, database.count(text)), (36, 1));
    let digest = |database: &TestDatabase| {
        #[derive(QueryableByName)]
        struct Sum {
            #[diesel(sql_type = Text)]
            sum: String,
        }
        let sum: Result<Sum, database::Error> = database.owner.read(|conn| {
            Ok(diesel::sql_query(
                "SELECT md5(string_agg(d::text, '' ORDER BY party_id)) AS sum FROM marketplace.directory d",
            )
            .get_result(conn)?)
        });
        sum.unwrap().sum
    };
    let own = digest(&database);
    database.execute("DELETE FROM marketplace.directory");
    let mut registry = outbox::Registry::new();
    marketplace::register(&mut registry, Arc::new(market));
    database
        .db
        .transaction::<_, database::Error>(|tx| {
            outbox::enqueue(tx, &marketplace::FillDirectory { after: None });
            Ok(())
        })
        .unwrap();
    outbox::run_due(&database.db, &registry).unwrap();
    assert_eq!(digest(&database), own);
}

#[test]
fn open_jobs_end_by_themselves() {
    let (database, market) = seeded(|plan| plan);
    let closing = database.count("outbox.tasks WHERE kind = 'marketplace.bidding_close'");
    let expiring = database.count("outbox.tasks WHERE kind = 'marketplace.job_expiry'");
    assert!(closing > 400 && closing + expiring == 540, "{closing} {expiring}");
    let mut registry = outbox::Registry::new();
    marketplace::register(&mut registry, Arc::new(market));
    for _ in 0..3 {
        database.clock.advance(std::time::Duration::from_secs(60 * 24 * 60 * 60));
        outbox::run_due(&database.db, &registry).unwrap();
    }
    assert_eq!(database.count("marketplace.jobs WHERE status = 'OPEN'"), 0);
    assert_eq!(database.count("marketplace.bids WHERE status = 'SUBMITTED'"), 0);
}

#[test]
fn the_same_number_fills_another_database_with_the_same_rows() {
    let tables = [
        ("identity.people", "id"),
        ("identity.contractor_profiles", "person_id"),
        ("identity.verifications", "id"),
        ("identity.credentials", "id"),
        ("marketplace.jobs", "id"),
        ("marketplace.job_addresses", "job_id"),
        ("marketplace.bids", "id"),
        ("marketplace.bid_revisions", "bid_id, revision"),
        ("marketplace.reviews", "id"),
        ("marketplace.ratings", "subject_id"),
        ("marketplace.directory", "party_id"),
    ];
    let sums = || {
        let (database, _) = seeded(|plan| Plan { jobs: 200, bids: 900, ..plan });
        tables.map(|(table, key)| {
            #[derive(QueryableByName)]
            struct Sum {
                #[diesel(sql_type = Text)]
                sum: String,
                #[diesel(sql_type = BigInt)]
                count: i64,
            }
            let sql = format!(
                "SELECT md5(string_agg(t::text, '' ORDER BY {key})) AS sum, count(*) AS count FROM {table} t"
            );
            let found: Result<Sum, database::Error> =
                database.owner.read(|conn| Ok(diesel::sql_query(&sql).get_result(conn)?));
            let found = found.unwrap();
            assert!(found.count > 0, "{table}");
            (table, found.sum)
        })
    };
    assert_eq!(sums(), sums());
}

#[test]
fn of_many_rows_the_indexes_are_made_anew_and_are_what_they_were() {
    let catalogue = "SELECT string_agg(line, E'\\n' ORDER BY line) AS sum FROM (
        SELECT indexdef AS line FROM pg_indexes WHERE schemaname IN ('identity', 'marketplace', 'outbox')
        UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint) lines";
    let read = |database: &TestDatabase| {
        #[derive(QueryableByName)]
        struct Sum {
            #[diesel(sql_type = Text)]
            sum: String,
        }
        let found: Result<Sum, database::Error> =
            database.owner.read(|conn| Ok(diesel::sql_query(catalogue).get_result(conn)?));
        found.unwrap().sum
    };
    let database = TestDatabase::new();
    let before = read(&database);
    let plan = Plan { people: 300, ..Plan::new(4, 8_000, 42_000, database.db.now().unwrap()) };
    let mut indexed = 0;
    let filled = seed::fill(&database.owner, &plan, &Settings::default(), &mut |progress| {
        indexed += usize::from(matches!(progress, Progress::Indexing(..)));
    });
    assert_eq!(filled.unwrap().bids, 42_000);
    assert!(indexed > 30, "{indexed}");
    assert_eq!(read(&database), before);
}

#[test]
fn figures_and_looks_are_those_of_the_rows() {
    let (database, market) = seeded(|plan| Plan {
        open_percent: 30,
        days: 180,
        city: Some("Austin".to_owned()),
        trades: Some(4),
        ..plan
    });
    assert_eq!(
        database.count("marketplace.market_facts"),
        database.count("marketplace.jobs WHERE status <> 'DRAFT'")
    );
    assert!(database.count("marketplace.job_views") > 30);
    let mut registry = outbox::Registry::new();
    marketplace::register(&mut registry, Arc::new(market));
    outbox::run_due(&database.db, &registry).unwrap();
    assert!(database.count("marketplace.market_figures WHERE median IS NOT NULL") > 3);
    assert!(database.count("marketplace.performance WHERE public_things > 0") > 0);
}

#[test]
fn nobody_of_the_seed_has_a_password_or_a_proven_address() {
    let (database, _) = seeded(|plan| plan);
    assert_eq!(database.count("identity.people"), 120);
    let open = "identity.people WHERE password_hash IS NOT NULL OR email_verified_at IS NOT NULL
        OR email NOT LIKE '%.seed.example'";
    assert_eq!(database.count(open), 0);
    assert_eq!(database.count("outbox.events"), 0);
}
