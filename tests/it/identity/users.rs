//! `/api/users/profile`: one's own profile, and its changes.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Person, TestApp};

const PROFILE: &str = "/api/users/profile";

fn whole() -> Value {
    json!({
        "name": "Bob Q. Mason", "phone": "+1 512 555 0100", "timeZone": "America/Chicago",
        "location": { "lat": 30.267_153, "lng": -97.743_057 },
        "headline": "Tiles that stay", "bio": "Twenty years of wet rooms.\nReferences on request.",
        "trades": ["tiling", "bathrooms"], "skills": ["wet-rooms"], "serviceRadiusKm": 40,
    })
}

async fn read_if_new(person: &Person, tag: &str) -> Answer {
    person.send(Method::GET, PROFILE, |request| request.header("if-none-match", tag)).await
}

async fn change_if(person: &Person, tag: &str, change: Value) -> Answer {
    person.send(Method::PATCH, PROFILE, |request| request.header("if-match", tag).json(&change)).await
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap_or_default().to_owned()
}

#[actix_web::test]
async fn a_contractor_fills_in_a_profile() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let empty = bob.get(PROFILE).await.expect(200);
    assert_eq!(empty["location"], Value::Null);
    assert_eq!(
        empty["contractor"],
        json!({
            "headline": null, "bio": null, "trades": [], "skills": [], "serviceRadiusKm": null, "publicPoint": null,
        })
    );
    let changed = bob.patch(PROFILE, whole()).await.expect(200);
    assert_eq!(changed["user"]["name"], "Bob Q. Mason");
    assert_eq!(changed["user"]["phone"], "+15125550100");
    assert_eq!(changed["user"]["timeZone"], "America/Chicago");
    assert_eq!(changed["location"], json!({ "lat": 30.267_153, "lng": -97.743_057 }));
    for field in ["headline", "bio", "trades", "skills", "serviceRadiusKm"] {
        assert_eq!(changed["contractor"][field], whole()[field], "{field}");
    }
    // Others see a point of a grid, about a kilometre wide.
    let point = &changed["contractor"]["publicPoint"];
    for (axis, exact) in [("lat", 30.267_153), ("lng", -97.743_057)] {
        let shown = point[axis].as_f64().unwrap_or(f64::MAX);
        assert!(shown != exact && (shown - exact).abs() < 0.01, "{point}");
    }
    assert_eq!(bob.get(PROFILE).await.expect(200), changed);
    assert_eq!(app.database.count("identity.contractor_profiles WHERE service_radius_km = 40"), 1);
}

#[actix_web::test]
async fn what_is_not_named_stays_and_null_removes() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let full = bob.patch(PROFILE, whole()).await.expect(200);
    for (change, pointer, after) in [
        (
            json!({ "headline": "Grout that stays, too" }),
            "/contractor/headline",
            json!("Grout that stays, too"),
        ),
        (json!({ "phone": null }), "/user/phone", Value::Null),
        (json!({ "name": null }), "/user/name", Value::Null),
        (json!({ "headline": null }), "/contractor/headline", Value::Null),
        (json!({ "bio": null }), "/contractor/bio", Value::Null),
        (json!({ "serviceRadiusKm": null }), "/contractor/serviceRadiusKm", Value::Null),
        (json!({ "skills": [] }), "/contractor/skills", json!([])),
        (json!({ "trades": ["roofing"] }), "/contractor/trades", json!(["roofing"])),
    ] {
        let before = bob.get(PROFILE).await.expect(200);
        let changed = bob.patch(PROFILE, change.clone()).await.expect(200);
        let mut expected = before.clone();
        if let Some(place) = expected.pointer_mut(pointer) {
            *place = after;
        }
        expected["updatedAt"] = changed["updatedAt"].clone();
        assert_eq!(changed, expected, "{change}");
        assert_ne!(changed["updatedAt"], before["updatedAt"], "{change}");
    }
    let place = bob.patch(PROFILE, json!({ "location": null })).await.expect(200);
    assert_eq!((&place["location"], &place["contractor"]["publicPoint"]), (&Value::Null, &Value::Null));
    assert_eq!(place["user"]["timeZone"], full["user"]["timeZone"]);
}

#[actix_web::test]
async fn what_must_be_there_cannot_be_removed() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let removed = json!({ "timeZone": null, "trades": null, "skills": null });
    bob.patch(PROFILE, removed).await.faults(&["/skills", "/timeZone", "/trades"]);
}

