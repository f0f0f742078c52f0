//! What the README sends people to has to run.

#[path = "../../examples/bid_to_release.rs"]
#[allow(dead_code, reason = "its main is called below")]
mod bid_to_release;

#[test]
fn a_program_with_no_server_takes_a_job_from_bid_to_release() {
    bid_to_release::main().unwrap();
}
