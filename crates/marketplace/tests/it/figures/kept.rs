//! How figures are kept: the same piece by piece as counted anew, without whoever is forgotten, and read without reading everything.

use testing::{Plan, TestDatabase};

use super::*;

#[test]
fn what_is_kept_piece_by_piece_is_what_is_counted_anew() {
    let world = World::new();
    world.begin_month();
    let (owners, builders) =
        (people(7, |name| world.homeowner(name)), people(6, |name| world.contractor(name)));
    tell_of_contracts(&world, &builders[0], &owners);
    for round in 0..24_usize {
        let owner = &owners[(round * 5) % 7];
        let job = world.post(owner, in_region(["TX", "OK", "NM"][round % 3])).job.id;
        let bids: Vec<_> = (0..1 + round % 4)
            .map(|n| {
                world.bid(&builders[(round + n) % 6], job, 1_000 * i64::try_from(round + n + 1).unwrap())
            })
            .collect();
        match round % 6 {
            4 => {}
            5 => {
                let change = BidChange { bid_id: bids[0].id, if_version: None, change: () };
                let bidder = builders.iter().find(|builder| builder.party == bids[0].contractor).unwrap();
                world.market.withdraw_bid(bidder.contractor().unwrap(), change).unwrap();
            }
            _ => drop(world.choose(owner, job, bids[round % bids.len()].id)),
        }
        if round % 8 == 3 {
            world.publish();
        }
        world.advance_days(2);
    }
    world.run_due();
    world.publish();
    let kept = world.everything();
    assert!(
        kept.contains("WINS") && kept.contains("RESPONSE") && world.count("marketplace.market_figures") > 0
    );
    let figures = world.dump(
        "f.month, f.country, f.region, f.trade, f.jobs, f.homeowners, f.priced_jobs, f.median, f.p90",
        "market_figures f",
    );
    world.database.execute(
        "UPDATE marketplace.performance SET things = 0, good = 0, median_seconds = NULL, public_things = 0, public_good = 0, public_median_seconds = NULL;
         DELETE FROM marketplace.market_facts;
         DELETE FROM marketplace.performance_facts WHERE measure = 'WINS' AND NOT released;",
    );
    world.enqueue(&FillFigures { after: None });
    world.run_due();
    assert_eq!(world.everything(), kept);

    // The same months come out the same.
    world.database.execute("TRUNCATE marketplace.market_figures, marketplace.market_months");
    world.publish();
    let anew = world.dump(
        "f.month, f.country, f.region, f.trade, f.jobs, f.homeowners, f.priced_jobs, f.median, f.p90",
        "market_figures f",
    );
    assert_eq!(anew, figures);
}

#[test]
fn whoever_is_forgotten_leaves_numbers_only() {
    use identity::PersonalData;
    let world = World::new();
    world.begin_month();
    let bob = world.contractor("Bob");
    let owners = people(5, |name| world.homeowner(name));
    let jobs: Vec<JobId> =
        owners.iter().map(|owner| world.sale(owner, &bob, 100_000, in_region("TX"))).collect();
    world.run_due();
    world.publish();
    let held = world.database.db.read(|conn| world.market.held_about(conn, bob.person.unwrap())).unwrap();
    assert_eq!(held.data["performance"]["winRate"], json!({ "good": 5, "of": 5 }));
    let forget = |actor: &Actor| {
        world.database.db.transaction(|tx| world.market.erase(tx, actor.person.unwrap())).unwrap();
    };
    forget(&owners[0]);
    assert_eq!(world.count("marketplace.market_facts WHERE region IS NULL AND latitude IS NULL"), 1);
    // Filling anew brings nothing back.
    world.enqueue(&FillFigures { after: None });
    world.run_due();
    assert_eq!(world.count("marketplace.market_facts WHERE region = 'TX'"), 4);
    assert_eq!(world.count("marketplace.market_facts WHERE amount = 100000"), 5);
    forget(&bob);
    for table in ["performance", "performance_facts"] {
        assert_eq!(
            world.count(&format!("marketplace.{table} WHERE contractor_id = '{}'", bob.party.uuid())),
            0
        );
    }
    // Nor do the jobs that he won, filled anew or told of late.
    world.database.execute(&format!(
        "UPDATE identity.people SET erased_at = app.clock(), email = 'erased:' || id, email_canonical = 'erased:' || id, full_name = NULL,
             password_hash = NULL, pepper_id = NULL WHERE id = '{}'",
        bob.party.uuid()
    ));
    world.enqueue(&FillFigures { after: None });
    world.run_due();
    for job in &jobs {
        world.tell("job.awarded", job.uuid(), &json!({ "jobId": job }));
    }
    let (contract, job, owner) = (Uuid::now_v7(), jobs[1], owners[1].party);
    let done =
        json!({ "contractId": contract, "jobId": job, "homeownerId": owner, "contractorId": bob.party });
    world.tell("contract.completed", contract, &done);
    world.run_due();
    for table in ["performance", "performance_facts"] {
        assert_eq!(world.count(&format!("marketplace.{table}")), 0, "{table}");
    }
    assert_eq!(world.count("marketplace.market_facts WHERE amount = 100000"), 5);
}

#[test]
fn no_question_reads_all_figures() {
    let world = World::over(TestDatabase::logged());
    seed(&world, 20_000);
    world.database.execute("ANALYZE marketplace.market_figures; ANALYZE marketplace.market_months");
    world.database.execute(
        "INSERT INTO marketplace.performance (contractor_id, measure) SELECT gen_random_uuid(), 'WINS' FROM generate_series(1, 5000);
         ANALYZE marketplace.performance",
    );
    world.database.db.hold().unwrap();
    let bob = world.contractor("Bob");
    let all = MarketForm::default();
    let forms = [
        all.clone(),
        MarketForm { trade: Some("tiling".into()), ..all.clone() },
        MarketForm { country: Some("US".into()), region: Some("Region 3".into()), ..all.clone() },
        MarketForm {
            trade: Some("tiling".into()),
            country: Some("DE".into()),
            currency: Some("EUR".into()),
            ..all.clone()
        },
        MarketForm { country: Some("US".into()), ..all.clone() },
        MarketForm { currency: Some("EUR".into()), ..all.clone() },
        MarketForm { from: Some("2024-02".into()), to: Some("2024-05".into()), ..all },
    ];
    let mut owner = world.database.owner_connection();
    let mut seen = 0;
    for form in forms {
        let ask = || {
            let limit = Limit::default();
            let first = world.market.market_figures(&filter(&form), None, limit).unwrap();
            world.market.market_figures(&filter(&form), first.rows.next, limit).unwrap();
            world.market.performance(None, bob.party).unwrap();
            let (tiling, us) = (Category::new("tiling").unwrap(), Country::new("US").unwrap());
            world.market.price_figure(tiling, Currency::USD, &us, None).unwrap();
        };
        ask();
        let ((), statements) = world.database.statements(ask);
        testing::assert_cached(&statements);
        for statement in statements {
            let plan = Plan::generic(&mut owner, &statement);
            for table in ["market_figures", "performance"] {
                assert!(!plan.reads_whole(table), "{form:?}\n{plan}");
            }
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen} statements were looked at");
    world.database.db.release_held();
}
