//! Figures over a real Postgres: what comes out and when, what is withheld, and what no bid on an open job ever changes.

mod kept;

use std::time::Duration;

use kernel::{Actor, Classify, Currency, Limit, PartyId, Position};
use marketplace::rules::market::MarketFigure;
use marketplace::{
    Address, BidChange, BidId, Category, Country, FigureQueries, FillFigures, JobId, MarketFilter,
    MarketForm, MarketRow, MarketplaceCommands, Month, NewJob, Performance, Place, PublishMarket, Rejection,
    ReleasePerformance, Share,
};
use outbox::{Aggregate, NewEvent};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, bathroom};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn in_region(region: &str) -> NewJob {
    let job = bathroom();
    NewJob { address: Address { region: Some(Place::new(region).unwrap()), ..job.address }, ..job }
}

fn filter(form: &MarketForm) -> MarketFilter {
    MarketFilter::new(form).unwrap()
}

impl World {
    /// The first noon of a month: what happens now and in the next days is in one month.
    fn begin_month(&self) {
        let next = Month::of(kernel::Clock::now(&self.database.clock)).next();
        self.database.clock.set(next.starts_at() + Duration::from_secs(12 * 60 * 60));
    }

    /// Lets a month close, and its figures come out.
    fn close_month(&self) -> Month {
        let month = Month::of(kernel::Clock::now(&self.database.clock));
        self.run_due();
        self.database.clock.set(month.next().starts_at() + DAY);
        self.publish();
        month
    }

    fn publish(&self) {
        self.enqueue(&PublishMarket { month: None });
        self.enqueue(&ReleasePerformance { after: None });
        self.run_due();
    }

    fn enqueue<T: outbox::Task>(&self, task: &T) {
        let done: Result<(), database::Error> = self.database.db.transaction(|tx| {
            outbox::enqueue(tx, task);
            Ok(())
        });
        done.unwrap();
    }

    /// As contracts tell it.
    fn tell(&self, name: &'static str, contract: Uuid, data: &Value) {
        let done: Result<(), database::Error> = self.database.db.transaction(|tx| {
            let aggregate = Aggregate { kind: "contract", id: contract };
            outbox::publish(
                tx,
                NewEvent { name, version: 1, aggregate, request_id: "test".to_owned(), data: data.clone() },
            );
            Ok(())
        });
        done.unwrap();
    }

    /// Somebody is chosen for a job, and it is told of.
    fn choose(&self, owner: &Actor, job: JobId, bid: BidId) -> (Uuid, Value) {
        let awarded = self.award(owner, bid).unwrap();
        let contract = Uuid::now_v7();
        let data =
            json!({ "jobId": job, "homeownerId": awarded.homeowner, "contractorId": awarded.contractor });
        self.tell("contract.created", contract, &data);
        (contract, data)
    }

    fn sale(&self, owner: &Actor, contractor: &Actor, amount: i64, job: NewJob) -> JobId {
        let job = self.post(owner, job).job.id;
        let bid = self.bid(contractor, job, amount);
        self.choose(owner, job, bid.id);
        job
    }

    fn figures(&self, form: &MarketForm) -> Vec<MarketRow> {
        self.market.market_figures(&filter(form), None, Limit::new(100).unwrap()).unwrap().rows.items
    }

    fn performance(&self, viewer: Option<&Actor>, of: &Actor) -> Performance {
        self.market.performance(viewer, of.party).unwrap()
    }

    /// A table's rows without what differs by chance, in one order.
    fn dump(&self, columns: &str, table: &str) -> String {
        use diesel::prelude::*;
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text)]
            line: String,
        }
        let sql = format!("SELECT ({columns})::text AS line FROM marketplace.{table} ORDER BY 1");
        let lines: Vec<Line> = diesel::sql_query(sql).load(&mut self.database.owner_connection()).unwrap();
        lines.into_iter().map(|row| row.line).collect::<Vec<_>>().join("\n")
    }

    /// Everything that figures are made of, and all that is published.
    fn everything(&self) -> String {
        [
            self.dump("f.*", "market_facts f"),
            self.dump("f.*", "market_figures f"),
            self.dump("f.*", "performance_facts f"),
            self.dump("p.*", "performance p"),
        ]
        .join("\n--\n")
    }
}

