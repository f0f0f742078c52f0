//! What the code and the database hold in common.

use identity::{CredentialKind, VerificationState};
use testing::TestDatabase;

#[test]
fn schema_rs_is_what_the_catalogue_says() {
    testing::check_schema("identity", include_str!("../../src/schema.rs"));
}

/// The words that a CHECK allows.
fn allowed(database: &TestDatabase, constraint: &str) -> String {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        definition: String,
    }
    let row: Result<Row, database::Error> = database.owner.read(|conn| {
        Ok(diesel::sql_query(
            "SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
             WHERE conname = $1 AND connamespace = 'identity'::regnamespace",
        )
        .bind::<diesel::sql_types::Text, _>(constraint)
        .get_result(conn)?)
    });
    row.unwrap().definition
}

#[test]
fn the_databases_words_are_the_codes() {
    let database = TestDatabase::new();
    for (constraint, words) in [
        ("verifications_state", VerificationState::ALL.map(VerificationState::as_str).to_vec()),
        ("credentials_kind", CredentialKind::ALL.map(CredentialKind::as_str).to_vec()),
        ("people_role", kernel::Role::ALL.map(kernel::Role::as_str).to_vec()),
    ] {
        let definition = allowed(&database, constraint);
        for word in &words {
            assert!(definition.contains(&format!("'{word}'")), "{constraint} lacks {word}");
        }
        assert_eq!(
            definition.matches("::text").count(),
            words.len() + definition.matches("(state)::text").count(),
            "{definition}"
        );
    }
}
