//! What the code and the database hold in common.

use notifications::{Category, Channel, DeliveryState};
use testing::TestDatabase;

#[test]
fn schema_rs_is_what_the_catalogue_says() {
    testing::check_schema("notifications", include_str!("../../src/schema.rs"));
}

#[test]
fn the_database_takes_the_words_of_the_code_and_no_others() {
    let database = TestDatabase::new();
    let allowed = |constraint: &str, words: Vec<&str>| {
        for word in words {
            assert_eq!(
                database.count(&format!(
                    "pg_constraint WHERE connamespace = 'notifications'::regnamespace AND conname = '{constraint}'
                     AND pg_get_constraintdef(oid) LIKE '%''{word}''%'"
                )),
                1,
                "{constraint} {word}"
            );
        }
    };
    let length = |constraint: &str, count: usize| {
        assert_eq!(
            database.count(&format!(
                "pg_constraint, regexp_matches(pg_get_constraintdef(oid), '''[A-Z_]+''', 'g')
                 WHERE connamespace = 'notifications'::regnamespace AND conname = '{constraint}'"
            )),
            i64::try_from(count).unwrap(),
            "{constraint}"
        );
    };
    allowed("notifications_category_check", Category::ALL.iter().map(|one| one.as_str()).collect());
    length("notifications_category_check", Category::ALL.len());
    allowed("deliveries_channel_check", Channel::ALL.iter().map(|one| one.as_str()).collect());
    length("deliveries_channel_check", Channel::ALL.len());
    allowed("deliveries_state_check", DeliveryState::ALL.iter().map(|one| one.as_str()).collect());
    length("deliveries_state_check", DeliveryState::ALL.len());
}
