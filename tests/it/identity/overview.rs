//! `GET /api/admin/overview`: live figures, compared with SQL over the same rows.

use serde_json::{Value, json};
use tests::{TestApp, papers};

const OVERVIEW: &str = "/api/admin/overview";

/// The count of the entry whose fields are these.
fn count(list: &Value, fields: &Value) -> i64 {
    let fits = |one: &&Value| fields.as_object().is_some_and(|all| all.iter().all(|(k, v)| one[k] == *v));
    let found: Vec<&Value> = list.as_array().into_iter().flatten().filter(fits).collect();
    assert_eq!(found.len(), 1, "{fields} in {list}");
    found[0]["count"].as_i64().unwrap()
}

/// Everything that the overview shows is what plain SQL finds.
fn assert_agrees(app: &TestApp, shown: &Value) {
    for role in ["HOMEOWNER", "CONTRACTOR", "ADMIN"] {
        for (state, is) in [
            ("ACTIVE", "erased_at IS NULL AND suspended_at IS NULL"),
            ("SUSPENDED", "suspended_at IS NOT NULL"),
            ("ERASED", "erased_at IS NOT NULL"),
        ] {
            let rows = format!("identity.people WHERE role = '{role}' AND {is}");
            let fields = json!({ "role": role, "state": state });
            assert_eq!(count(&shown["people"], &fields), app.database.count(&rows), "{fields}");
        }
    }
    assert_eq!(shown["people"].as_array().map(Vec::len), Some(9));
    let sum = |of: &str| -> i64 { app.database.count(&format!("generate_series(1, ({of}))")) };
    let waiting = app.database.count("identity.verifications WHERE state = 'PENDING'");
    assert_eq!(shown["verifications"]["waiting"], waiting);
    let live = "identity.sessions s JOIN identity.people p ON p.id = s.person_id
        WHERE s.ended_at IS NULL AND s.expires_at > app.clock() AND p.suspended_at IS NULL";
    assert_eq!(shown["sessions"]["live"], app.database.count(live));
    for (list, table, states) in [
        (
            "jobs",
            "marketplace.jobs",
            &["DRAFT", "OPEN", "AWARDED", "IN_PROGRESS", "COMPLETED", "CANCELLED", "EXPIRED"][..],
        ),
        ("contracts", "contracts.contracts", &["PENDING_SIGNATURES", "ACTIVE", "COMPLETED", "TERMINATED"]),
    ] {
        assert_eq!(shown[list].as_array().map(Vec::len), Some(states.len()), "{}", shown[list]);
        for state in states {
            let rows = format!("{table} WHERE status = '{state}'");
            assert_eq!(count(&shown[list], &json!({ "status": state })), app.database.count(&rows), "{rows}");
        }
    }
    for line in shown["money"].as_array().into_iter().flatten() {
        let currency = line["currency"].as_str().unwrap();
        for (field, kind, sign) in [
            ("held", "HELD", 1),
            ("payable", "CONTRACTOR_PAYABLE", 1),
            ("debt", "CONTRACTOR_DEBT", -1),
            ("platformFees", "PLATFORM_FEE", 1),
            ("processorFees", "PROCESSOR_FEE", -1),
        ] {
            let entries = format!(
                "SELECT coalesce(sum({sign} * e.amount), 0)::int FROM escrow.entries e JOIN escrow.accounts a ON a.id = e.account_id
                 WHERE a.kind = '{kind}' AND e.currency = '{currency}'"
            );
            assert_eq!(line[field], sum(&entries), "{field}");
        }
    }
    assert_eq!(
        shown["money"].as_array().map_or(0, Vec::len),
        usize::try_from(app.database.count("(SELECT DISTINCT currency FROM escrow.accounts) c")).unwrap()
    );
    for status in ["PENDING", "WAITING_ACCOUNT", "FAILED"] {
        let rows = format!("escrow.payouts WHERE status = '{status}'");
        let listed: Vec<&Value> =
            shown["payouts"].as_array().into_iter().flatten().filter(|one| one["status"] == status).collect();
        let total = |field: &str| listed.iter().filter_map(|one| one[field].as_i64()).sum::<i64>();
        assert_eq!(total("count"), app.database.count(&rows), "{status}");
        assert_eq!(
            total("amount"),
            sum(&format!("SELECT coalesce(sum(amount), 0)::int FROM {rows}")),
            "{status}"
        );
    }
    assert!(!shown["payouts"].to_string().contains("\"PAID\""), "{shown}");
    assert_eq!(shown["tasks"]["parked"], app.database.count("outbox.tasks WHERE state = 'PARKED'"));
}