/// So many of each, by number.
fn people(count: usize, make: impl Fn(&str) -> Actor) -> Vec<Actor> {
    (0..count).map(|n| make(&format!("Number {n}"))).collect()
}

fn prices(row: &MarketRow) -> Option<(i32, i64, i64, i64)> {
    row.prices.map(|prices| (prices.jobs, prices.p10, prices.median, prices.p90))
}

#[test]
fn a_months_figures_come_out_when_it_has_closed_and_never_again() {
    let world = World::new();
    world.begin_month();
    let (owners, builders) =
        (people(6, |name| world.homeowner(name)), people(5, |name| world.contractor(name)));
    for (at, owner) in owners.iter().enumerate() {
        let amount = 100_000 + 10_000 * i64::try_from(at).unwrap();
        // Regions are one however they are written.
        let region = if at % 2 == 0 { "TX" } else { " tx " };
        world.sale(owner, &builders[at % 5], amount, in_region(region.trim()));
    }
    world.publish();
    assert_eq!(world.figures(&MarketForm::default()), [], "the month is still running");
    let month = world.close_month();

    let rows = world.figures(&MarketForm::default());
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.month, row.country.as_str(), row.region.as_deref()), (month, "US", Some("TX")));
    assert_eq!((row.trade.as_str(), row.currency), ("tiling", Currency::USD));
    assert_eq!(row.demand.map(|demand| (demand.jobs, demand.homeowners)), Some((6, 6)));
    // 100,000 to 150,000 in six steps: p10 lies half-way to the second, and all are told to two digits.
    assert_eq!(prices(row), Some((6, 110_000, 130_000, 150_000)));
    assert_eq!(row.prices.map(|prices| prices.people), Some(5));
    let page = world.market.market_figures(&MarketFilter::default(), None, Limit::default()).unwrap();
    assert_eq!((page.through, page.least.jobs, page.least.people), (Some(month), 5, 5));

    // What becomes known of it later does not move it, and it comes out once.
    let before = world.dump("f.*", "market_figures f");
    world.database.execute("UPDATE marketplace.market_facts SET amount = 1");
    for _ in 0..2 {
        world.publish();
        world.enqueue(&PublishMarket { month: Some(month.first_day()) });
        world.run_due();
    }
    assert_eq!(world.dump("f.*", "market_figures f"), before);
}

#[test]
fn a_state_is_one_region_however_it_is_written() {
    let world = World::new();
    world.begin_month();
    let builders: Vec<Actor> = (0..5).map(|n| world.contractor(&format!("Bob {n}"))).collect();
    for (at, builder) in builders.iter().enumerate() {
        let owner = world.homeowner(&format!("Ada {at}"));
        world.sale(&owner, builder, 200_000, in_region(["TX", "Texas", "texas"][at % 3]));
    }
    assert_eq!(world.count("marketplace.jobs WHERE region = 'TX'"), 5, "at posting it gets its code");
    world.run_due();
    // As older jobs have it.
    world.database.execute(
        "UPDATE marketplace.jobs SET region = 'Texas' WHERE id IN (SELECT id FROM marketplace.jobs LIMIT 2)",
    );
    world.database.execute(
        "UPDATE marketplace.market_facts f SET region = marketplace.region_key(j.region) FROM marketplace.jobs j WHERE j.id = f.job_id",
    );
    assert_eq!(world.count("marketplace.market_facts WHERE region = 'TEXAS'"), 2);
    world.close_month();
    for asked in ["TX", "Texas", " téxas"] {
        let form = MarketForm {
            country: Some("US".into()),
            region: Some(asked.trim().into()),
            ..MarketForm::default()
        };
        let rows = world.figures(&form);
        let told: Vec<_> =
            rows.iter().map(|row| (row.region.as_deref(), row.prices.map(|prices| prices.jobs))).collect();
        assert_eq!(told, [(Some("TX"), Some(5))], "{asked}");
        let region = Place::new(asked.trim()).unwrap();
        let tiling = Category::new("tiling").unwrap();
        let us = Country::new("US").unwrap();
        let figure = world.market.price_figure(tiling, Currency::USD, &us, Some(&region)).unwrap();
        assert_eq!(figure.map(|figure| figure.jobs), Some(5), "{asked}");
    }
}

