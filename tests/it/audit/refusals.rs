//! Refused calls are written in transactions of their own, and no caller fills the trail with them.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::json;
use tests::TestApp;

use super::{TRAIL, rows, rows_in_time};

/// As the setting's default says.
const LISTED: usize = 20;

#[actix_web::test]
async fn what_one_caller_is_refused_beyond_a_number_is_counted_in_one_row() {
    let app = TestApp::start().await;
    let (eve, mallory) = (app.homeowner().await, app.homeowner().await);
    for _ in 0..LISTED + 15 {
        let _ = eve.get(TRAIL).await.problem(403, "wrong_role");
    }
    let _ = mallory.get(TRAIL).await.problem(403, "wrong_role");
    let party = kernel::id::parse_any(&eve.party).unwrap();
    // The other caller's came last: everything before it is written.
    let other = kernel::id::parse_any(&mallory.party).unwrap();
    assert_eq!(
        rows_in_time(&app, &format!("actor_party = '{other}' AND outcome = 'REFUSED'"), 1).await.len(),
        1
    );
    assert_eq!(rows(&app, &format!("actor_party = '{party}' AND outcome = 'REFUSED'")).len(), LISTED);
    let database = app.stop().await;
    #[derive(QueryableByName)]
    struct Times {
        #[diesel(sql_type = BigInt)]
        times: i64,
    }
    let sql = format!(
        "SELECT times::bigint AS times FROM audit.entries WHERE actor_party = '{party}' AND action = 'several'"
    );
    let counted: Vec<Times> =
        database.owner.read(|conn| Ok::<_, database::Error>(diesel::sql_query(&sql).load(conn)?)).unwrap();
    assert_eq!(counted.iter().map(|row| row.times).collect::<Vec<_>>(), [15]);
}

#[actix_web::test]
async fn refusals_that_cannot_be_written_change_no_answer() {
    let app = TestApp::start().await;
    let eve = app.homeowner().await;
    app.database.execute("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA audit FROM fairtrade_app");
    let _ = eve.get(TRAIL).await.problem(403, "wrong_role");
    let _ = eve
        .post("/api/admin/verifications/ver_01h455vb4pex5vsknk084sn02q/approve", json!({}))
        .await
        .problem(403, "wrong_role");
}

#[actix_web::test]
async fn what_an_administrator_does_not_find_is_told_too() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let missing = "ver_01h455vb4pex5vsknk084sn02q";
    let _ = admin
        .post(&format!("/api/admin/verifications/{missing}/approve"), json!({}))
        .await
        .problem(404, "not_found");
    let found = rows_in_time(&app, "outcome = 'REFUSED'", 1).await;
    assert_eq!(
        (found[0].action.as_str(), found[0].refusal.as_deref()),
        ("approveVerification", Some("not_found"))
    );
    assert_eq!(found[0].objects, format!("verification/{missing}"));
}