#[actix_web::test]
async fn the_document_requires_no_field_of_a_change() {
    let app = TestApp::start().await;
    let document = app.anyone().get("/api-docs/openapi.json").await.expect(200);
    let change = &document["components"]["schemas"]["ProfileChange"];
    assert!(change["properties"]["headline"].is_object(), "{change}");
    assert!(change.get("required").is_none_or(|fields| *fields == json!([])), "{change}");
}

#[actix_web::test]
async fn a_change_that_changes_nothing_is_no_new_version() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let first = ada.get(PROFILE).await;
    for nothing in [json!({}), json!({ "name": "Ada Lovelace" }), json!({ "name": " Ada  Lovelace " })] {
        assert_eq!(tag(&ada.patch(PROFILE, nothing).await), tag(&first));
    }
    assert_eq!(ada.get(PROFILE).await.expect(200), first.json);
}

#[actix_web::test]
async fn a_homeowner_has_a_profile_without_a_trade() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let changed =
        ada.patch(PROFILE, json!({ "name": "Ada King", "phone": "+44 20 7946 0000" })).await.expect(200);
    assert_eq!((&changed["user"]["name"], &changed["contractor"]), (&json!("Ada King"), &Value::Null));
    let trade = json!({
        "headline": "x", "bio": null, "trades": [], "skills": ["tiling"], "serviceRadiusKm": 5, "name": "Ada Byron",
    });
    let refused = ada.patch(PROFILE, trade).await;
    refused.faults(&["/bio", "/headline", "/serviceRadiusKm", "/skills", "/trades"]);
    // All or nothing.
    assert_eq!(ada.get(PROFILE).await.expect(200)["user"]["name"], "Ada King");
}

#[actix_web::test]
async fn every_fault_of_a_change_comes_at_once() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let before = bob.get(PROFILE).await.expect(200);
    let by_shape = json!({
        "name": 7, "phone": [], "timeZone": "", "location": { "lat": 90.5, "lng": -181, "alt": 1 },
        "headline": "x".repeat(121), "bio": "y".repeat(4_001), "trades": ["Roof Work", "tiling"], "skills": "tiling",
        "serviceRadiusKm": 1.5, "email": 7, "role": "ADMIN",
    });
    let places = [
        "/bio",
        "/email",
        "/headline",
        "/location/alt",
        "/location/lat",
        "/location/lng",
        "/name",
        "/phone",
        "/role",
        "/serviceRadiusKm",
        "/skills",
        "/timeZone",
        "/trades/0",
    ];
    bob.patch(PROFILE, by_shape).await.faults(&places);
    let by_meaning = json!({
        "name": " ", "phone": "5550100", "timeZone": "Texas", "headline": "a\nb", "bio": "a\u{7}b",
        "trades": ["tiling", "tiling"], "serviceRadiusKm": 501,
    });
    let places = ["/bio", "/headline", "/name", "/phone", "/serviceRadiusKm", "/timeZone", "/trades/1"];
    bob.patch(PROFILE, by_meaning).await.faults(&places);
    bob.patch(PROFILE, json!({ "location": { "lat": 1 } })).await.faults(&["/location/lng"]);
    bob.patch(PROFILE, json!({ "bio": "a\u{0}b" })).await.faults(&["/bio"]);
    bob.patch(PROFILE, json!({ "trades": vec!["tiling"; 31] })).await.faults(&["/trades"]);
    bob.patch(PROFILE, json!({ "trades": ["tiling", "alchemy"] })).await.faults(&["/trades/1"]);
    bob.patch(PROFILE, json!([])).await.faults(&[""]);
    bob.patch_empty(PROFILE).await.problem(400, "not_json");
    assert_eq!(bob.get(PROFILE).await.expect(200), before);
}

#[actix_web::test]
async fn phone_numbers_are_read_as_people_write_them() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for (written, kept) in [
        ("512-555-0100", "+15125550100"),
        ("+49 (0)30 901820", "+4930901820"),
        (" +44 20 7946 0000 ", "+442079460000"),
    ] {
        let changed = ada.patch(PROFILE, json!({ "phone": written })).await.expect(200);
        assert_eq!(changed["user"]["phone"], kept, "{written}");
    }
    for (written, code) in [
        ("call me", "phone"),
        ("+1 512 555 0100 ext. 7", "phone"),
        ("+999 512 555 0100", "phone_country_code"),
        ("5550100", "phone_unassigned"),
        ("+1 512 555 0100 512 555 0100 555", "phone_too_long"),
    ] {
        let refused = ada.patch(PROFILE, json!({ "phone": written })).await.faults(&["/phone"]);
        assert_eq!(refused["errors"][0]["code"], code, "{written}");
    }
    assert_eq!(app.database.count("identity.people WHERE phone = '+442079460000'"), 1);
    // The same when registering.
    let form = |phone: &str| json!({ "email": tests::unique_email("phone"), "password": tests::PASSWORD, "userType": "customer", "phone": phone });
    let registered = app.anyone().post("/api/auth/register", form("(512) 555-0100")).await.expect(201);
    assert_eq!(registered["user"]["phone"], "+15125550100");
    app.anyone().post("/api/auth/register", form("5550100")).await.faults(&["/phone"]);
}