#[test]
fn small_regions_stand_together_or_are_withheld() {
    let world = World::new();
    world.begin_month();
    let builders = people(5, |name| world.contractor(name));
    let sell = |region: &str, first: usize, count: usize| {
        for (owner, builder) in people(count, |name| world.homeowner(name)).iter().zip(&builders[first..]) {
            world.sale(owner, builder, 200_000, in_region(region));
        }
    };
    sell("TX", 0, 5);
    sell("OK", 0, 3);
    sell("NM", 3, 2);
    let first = world.close_month();
    world.begin_month();
    sell("TX", 0, 5);
    sell("OK", 0, 4);
    let second = world.close_month();
    let found: Vec<(Month, Option<String>, Option<i32>)> = world
        .figures(&MarketForm::default())
        .into_iter()
        .map(|row| (row.month, row.region, row.prices.map(|prices| prices.jobs)))
        .collect();
    let texas = || Some("TX".to_owned());
    assert_eq!(found, [(second, texas(), Some(5)), (first, texas(), Some(5)), (first, None, Some(5))]);

    // One owner alone, or one contractor, is not enough however many the jobs.
    world.begin_month();
    let (ada, eves) = (world.homeowner("Ada"), people(5, |name| world.homeowner(name)));
    for builder in &builders {
        world.sale(&ada, builder, 300_000, in_region("UT"));
    }
    for eve in &eves {
        world.sale(eve, &builders[0], 300_000, in_region("WY"));
    }
    let third = world.close_month();
    let rows = world.figures(&MarketForm { from: Some(third.to_string()), ..MarketForm::default() });
    let told: Vec<_> = rows.iter().map(|row| (row.region.as_deref(), row.prices.is_some())).collect();
    // Wyoming's demand is of five people; its prices are of one contractor, and Utah's of one owner: only together are they of five and five.
    assert_eq!(told, [(Some("WY"), false), (None, true)]);
    assert_eq!(rows[1].demand, None);
}

#[test]
fn supply_is_who_comes_to_where_the_jobs_are() {
    let world = World::new();
    world.begin_month();
    for owner in people(5, |name| world.homeowner(name)) {
        world.post(&owner, in_region("TX"));
    }
    world.run_due();
    // Five who come to Austin from within their radius, one who does not, one of another trade, one who is not listed.
    for (lat, km, trade, listed, count) in [
        (30.3, "40", "tiling", true, 4),
        (30.6, "NULL", "tiling", true, 1),
        (32.0, "40", "tiling", true, 1),
        (30.3, "40", "roofing", true, 1),
        (30.3, "40", "tiling", false, 1),
    ] {
        world.database.execute(&format!(
            "INSERT INTO marketplace.directory (party_id, listed, display_name, trades, skills, public_latitude, public_longitude, service_radius_km,
                 member_since, reviews, rating_rank, checked, named, told)
             SELECT gen_random_uuid(), {listed}, 'Bob', ARRAY['{trade}'], '{{}}', {lat}, -97.74, {km}, app.clock(), 0, 400, '[]', '', ''
             FROM generate_series(1, {count})"
        ));
    }
    world.close_month();
    let rows = world.figures(&MarketForm::default());
    assert_eq!(rows.iter().map(|row| row.supply).collect::<Vec<_>>(), [Some(5)]);
    assert_eq!(rows[0].prices, None);
}