#[actix_web::test]
async fn every_figure_agrees_with_the_rows() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let empty = admin.get(OVERVIEW).await.expect(200);
    assert_agrees(&app, &empty);
    assert_eq!(empty["money"], json!([]));
    assert_eq!(empty["verifications"], json!({ "waiting": 0, "oldestWaitingSince": null }));

    let ada = app.homeowner().await;
    app.open_job(&ada).await;
    app.draft_job(&ada).await;
    app.contract().await;
    let done = app.completed_contract().await;
    app.approved_contract().await;
    app.settle().await;
    let (first, second) = (app.contractor().await, app.contractor().await);
    let handed_in = first.post("/api/contractors/verification", papers()).await.expect(201);
    app.clock.advance(std::time::Duration::from_secs(60));
    second.post("/api/contractors/verification", papers()).await.expect(201);
    let path = format!("/api/admin/users/{}/suspend", ada.id);
    admin.post(&path, json!({ "reason": "Complaints." })).await.expect(200);
    done.homeowner.post_empty("/api/auth/logout").await.expect(204);
    app.database.execute("UPDATE outbox.tasks SET state = 'PARKED', reason = 'x', finished_at = app.clock() WHERE id = (SELECT id FROM outbox.tasks WHERE state = 'QUEUED' LIMIT 1)");
    let shown = admin.get(OVERVIEW).await.expect(200);
    assert_agrees(&app, &shown);
    assert_eq!(shown["verifications"]["waiting"], 2);
    assert_eq!(shown["verifications"]["oldestWaitingSince"], handed_in["submittedAt"]);
    assert_eq!(count(&shown["people"], &json!({ "role": "HOMEOWNER", "state": "SUSPENDED" })), 1);
    assert!(shown["money"][0]["held"].as_i64() > Some(0), "{shown}");
    assert!(shown["money"][0]["platformFees"].as_i64() > Some(0), "{shown}");
    assert_eq!(shown["tasks"]["parked"], 1);
    // As of a moment later, nothing having happened, it is the same.
    let mut again = admin.get(OVERVIEW).await.expect(200);
    again["asOf"] = shown["asOf"].clone();
    assert_eq!(again, shown);
}

#[actix_web::test]
async fn no_figure_moves_because_of_a_bid() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.homeowner().await, app.admin().await);
    let bob = app.verified_contractor().await;
    for job in [app.sealed_job(&ada).await, app.open_job(&ada).await] {
        let mut before = admin.get(OVERVIEW).await.expect(200);
        let bid = app.bid(&bob, &job).await;
        let after = admin.get(OVERVIEW).await.expect(200);
        before["asOf"] = after["asOf"].clone();
        assert_eq!(after, before);
        bob.post_empty(&format!("/api/bids/{bid}/withdraw")).await.expect(200);
        before["asOf"] = Value::Null;
        let mut withdrawn = admin.get(OVERVIEW).await.expect(200);
        withdrawn["asOf"] = Value::Null;
        assert_eq!(withdrawn, before);
    }
}

#[actix_web::test]
async fn the_figures_are_for_administrators() {
    let app = TestApp::start().await;
    app.anyone().get(OVERVIEW).await.problem(401, "unauthenticated");
    for person in [&app.homeowner().await, &app.verified_contractor().await] {
        person.get(OVERVIEW).await.problem(403, "wrong_role");
    }
    let admin = app.admin().await;
    admin.get(&format!("{OVERVIEW}?since=2026-01-01")).await.problem(400, "invalid_request");
    app.suspend(&admin);
    admin.get(OVERVIEW).await.problem(401, "signed_out");
}
