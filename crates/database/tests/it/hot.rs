//! Hot statements are prepared once and cached; the statement log shows it.

use database::hot::{Binds, Hot, Statement};
use database::{Error, Keep, KeyedCommand};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use testing::{How, TestDatabase, assert_cached};

struct FindThings {
    least: i32,
    name: String,
}

impl Statement for FindThings {
    const SQL: &'static str =
        "SELECT id, name FROM public.things WHERE id >= $1 AND name <> $2 ORDER BY id LIMIT 2";
    type Columns = (Integer, Text);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Integer, _>(&self.least)?;
        binds.push::<Text, _>(&self.name)
    }
}

struct Rename {
    name: &'static str,
    id: i32,
}

impl Statement for Rename {
    const SQL: &'static str = "UPDATE public.things SET name = $1 WHERE id = $2";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Text, _>(&self.name)?;
        binds.push::<Integer, _>(&self.id)
    }
}

struct Forgetful;

impl Statement for Forgetful {
    const SQL: &'static str = "SELECT $1";
    type Columns = Integer;

    fn bind<'b>(&'b self, _: &mut Binds<'_, 'b>) -> QueryResult<()> {
        Ok(())
    }
}

fn database() -> TestDatabase {
    let database = TestDatabase::logged();
    database.execute(
        "CREATE TABLE public.things (id int PRIMARY KEY, name text NOT NULL);
         INSERT INTO public.things SELECT n, 'thing ' || n FROM generate_series(1, 9) n;
         GRANT SELECT, UPDATE ON public.things TO fairtrade_app",
    );
    database
}

fn find(database: &TestDatabase, least: i32) -> Vec<(i32, String)> {
    let statement = || Hot(FindThings { least, name: "thing 4".to_owned() });
    database.db.read(|conn| Ok::<_, Error>(statement().load(conn)?)).unwrap()
}

#[test]
fn a_hot_statement_gets_its_binds_and_gives_its_rows() {
    let database = database();
    assert_eq!(find(&database, 3), [(3, "thing 3".to_owned()), (5, "thing 5".to_owned())]);
    let renamed: Result<usize, Error> =
        database.db.transaction(|tx| Ok(Hot(Rename { name: "new", id: 5 }).execute(tx.conn())?));
    assert_eq!(renamed.unwrap(), 1);
    assert_eq!(find(&database, 5), [(5, "new".to_owned()), (6, "thing 6".to_owned())]);
}

#[test]
fn the_statement_log_shows_what_is_cached() {
    let database = database();
    database.db.hold().unwrap();
    let work = || {
        find(&database, 1);
        let rename =
            |tx: &mut database::Tx<'_>| Ok::<_, Error>(Hot(Rename { name: "x", id: 1 }).execute(tx.conn())?);
        database.db.transaction(rename).unwrap();
    };
    work();
    let ((), statements) = database.statements(work);
    let seen: Vec<(How, &str)> =
        statements.iter().map(|one| (one.how, one.text.split(' ').next().unwrap())).collect();
    assert_eq!(
        seen,
        [(How::Cached, "SELECT"), (How::Plain, "BEGIN"), (How::Cached, "UPDATE"), (How::Plain, "COMMIT")]
    );
    assert_cached(&statements);
}

#[test]
#[should_panic(expected = "write them with database::hot")]
fn an_uncached_statement_is_found_out() {
    let database = database();
    let ((), statements) = database.statements(|| {
        let count = |conn: &mut PgConnection| {
            Ok::<_, Error>(
                diesel::sql_query("SELECT count(*) FROM public.things WHERE id > $1")
                    .bind::<Integer, _>(1)
                    .execute(conn)?,
            )
        };
        database.db.read(count).unwrap();
    });
    assert_cached(&statements);
}

#[test]
fn a_keyed_command_is_hot() {
    let database = database();
    database.db.hold().unwrap();
    let work = |key: &str| {
        let command =
            KeyedCommand { scope: [1; 32], key: key.to_owned(), fingerprint: [2; 32], keep: Keep::Forever };
        database.db.once::<Error>(&command, || Ok(b"done".to_vec())).unwrap();
    };
    work("first");
    let ((), statements) = database.statements(|| work("second"));
    assert_eq!(statements.len(), 4, "BEGIN, the key, the answer, COMMIT: {statements:?}");
    assert_cached(&statements);
}

#[test]
fn binds_that_do_not_match_the_text_are_refused() {
    let database = database();
    let asked: Result<Vec<i32>, Error> = database.db.read(|conn| Ok(Hot(Forgetful).load(conn)?));
    assert!(asked.unwrap_err().to_string().contains("fewer binds than placeholders"));
}
