//! The schema as the catalogue has it.

#[test]
fn the_schema_is_that_of_the_migrations() {
    testing::check_schema("seed", include_str!("../../src/schema.rs"));
}
