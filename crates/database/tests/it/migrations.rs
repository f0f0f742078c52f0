//! The migrations as a whole, and the schema that the catalogue gives.

use database::{Roles, migrate};
use diesel_migrations::FileBasedMigrations;
use testing::{EmptyDatabase, TestDatabase};

fn source() -> FileBasedMigrations {
    FileBasedMigrations::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).unwrap()
}

#[test]
fn a_foreign_key_without_an_index_is_found() {
    let database = TestDatabase::new();
    database.execute(
        "CREATE TABLE public.parents (id int PRIMARY KEY);
         CREATE TABLE public.bare (parent int REFERENCES public.parents);
         CREATE TABLE public.indexed (parent int REFERENCES public.parents);
         CREATE INDEX ON public.indexed (parent) WHERE parent IS NOT NULL;
         CREATE TABLE public.half (parent int REFERENCES public.parents, done bool);
         CREATE INDEX ON public.half (parent) WHERE done",
    );
    let found = testing::unindexed_foreign_keys(&database);
    assert_eq!(found, ["bare: bare_parent_fkey", "half: half_parent_fkey"]);
}

#[test]
fn status_tells_what_was_run() {
    let database = EmptyDatabase::new();
    let (mut conn, roles) = (database.connection(), Roles::default());
    assert!(migrate::status(&mut conn, &source()).unwrap().iter().all(|status| !status.applied));
    let ran = migrate::up(&mut conn, &roles, &source()).unwrap();
    assert_eq!(ran.first().map(String::as_str), Some("2026-11-21-000100_app"));
    assert!(migrate::up(&mut conn, &roles, &source()).unwrap().is_empty());
    let undone = migrate::down(&mut conn, &roles, &source(), 1).unwrap();
    assert_eq!(undone.first(), ran.last());
    let open: Vec<String> = migrate::status(&mut conn, &source())
        .unwrap()
        .into_iter()
        .filter(|status| !status.applied)
        .map(|status| status.name)
        .collect();
    assert_eq!(open, undone);
}

#[test]
fn two_processes_may_migrate_at_a_time() {
    let database = EmptyDatabase::new();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    migrate::up(&mut database.connection(), &Roles::default(), &source()).unwrap().len()
                })
            })
            .collect();
        let counts: Vec<usize> = runs.into_iter().map(|run| run.join().unwrap()).collect();
        assert_eq!(counts.iter().filter(|count| **count > 0).count(), 1, "{counts:?}");
    });
}

#[test]
fn the_generator_writes_what_diesel_reads() {
    let database = TestDatabase::new();
    database.execute(
        "CREATE SCHEMA sample;
         CREATE TABLE sample.owners (id uuid PRIMARY KEY, type text NOT NULL, tags text[] NOT NULL);
         CREATE TABLE sample.things (id uuid, part int, owner_id uuid REFERENCES sample.owners, at timestamptz NOT NULL,
                                     PRIMARY KEY (id, part))",
    );
    let text = testing::generate(&mut database.owner_connection(), "sample");
    let expected = r#"
diesel::table! {
    sample.owners (id) {
        id -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        tags -> Array<Text>,
    }
}

diesel::table! {
    sample.things (id, part) {
        id -> Uuid,
        part -> Int4,
        owner_id -> Nullable<Uuid>,
        at -> Timestamptz,
    }
}

diesel::joinable!(things -> owners (owner_id));

diesel::allow_tables_to_appear_in_same_query! {
    owners,
    things,
}
"#;
    let (header, body) = text.split_once('\n').unwrap();
    assert!(header.starts_with("// Generated"));
    assert_eq!(body, expected);
}
