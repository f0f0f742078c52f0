//! Connections that are lost, outdated, or sign in as somebody else.

use std::cell::Cell;
use std::time::Duration;

use database::{Db, Error, PoolConfig, Roles};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use testing::TestDatabase;

fn database() -> TestDatabase {
    let database = TestDatabase::new();
    database.execute(
        "CREATE TABLE public.things (id int PRIMARY KEY);
         INSERT INTO public.things VALUES (1);
         GRANT ALL ON public.things TO fairtrade_app",
    );
    database
}

fn ask(conn: &mut PgConnection, what: &str) -> Result<String, Error> {
    Ok(diesel::select(diesel::dsl::sql::<Text>(what)).get_result(conn)?)
}

fn backend(db: &Db) -> String {
    db.read(|conn| ask(conn, "pg_backend_pid()::text")).unwrap()
}

/// Ends every session of the runtime role, as a restart of the server would.
fn cut(database: &TestDatabase) {
    // The role itself may end its own sessions; from a connection of its own, which outlives the others by a moment.
    let mut conn = PgConnection::establish(&database.url).unwrap();
    conn.batch_execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()",
    )
    .unwrap();
}

#[test]
fn a_read_on_a_lost_connection_is_done_on_another() {
    let database = database();
    let db = &database.db;
    db.hold().unwrap();
    let before = backend(db);
    cut(&database);
    let tries = Cell::new(0);
    let after = db
        .read(|conn| {
            tries.set(tries.get() + 1);
            ask(conn, "pg_backend_pid()::text")
        })
        .unwrap();
    assert_eq!(tries.get(), 2);
    assert_ne!(after, before);
    assert_eq!(backend(db), after, "the thread holds the new one");
}

#[test]
fn a_read_that_got_something_already_is_not_done_again() {
    let database = database();
    let tries = Cell::new(0);
    let lost = database.db.read(|conn| {
        tries.set(tries.get() + 1);
        ask(conn, "'first'")?;
        cut(&database);
        ask(conn, "'second'")
    });
    assert!(matches!(lost, Err(Error::Unavailable(_))), "{lost:?}");
    assert_eq!(tries.get(), 1);
    assert_eq!(database.db.read(|conn| ask(conn, "'third'")).unwrap(), "third");
}

#[test]
fn a_transaction_begins_on_another_connection_when_its_own_is_lost() {
    let database = database();
    let db = &database.db;
    db.hold().unwrap();
    cut(&database);
    db.transaction(|tx| Ok::<_, Error>(tx.conn().batch_execute("INSERT INTO public.things VALUES (2)")?))
        .unwrap();
    assert_eq!(database.count("public.things"), 2);
}

#[test]
fn a_transaction_that_is_cut_fails_and_the_next_one_works() {
    let database = database();
    let db = &database.db;
    db.hold().unwrap();
    let tries = Cell::new(0);
    let lost = db.unit(|| {
        tries.set(tries.get() + 1);
        let insert = |id: i32| {
            db.transaction(|tx| {
                Ok::<_, Error>(tx.conn().batch_execute(&format!("INSERT INTO public.things VALUES ({id})"))?)
            })
        };
        insert(2)?;
        cut(&database);
        // What is swallowed here must not make the next statement run outside.
        let _ = insert(3);
        insert(4)
    });
    assert!(lost.is_err());
    assert_eq!(tries.get(), 1);
    assert_eq!(database.count("public.things"), 1);
    db.transaction(|tx| Ok::<_, Error>(tx.conn().batch_execute("INSERT INTO public.things VALUES (5)")?))
        .unwrap();
    assert_eq!(database.count("public.things"), 2);
}

#[test]
fn a_connection_lost_during_commit_leaves_the_outcome_open() {
    let database = database();
    let lost = database.db.transaction(|tx| {
        tx.conn().batch_execute("INSERT INTO public.things VALUES (2)")?;
        cut(&database);
        Ok::<_, Error>(())
    });
    assert!(matches!(lost, Err(Error::CommitUnknown)), "{lost:?}");
}

