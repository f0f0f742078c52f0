//! The cluster's roles, on a server of their own where they are changed: roles are the whole cluster's.

use std::os::unix::fs::PermissionsExt;

use database::cluster::{Durability, SUPERUSER, Server};
use database::{Roles, migrate, roles};
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel_migrations::FileBasedMigrations;
use testing::TestDatabase;

#[test]
fn where_all_is_in_place_anybody_may_make_sure_of_it() {
    let database = TestDatabase::new();
    roles::ensure(&mut database.owner_connection(), &Roles::default(), None).unwrap();
}

#[test]
fn who_may_not_make_roles_is_told_so() {
    let database = TestDatabase::new();
    let others = Roles { runtime: "somebody_else".to_owned(), ..Roles::default() };
    let refused = roles::ensure(&mut database.owner_connection(), &others, None).unwrap_err();
    assert!(refused.to_string().contains("permission denied"), "{refused}");
}

/// As on a hosted server: no superuser, names of their own, and one login for everything.
#[test]
fn a_user_who_may_make_roles_sets_everything_up() {
    let dir = tempfile::Builder::new().prefix("ft").tempdir_in(testing::fast_dir()).unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let server = Server::at(&dir.path().join("postgres"), None, Durability::None, 20).unwrap();
    server.ensure_running().unwrap();
    let stop = Stop(server);
    connect(&stop, SUPERUSER, "postgres").batch_execute("CREATE ROLE hosted LOGIN CREATEROLE").unwrap();
    connect(&stop, SUPERUSER, "postgres").batch_execute("CREATE DATABASE hosted OWNER hosted").unwrap();
    let names = Roles {
        owner: "hosted".to_owned(),
        runtime: "Odd \"name\"".to_owned(),
        ledger: "hosted_ledger".to_owned(),
        lock_timeout_ms: 700,
        ..Roles::default()
    };
    let mut conn = connect(&stop, "hosted", "hosted");
    for _ in 0..2 {
        roles::ensure(&mut conn, &names, Some("hosted")).unwrap();
    }
    let source =
        FileBasedMigrations::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).unwrap();
    migrate::up(&mut conn, &names, &source).unwrap();
    let facts = database::facts(&mut conn, &names).unwrap();
    assert!(facts.runtime_exists && facts.may_own && !facts.superuser);

    let mut runtime = connect(&stop, &names.runtime, "hosted");
    runtime.batch_execute("SELECT app.clock()").unwrap();
    let timeout = "DO $$ BEGIN ASSERT current_setting('lock_timeout') = '700ms'; END $$";
    runtime.batch_execute(timeout).unwrap();
    let config = database::PoolConfig {
        become_runtime: Some(names),
        ..database::PoolConfig::new(stop.0.url("hosted", "hosted"))
    };
    let db = database::Db::connect(&config).unwrap();
    db.read(|conn| Ok::<_, database::Error>(conn.batch_execute(timeout)?)).unwrap();
}

struct Stop(Server);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stop().unwrap();
    }
}

fn connect(server: &Stop, user: &str, database: &str) -> PgConnection {
    database::establish(&server.0.url(user, database)).unwrap()
}