#[test]
fn figures_are_found_by_trade_place_currency_and_month_page_by_page() {
    let world = World::new();
    seed(&world, 300);
    let all = MarketForm::default();
    let count = |form: MarketForm| pages(&world, &form, 100).len();
    assert_eq!(count(all.clone()), 300);
    let texas =
        MarketForm { country: Some("US".into()), region: Some(" región 3 ".trim().into()), ..all.clone() };
    let expected = |condition: &str| {
        usize::try_from(world.count(&format!("marketplace.market_figures WHERE {condition}"))).unwrap()
    };
    for (form, condition) in [
        (MarketForm { trade: Some("tiling".into()), ..all.clone() }, "trade = 'tiling'"),
        (texas, "country = 'US' AND region = 'REGION 3'"),
        (MarketForm { currency: Some("EUR".into()), ..all.clone() }, "currency = 'EUR'"),
        (
            MarketForm { from: Some("2024-02".into()), to: Some("2024-05".into()), ..all },
            "month BETWEEN '2024-02-01' AND '2024-05-01'",
        ),
    ] {
        let found = pages(&world, &form, 7);
        assert_eq!(found.len(), expected(condition), "{form:?}");
        assert!(found.len() > 3, "{form:?}");
        assert_eq!(found, pages(&world, &form, 100));
    }
}