#[test]
fn after_one_loss_idle_connections_are_not_trusted() {
    let database = database();
    let db = &database.db;
    let meet = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                db.read(|conn| {
                    meet.wait();
                    ask(conn, "'open four'")
                })
                .unwrap();
            });
        }
    });
    cut(&database);
    let failures = Cell::new(0);
    for _ in 0..8 {
        db.read(|conn| {
            let result = ask(conn, "'again'");
            failures.set(failures.get() + i32::from(result.is_err()));
            result
        })
        .unwrap();
    }
    assert_eq!(failures.get(), 1, "the first loss is enough to know");
}

#[test]
fn a_stale_plan_costs_one_try() {
    let database = database();
    let db = &database.db;
    db.hold().unwrap();
    let load =
        || db.read(|conn| Ok::<_, Error>(diesel::sql_query("SELECT * FROM public.things").execute(conn)?));
    load().unwrap();
    let tries = Cell::new(0);
    let load = |conn: &mut PgConnection| {
        tries.set(tries.get() + 1);
        Ok::<Vec<i32>, Error>(database::hot::Hot(AllThings).load(conn)?)
    };
    assert_eq!(db.read(load).unwrap().len(), 1);
    database.execute("ALTER TABLE public.things ADD COLUMN more int");
    assert_eq!(db.read(load).unwrap().len(), 1);
    assert_eq!(tries.get(), 3, "the second read found the plan stale");
    database.execute("ALTER TABLE public.things DROP COLUMN more");
    assert_eq!(db.transaction(|tx| load(tx.conn())).unwrap().len(), 1);
    assert_eq!(tries.get(), 5, "so did the transaction");
}

struct AllThings;

impl database::hot::Statement for AllThings {
    const SQL: &'static str = "SELECT t.* FROM public.things t";
    type Columns = Integer;

    fn bind<'b>(&'b self, _: &mut database::hot::Binds<'_, 'b>) -> QueryResult<()> {
        Ok(())
    }
}

#[test]
fn a_server_that_is_away_is_told_in_time() {
    let nowhere = PoolConfig {
        checkout_timeout: Duration::from_millis(200),
        ..PoolConfig::new("postgres:///nothing?host=/nonexistent&user=nobody")
    };
    let error = Db::connect(&nowhere).unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
}

#[test]
fn where_the_owner_signs_in_connections_become_the_runtime_role_with_its_limits() {
    let database = database();
    let config =
        PoolConfig { become_runtime: Some(Roles::default()), ..PoolConfig::new(database.owner_url.as_str()) };
    let db = Db::connect(&config).unwrap();
    assert_eq!(db.read(|conn| ask(conn, "current_user::text")).unwrap(), "fairtrade_app");
    assert_eq!(db.read(|conn| ask(conn, "current_setting('lock_timeout')")).unwrap(), "2s");
    let mode = db.read(|conn| ask(conn, "current_setting('plan_cache_mode')")).unwrap();
    assert_eq!(mode, "force_generic_plan");
    let refused =
        db.read(|conn| Ok::<_, Error>(conn.batch_execute("UPDATE app.clock_offset SET shift = '1 day'")?));
    assert!(refused.is_err());
}

#[test]
fn the_runtime_role_has_its_limits() {
    let database = database();
    let show =
        |name: &str| database.db.read(|conn| ask(conn, &format!("current_setting('{name}')"))).unwrap();
    assert_eq!(show("lock_timeout"), "2s");
    assert_eq!(show("statement_timeout"), "15s");
    assert_eq!(show("idle_in_transaction_session_timeout"), "30s");
    assert_eq!(show("TimeZone"), "UTC");
    assert_eq!(show("lc_messages"), "C");
    assert_eq!(show("plan_cache_mode"), "force_generic_plan", "statements are planned once");
}

#[test]
fn a_server_says_what_it_is_and_whom_it_takes_us_for() {
    let database = database();
    let facts =
        |url: &str| database::facts(&mut database::establish(url).unwrap(), &Roles::default()).unwrap();
    let owner = facts(&database.owner_url);
    assert_eq!((owner.user.as_str(), owner.superuser, owner.may_own), ("fairtrade_owner", false, true));
    assert!(owner.runtime_exists && owner.connections <= owner.max_connections);
    let runtime = facts(&database.url);
    assert_eq!((runtime.user.as_str(), runtime.may_own), ("fairtrade_app", false));
}
