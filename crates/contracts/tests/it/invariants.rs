//! What Postgres refuses by itself, whoever asks, and that its lists are ours.

use contracts::{ContractStatus, MilestoneStatus, SubmissionOutcome, TerminationReason};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::stage::Stage;

#[test]
fn milestones_that_do_not_sum_to_the_price_are_never_committed() {
    let stage = Stage::new();
    let id = stage.unsigned(&[600, 400]).contract.id.uuid();
    stage.unsigned(&[500]);
    let refused = [
        format!(
            "UPDATE contracts.milestones SET amount = amount + 1 WHERE contract_id = '{id}' AND ordinal = 1"
        ),
        format!("DELETE FROM contracts.milestones WHERE contract_id = '{id}' AND ordinal = 2"),
        format!("UPDATE contracts.contracts SET price = price + 1 WHERE id = '{id}'"),
        format!(
            "INSERT INTO contracts.milestones (id, contract_id, ordinal, title, deliverables, amount, status, due_date, created_at, \
             updated_at) VALUES (gen_random_uuid(), '{id}', 9, 'x', '[]', 1, 'PENDING', '2027-01-01', app.clock(), app.clock())"
        ),
        // To another contract, so that both are wrong.
        format!(
            "UPDATE contracts.milestones SET ordinal = 9, contract_id = (SELECT id FROM contracts.contracts WHERE id <> '{id}') \
             WHERE contract_id = '{id}' AND ordinal = 2"
        ),
    ];
    for sql in refused {
        for outcome in [stage.database.try_execute(&sql), stage.database.try_execute_as_runtime(&sql)] {
            assert!(
                outcome.as_ref().is_err_and(|error| error.is_check("milestones_sum_to_price")),
                "{sql}: {outcome:?}"
            );
        }
    }
    // Shifting within one transaction is right at its end.
    stage.database.execute(&format!(
        "BEGIN; UPDATE contracts.milestones SET amount = amount - 100 WHERE contract_id = '{id}' AND ordinal = 1; \
         UPDATE contracts.milestones SET amount = amount + 100 WHERE contract_id = '{id}' AND ordinal = 2; COMMIT"
    ));
}

#[test]
fn two_shifts_that_are_each_right_by_what_they_see_are_right_together() {
    let stage = Stage::new();
    let id = stage.unsigned(&[600, 400]).contract.id.uuid();
    // Each raises the price with its own milestone; what the first commits, the second must count.
    let raise = |ordinal: i32| {
        format!(
            "UPDATE contracts.milestones SET amount = amount + 50 WHERE contract_id = '{id}' AND ordinal = {ordinal}; \
             UPDATE contracts.contracts SET price = (SELECT sum(amount) FROM contracts.milestones WHERE contract_id = '{id}') \
             WHERE id = '{id}'"
        )
    };
    let outcomes = std::thread::scope(|scope| {
        [1, 2]
            .map(|ordinal| {
                scope.spawn({
                    let (stage, sql) = (&stage, raise(ordinal));
                    move || stage.database.try_execute_as_runtime(&format!("BEGIN; {sql}; COMMIT"))
                })
            })
            .map(|thread| thread.join().unwrap().is_ok())
    });
    assert!(outcomes.contains(&true));
    let sums = "contracts.contracts c WHERE c.price <> (SELECT sum(amount) FROM contracts.milestones m WHERE m.contract_id = c.id)";
    assert_eq!(stage.database.count(sums), 0);
}

#[test]
fn texts_and_signatures_are_kept_as_they_are() {
    let stage = Stage::new();
    stage.signed(&[600]);
    for (sql, constraint) in [
        ("UPDATE contracts.documents SET sealed_text = 'x'", "documents_are_kept"),
        ("DELETE FROM contracts.documents", "documents_are_kept"),
        ("UPDATE contracts.signatures SET signed_at = app.clock()", "signatures_are_kept"),
        ("DELETE FROM contracts.signatures", "signatures_are_kept"),
    ] {
        for outcome in [stage.database.try_execute(sql), stage.database.try_execute_as_runtime(sql)] {
            assert!(outcome.as_ref().is_err_and(|error| error.is_check(constraint)), "{sql}: {outcome:?}");
        }
    }
    stage.database.execute("UPDATE contracts.signatures SET voided_at = app.clock()");
    assert!(stage.database.try_execute("UPDATE contracts.signatures SET voided_at = NULL").is_err());
}

#[test]
fn the_states_in_the_database_are_those_of_the_code() {
    let stage = Stage::new();
    for (constraint, names) in [
        (
            "contracts_status_known",
            ContractStatus::ALL.iter().map(|state| state.as_str()).collect::<Vec<_>>(),
        ),
        (
            "contracts_termination_known",
            TerminationReason::ALL.iter().map(|reason| reason.as_str()).collect(),
        ),
        ("milestones_status_known", MilestoneStatus::ALL.iter().map(|state| state.as_str()).collect()),
        (
            "submissions_outcome_known",
            SubmissionOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
        ),
    ] {
        assert_eq!(listed(&stage, constraint), names, "{constraint}");
    }
}

/// The words that a CHECK allows, in its order.
fn listed(stage: &Stage, constraint: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Definition {
        #[diesel(sql_type = Text)]
        definition: String,
    }
    let found: Result<Definition, database::Error> = stage.database.owner.read(|conn| {
        Ok(diesel::sql_query(
            "SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conname = $1",
        )
        .bind::<Text, _>(constraint)
        .get_result(conn)?)
    });
    found.unwrap().definition.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_schema_file_is_the_catalogue() {
    testing::check_schema("contracts", include_str!("../../src/schema.rs"));
}