/// All ids, page by page.
fn pages(world: &World, form: &MarketForm, limit: i64) -> Vec<Uuid> {
    let (mut found, mut after): (Vec<Uuid>, Option<Position<i64>>) = (Vec::new(), None);
    loop {
        let page = world.market.market_figures(&filter(form), after, Limit::new(limit).unwrap()).unwrap();
        found.extend(page.rows.items.iter().map(|row| row.id));
        match page.rows.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

fn seed(world: &World, rows: u32) {
    world.database.execute(&format!(
        "INSERT INTO marketplace.market_months (month, published_at)
         SELECT m, app.clock() FROM generate_series(date '2024-01-01', date '2025-12-01', interval '1 month') m;
         INSERT INTO marketplace.market_figures (id, month, country, region, trade, currency, jobs, homeowners, priced_jobs, priced_people, p10, p25,
             median, p75, p90)
         SELECT gen_random_uuid(), date '2024-01-01' + (n % 24) * interval '1 month', CASE WHEN n % 5 = 0 THEN 'DE' ELSE 'US' END,
             CASE WHEN n % 7 > 0 THEN 'REGION ' || n % 7 END, CASE WHEN n % 3 = 0 THEN 'tiling' ELSE 'trade' || n / 168 END,
             CASE WHEN n % 5 = 0 THEN 'EUR' ELSE 'USD' END, 9, 9, 9, 9, 1, 2, 3, 4, 5
         FROM generate_series(1, {rows}) n ON CONFLICT DO NOTHING;
         INSERT INTO marketplace.market_figures (id, month, country, region, trade, currency, jobs, homeowners)
         SELECT gen_random_uuid(), '2024-01-01', 'FR', 'R' || n, 'filler', 'EUR', 9, 9
         FROM generate_series(1, {rows} - (SELECT count(*) FROM marketplace.market_figures)) n;"
    ));
}

#[test]
fn a_price_is_judged_by_what_is_published_of_its_place() {
    let world = World::new();
    world.database.execute(
        "INSERT INTO marketplace.market_months (month, published_at)
         SELECT m, app.clock() FROM generate_series(date '2025-01-01', date '2026-02-01', interval '1 month') m;
         INSERT INTO marketplace.market_figures (id, month, country, region, trade, currency, priced_jobs, priced_people, p10, p25, median, p75, p90)
         VALUES (gen_random_uuid(), '2026-02-01', 'US', 'TX', 'tiling', 'USD', 10, 6, 100, 200, 500, 800, 900),
                (gen_random_uuid(), '2026-02-01', 'US', NULL, 'tiling', 'USD', 90, 9, 1, 2, 3, 4, 5),
                (gen_random_uuid(), '2026-01-01', 'US', NULL, 'tiling', 'USD', 30, 7, 100, 200, 700, 800, 900),
                (gen_random_uuid(), '2025-02-01', 'US', 'TX', 'tiling', 'USD', 70, 7, 1, 2, 3, 4, 5)",
    );
    let (tiling, us) = (Category::new("tiling").unwrap(), Country::new("US").unwrap());
    let of = |region: Option<&str>, currency: Currency| {
        let region = region.map(|region| Place::new(region).unwrap());
        world.market.price_figure(tiling, currency, &us, region.as_ref()).unwrap()
    };
    // The region itself in one month, in the other what it is counted with; nothing older than a year.
    let texas = MarketFigure { jobs: 40, people: 7, p10: 100, p25: 200, median: 650, p75: 800, p90: 900 };
    assert_eq!(of(Some("tx"), Currency::USD), Some(texas));
    assert_eq!(of(None, Currency::USD).map(|figure| figure.jobs), Some(120));
    assert_eq!(of(Some("tx"), "EUR".parse().unwrap()), None);
}

#[test]
fn no_bid_on_an_open_job_moves_a_figure() {
    for sealed in [false, true] {
        let world = World::new();
        world.begin_month();
        let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
        for owner in people(5, |name| world.homeowner(name)) {
            world.sale(&owner, &bob, 100_000, bathroom());
        }
        let job = if sealed { world.sealed_job(&ada) } else { world.open_job(&ada) };
        world.run_due();
        world.publish();
        let before = world.everything();
        let seen = format!("{:?}", world.performance(None, &bob));
        let bid = world.bid(&bob, job, 1_000);
        let rival = world.bid(&world.contractor("Eve"), job, 2_000);
        world.publish();
        assert_eq!(world.everything(), before, "after bids");
        if !sealed {
            let change = BidChange { bid_id: rival.id, if_version: None, change: Rejection::default() };
            world.market.reject_bid(ada.homeowner().unwrap(), change).unwrap();
        }
        let change = BidChange { bid_id: bid.id, if_version: None, change: () };
        world.market.withdraw_bid(bob.contractor().unwrap(), change).unwrap();
        world.publish();
        assert_eq!(world.everything(), before, "after they were decided");
        assert_eq!(format!("{:?}", world.performance(None, &bob)), seen);
        // Called off, it says nothing of those who bid on it.
        world
            .market
            .delete_job(
                ada.homeowner().unwrap(),
                marketplace::JobChange { job_id: job, if_version: None, change: () },
            )
            .unwrap();
        world.publish();
        assert_eq!(world.everything(), before, "after it was called off");
    }
}

#[test]
fn a_contractor_sees_everything_at_once_and_others_five_jobs_at_a_time() {
    let world = World::new();
    let (bob, eve) = (world.contractor("Bob"), world.contractor("Eve"));
    let owners = people(11, |name| world.homeowner(name));
    let decide = |owner: &Actor, bob_wins: bool| {
        let job = world.open_job(owner);
        let (of_bob, of_eve) = (world.bid(&bob, job, 1_000), world.bid(&eve, job, 2_000));
        world.choose(owner, job, if bob_wins { of_bob.id } else { of_eve.id });
        world.run_due();
    };
    let wins = |viewer: Option<&Actor>| world.performance(viewer, &bob).wins;
    for (at, owner) in owners[..4].iter().enumerate() {
        decide(owner, at == 0);
    }
    world.publish();
    assert_eq!(wins(Some(&bob)), Some(Share { good: 1, of: 4 }));
    // Five jobs, but of four owners.
    decide(&owners[0], true);
    world.publish();
    for viewer in [None, Some(&eve), Some(&owners[0])] {
        assert_eq!(wins(viewer), None);
    }
    decide(&owners[4], false);
    assert_eq!(wins(None), None, "once a day");
    world.publish();
    assert_eq!(
        (wins(None), wins(Some(&eve))),
        (Some(Share { good: 2, of: 6 }), Some(Share { good: 2, of: 6 }))
    );
    // One more cannot be told from the difference of two days.
    for owner in &owners[5..9] {
        decide(owner, true);
        world.publish();
        assert_eq!(wins(None), Some(Share { good: 2, of: 6 }));
    }
    decide(&owners[9], true);
    world.publish();
    assert_eq!(wins(None), Some(Share { good: 7, of: 11 }));
    assert!(world.performance(Some(&bob), &bob).is_own && !world.performance(Some(&eve), &bob).is_own);
    let nobody = world.market.performance(None, PartyId::new());
    assert_eq!(nobody.unwrap_err().code(), "user_not_found");
    assert_eq!(world.market.performance(None, owners[0].party).unwrap_err().code(), "user_not_found");
}

/// What contracts tell of an award until it is completed or lapses.
fn tell_of_contracts(world: &World, bob: &Actor, owners: &[Actor]) {
    let now = || kernel::Clock::now(&world.database.clock);
    for (at, owner) in owners.iter().enumerate() {
        let (contract, job) = (Uuid::now_v7(), JobId::new());
        let with = |more: Value| {
            let mut data = json!({ "contractId": contract, "jobId": job, "homeownerId": owner.party, "contractorId": bob.party });
            if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
                data.extend(more);
            }
            data
        };
        let awarded = now();
        world.database.clock.advance(Duration::from_secs(60 * u64::try_from(at).unwrap() + 60));
        let signed = |by: PartyId| with(json!({ "signedBy": by, "awardedAt": awarded }));
        world.tell("contract.signed", contract, &signed(owner.party));
        world.tell("contract.signed", contract, &signed(bob.party));
        if at == 0 {
            world.tell("contract.unsigned", contract, &with(json!({ "contractorSigned": false })));
            continue;
        }
        let due = now().date_naive() - chrono::Days::new(if at == 1 { 2 } else { 0 });
        let milestone = Uuid::now_v7();
        for submission in [1, 2] {
            let data = with(json!({ "milestoneId": milestone, "submission": submission, "dueDate": due }));
            world.tell("milestone.submitted", contract, &data);
            world.database.clock.advance(5 * DAY);
        }
        world.tell("contract.signed", contract, &signed(bob.party));
        world.tell("contract.completed", contract, &with(json!({})));
        // At least once: an event may come again.
        world.tell("contract.completed", contract, &with(json!({})));
    }
    world.run_due();
}

#[test]
fn contracts_say_how_a_contractor_does() {
    let world = World::new();
    let bob = world.contractor("Bob");
    tell_of_contracts(&world, &bob, &people(5, |name| world.homeowner(name)));
    let own = world.performance(Some(&bob), &bob);
    assert_eq!(own.completion, Some(Share { good: 4, of: 5 }));
    assert_eq!(own.punctuality, Some(Share { good: 3, of: 4 }));
    // One to five minutes; signing anew after a change does not count.
    assert_eq!(own.response.map(|pace| (pace.median_seconds, pace.of)), Some((180, 5)));
    assert_eq!(own.wins, None);
    world.publish();
    let public = world.performance(None, &bob);
    assert_eq!((public.completion, public.punctuality), (own.completion, None));
    assert_eq!(public.response, own.response);
    // An old contract that nobody said this of, or one that the owner did not sign, says nothing.
    let ada = world.homeowner("Ada");
    for more in [json!({}), json!({ "contractorSigned": true })] {
        let mut data = json!({ "jobId": JobId::new(), "homeownerId": ada.party, "contractorId": bob.party });
        data.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        world.tell("contract.unsigned", Uuid::now_v7(), &data);
    }
    world.run_due();
    assert_eq!(world.performance(Some(&bob), &bob).completion, own.completion);
}