#[actix_web::test]
async fn a_name_is_what_it_looks_like() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for deceptive in
        ["Ada\u{202e}ecalevoL", "Ada\u{200b} Lovelace", "Ada\u{2066}x", "Ada\u{7}", "Ada\u{2028}Lovelace"]
    {
        let refused = ada.patch(PROFILE, json!({ "name": deceptive })).await.faults(&["/name"]);
        assert_eq!(refused["errors"][0]["code"], "control_character", "{deceptive:?}");
    }
    // What scripts need stays: a joiner, marks, and letters of any kind.
    for name in ["می\u{200c}خواهم", "नमस्ते देवी", "O'Brien-Smith", "李 小龍"] {
        let changed = ada.patch(PROFILE, json!({ "name": name })).await.expect(200);
        assert_eq!(changed["user"]["name"], name);
    }
}

#[actix_web::test]
async fn a_profile_is_one_s_own() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    ada.signed_out().get(PROFILE).await.problem(401, "unauthenticated");
    ada.signed_out().patch(PROFILE, json!({ "name": "Eve" })).await.problem(401, "unauthenticated");
    // There is no way to name another's: not in the path, the query or the body.
    ada.get(&format!("{PROFILE}/{}", bob.id)).await.problem(404, "no_such_path");
    ada.get(&format!("{PROFILE}?userId={}", bob.id)).await.problem(400, "invalid_request");
    ada.patch(PROFILE, json!({ "id": bob.id, "name": "Eve" })).await.faults(&["/id"]);
    assert_eq!(bob.get(PROFILE).await.expect(200)["user"]["name"], "Bob Mason");
    app.admin().await.get(PROFILE).await.expect(200);
    app.suspend(&ada);
    ada.patch(PROFILE, json!({ "name": "Ada King" })).await.problem(401, "signed_out");
    assert_eq!(app.database.count("identity.people WHERE full_name IN ('Eve', 'Ada King')"), 0);
}

#[actix_web::test]
async fn a_profile_is_not_sent_again_while_it_is_the_same() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let first = ada.get(PROFILE).await;
    let same = read_if_new(&ada, &tag(&first)).await;
    assert_eq!((same.status, same.bytes.len(), tag(&same)), (304, 0, tag(&first)));
    let changed = ada.patch(PROFILE, json!({ "name": "Ada King" })).await;
    assert_ne!(tag(&changed), tag(&first));
    assert_eq!(read_if_new(&ada, &tag(&first)).await.expect(200), changed.json);
    // The answer to a change names the version that a read would.
    assert_eq!(read_if_new(&ada, &tag(&changed)).await.status, 304);
    let other = app.contractor().await;
    assert_eq!(read_if_new(&other, &tag(&changed)).await.status, 200);
}

#[actix_web::test]
async fn a_change_of_another_version_than_was_read_is_refused() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let read = tag(&ada.get(PROFILE).await);
    let first = change_if(&ada, &read, json!({ "name": "Ada King" })).await;
    let second = change_if(&ada, &read, json!({ "name": "Ada Byron" })).await;
    assert_eq!(first.status, 200, "{}", first.text());
    second.problem(412, "stale_precondition");
    assert_eq!(ada.get(PROFILE).await.expect(200)["user"]["name"], "Ada King");
    for never in ["\"made-up\"", "nonsense", "W/\"x.y\""] {
        change_if(&ada, never, json!({ "name": "Ada Byron" })).await.problem(412, "stale_precondition");
    }
    change_if(&ada, &tag(&first), json!({ "name": "Ada Byron" })).await.expect(200);
    // Any version at all, and without a word about it.
    change_if(&ada, "*", json!({ "name": "Ada II" })).await.expect(200);
    ada.patch(PROFILE, json!({ "name": "Ada III" })).await.expect(200);
}

#[actix_web::test]
async fn of_changes_to_one_version_at_once_one_is_made() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let read = tag(&ada.get(PROFILE).await);
    let changes = (0..6).map(|index| change_if(&ada, &read, json!({ "name": format!("Ada {index}") })));
    let answers = futures_util::future::join_all(changes).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412]);
}
