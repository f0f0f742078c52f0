//! `GET /api/admin/users`: administrators find people.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{decide, hand_in};

const USERS: &str = "/api/admin/users";

/// The names on a page, in its order; the e-mail address of who has none.
fn names(page: &Value) -> Vec<String> {
    let shown =
        |one: &Value| one["user"]["name"].as_str().or(one["user"]["email"].as_str()).map(str::to_owned);
    page["data"].as_array().into_iter().flatten().filter_map(shown).collect()
}

async fn find(admin: &Person, query: &[(&str, &str)]) -> Value {
    let url = reqwest::Url::parse_with_params("http://here/", query).unwrap();
    admin.get(&format!("{USERS}?{}", url.query().unwrap_or_default())).await.expect(200)
}

async fn one(admin: &Person, person: &Person) -> Value {
    let page = find(admin, &[("q", &person.id)]).await;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "{page}");
    page["data"][0].clone()
}

#[actix_web::test]
async fn people_are_found_by_words_of_their_name_and_address() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for name in ["Élodie Dupont-Łęcka", "Jürgen Straße", "Ada Elson", "山田 太郎", "Sean O'Brien"] {
        app.newcomer("customer", name).await;
    }
    let elodie = "Élodie Dupont-Łęcka";
    for (words, expected) in [
        ("elo", vec![elodie]),
        ("ELODIE", vec![elodie]),
        ("E\u{301}lodie dup", vec![elodie]),
        ("lecka elodie", vec![elodie]),
        ("el", vec!["Ada Elson", elodie]),
        ("strasse", vec!["Jürgen Straße"]),
        ("jurgen STRASSE", vec!["Jürgen Straße"]),
        ("山田", vec!["山田 太郎"]),
        ("o'brien", vec!["Sean O'Brien"]),
        ("brien", vec!["Sean O'Brien"]),
        // A word is matched from its beginning, and every one of them.
        ("lson", vec![]),
        ("elodie straße", vec![]),
        ("nobody", vec![]),
        // What is no word finds nobody, and nothing in it means anything.
        ("--", vec![]),
        ("' | elo", vec![elodie]),
        ("elo:* & !x", vec![]),
        ("\\ %", vec![]),
    ] {
        assert_eq!(names(&find(&admin, &[("q", words), ("sort", "name")]).await), expected, "{words}");
    }
    // The address, whole or in parts, and either id.
    let sean = find(&admin, &[("q", "Brien")]).await["data"][0]["user"].clone();
    let text = |key: &str| sean[key].as_str().unwrap_or_default().to_owned();
    let (email, id, party) = (text("email"), text("id"), text("partyId"));
    for words in [email.to_uppercase(), format!("brien {email}"), id, party] {
        assert_eq!(names(&find(&admin, &[("q", &words)]).await), ["Sean O'Brien"], "{words}");
    }
    // Who changes the name is found by the new one only.
    let marie = app.newcomer("customer", "Marie Curie").await;
    marie.patch("/api/users/profile", json!({ "name": "Marie Skłodowska" })).await.expect(200);
    assert_eq!(names(&find(&admin, &[("q", "sklod")]).await), ["Marie Skłodowska"]);
    assert!(names(&find(&admin, &[("q", "curie")]).await).is_empty());
}

#[actix_web::test]
async fn people_are_found_by_what_they_are() {
    let app = TestApp::start().await;
    let (ada, bob, admin) = (app.homeowner().await, app.contractor().await, app.admin().await);
    let (newcomer, former) = (app.newcomer("contractor", "Nina New").await, app.homeowner().await);
    app.suspend(&former);
    let emails = async |query: &[(&str, &str)]| -> Vec<String> {
        let page = find(&admin, query).await;
        let mut found: Vec<String> = page["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["user"]["email"].as_str().map(str::to_owned))
            .collect();
        found.sort();
        found
    };
    let who = |people: &[&Person]| -> Vec<String> {
        let mut emails: Vec<String> = people.iter().map(|person| person.email.clone()).collect();
        emails.sort();
        emails
    };
    for (query, expected) in [
        (vec![], who(&[&ada, &bob, &admin, &newcomer, &former])),
        (vec![("role", "HOMEOWNER")], who(&[&ada, &former])),
        (vec![("role", "CONTRACTOR")], who(&[&bob, &newcomer])),
        (vec![("role", "ADMIN")], who(&[&admin])),
        (vec![("state", "SUSPENDED")], who(&[&former])),
        (vec![("state", "ACTIVE"), ("role", "HOMEOWNER")], who(&[&ada])),
        (vec![("emailVerified", "false")], who(&[&newcomer])),
        (vec![("emailVerified", "true"), ("role", "CONTRACTOR")], who(&[&bob])),
        (vec![("verification", "NONE")], who(&[&bob, &newcomer])),
        (vec![("q", "nin"), ("role", "CONTRACTOR"), ("state", "ACTIVE")], who(&[&newcomer])),
        (vec![("q", "nin"), ("role", "HOMEOWNER")], vec![]),
    ] {
        assert_eq!(emails(&query).await, expected, "{query:?}");
    }

    // How the contractor stands, step by step; each time exactly these lists have him.
    let listed = async || -> Vec<&'static str> {
        let mut found = Vec::new();
        for word in ["NONE", "PENDING", "APPROVED", "EXPIRED", "REJECTED"] {
            if emails(&[("verification", word)]).await.contains(&bob.email) {
                found.push(word);
            }
        }
        found
    };
    assert_eq!(listed().await, ["NONE"]);
    let first = hand_in(&bob).await;
    assert_eq!(listed().await, ["PENDING"]);
    decide(&admin, &first, "reject", json!({ "reason": "Unreadable." })).await.expect(200);
    assert_eq!(listed().await, ["REJECTED"]);
    let second = hand_in(&bob).await;
    assert_eq!(listed().await, ["PENDING"]);
    decide(&admin, &second, "approve", json!({})).await.expect(200);
    assert_eq!(listed().await, ["APPROVED"]);
    // A renewal that waits does not take away what holds.
    hand_in(&bob).await;
    assert_eq!(listed().await, ["PENDING", "APPROVED"]);
    app.database
        .execute("UPDATE identity.verifications SET valid_until = app.clock() WHERE state = 'APPROVED'");
    assert_eq!(listed().await, ["PENDING", "EXPIRED"]);
}

#[actix_web::test]
async fn an_account_is_shown_with_what_identity_knows_of_it() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    bob.patch("/api/users/profile", json!({ "phone": "+1 512 555 0100" })).await.expect(200);
    let shown = one(&admin, &bob).await;
    assert_eq!(
        (&shown["user"]["email"], &shown["user"]["phone"]),
        (&json!(bob.email), &json!("+15125550100"))
    );
    assert_eq!((&shown["state"], &shown["suspension"]), (&json!("ACTIVE"), &Value::Null));
    assert_eq!(
        shown["verification"],
        json!({ "status": null, "pending": false, "validUntil": null, "mayBid": false })
    );
    assert_eq!(shown["counts"], json!({ "sessions": 1, "verifications": 0, "suspensions": 0 }));
    assert!(shown["signedInAt"].is_string(), "{shown}");
    assert_eq!(one(&admin, &app.homeowner().await).await["verification"], Value::Null);

    let id = hand_in(&bob).await;
    decide(&admin, &id, "approve", json!({})).await.expect(200);
    hand_in(&bob).await;
    let other = app.sign_in(&bob.email, &bob.password).await;
    let _ = app.sign_in(&bob.email, &bob.password).await;
    other.post_empty("/api/auth/logout").await.expect(204);
    let shown = one(&admin, &bob).await;
    assert_eq!(
        shown["verification"],
        json!({ "status": "PENDING", "pending": true, "validUntil": "2090-07-01T05:00:00Z", "mayBid": true })
    );
    assert_eq!(shown["counts"], json!({ "sessions": 2, "verifications": 2, "suspensions": 0 }));
    let text = shown.to_string();
    assert!(!text.contains("$2") && !text.contains("password"), "{text}");
}

#[actix_web::test]
async fn pages_neither_skip_nor_repeat() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    // Some of one name, some made in the same instant, some without a name.
    for index in 0..12 {
        let name = ["Élise Martin", "Elise Martin", "Zoë Quist", "Bob Mason"][index % 4];
        let person = app.newcomer("customer", name).await;
        if index % 5 == 0 {
            person.patch("/api/users/profile", json!({ "name": null })).await.expect(200);
        }
    }
    app.database.execute("UPDATE identity.people SET created_at = date_trunc('minute', created_at)");
    for sort in ["newest", "name"] {
        let whole = find(&admin, &[("sort", sort), ("limit", "100")]).await;
        let ids = |page: &Value| -> Vec<String> {
            let all = page["data"].as_array().into_iter().flatten();
            all.filter_map(|one| one["user"]["id"].as_str().map(str::to_owned)).collect()
        };
        assert_eq!(ids(&whole).len(), 13);
        for limit in ["1", "2", "5"] {
            let mut seen = Vec::new();
            let mut cursor: Option<String> = None;
            loop {
                let mut query = vec![("sort", sort), ("limit", limit)];
                if let Some(cursor) = &cursor {
                    query.push(("cursor", cursor));
                }
                let page = find(&admin, &query).await;
                seen.extend(ids(&page));
                match page["nextCursor"].as_str() {
                    Some(next) => cursor = Some(next.to_owned()),
                    None => break,
                }
            }
            assert_eq!(seen, ids(&whole), "{sort} {limit}");
        }
    }
    let by_name = names(&find(&admin, &[("sort", "name"), ("limit", "100")]).await);
    let folded: Vec<String> =
        by_name.iter().map(|name| name.to_lowercase().replace(['é', 'ë'], "e")).collect();
    assert!(folded.is_sorted(), "{by_name:?}");

    // Who comes later does not move what was read.
    let first = find(&admin, &[("limit", "3")]).await;
    app.clock.advance(Duration::from_secs(60));
    app.newcomer("customer", "Latecomer").await;
    let cursor = first["nextCursor"].as_str().unwrap_or_default();
    let second = find(&admin, &[("limit", "3"), ("cursor", cursor)]).await;
    assert!(!names(&second).contains(&"Latecomer".to_owned()), "{second}");
    let newest = find(&admin, &[("limit", "1")]).await;
    assert_eq!(names(&newest), ["Latecomer"]);
}

#[actix_web::test]
async fn the_list_takes_known_parameters_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let long = "a".repeat(201);
    for (query, pointer) in [
        ("role=admin", "?role"),
        ("role=OPERATOR", "?role"),
        ("state=BANNED", "?state"),
        ("verification=SUPERSEDED", "?verification"),
        ("emailVerified=yes", "?emailVerified"),
        ("sort=oldest", "?sort"),
        ("q=", "?q"),
        (&format!("q={long}"), "?q"),
        ("q=a%00b", "?q"),
        ("q=a&q=b", "?q"),
        ("limit=0", "?limit"),
        ("limit=101", "?limit"),
        ("cursor=made-up", "?cursor"),
        ("email=a%40b.c", "?email"),
    ] {
        let refused = admin.get(&format!("{USERS}?{query}")).await;
        assert_eq!(
            (refused.status, &refused.json["errors"][0]["pointer"]),
            (400, &json!(pointer)),
            "{query}"
        );
    }
    // A cursor belongs to the question that it came with.
    app.homeowner().await;
    let page = find(&admin, &[("sort", "name"), ("limit", "1")]).await;
    let cursor = page["nextCursor"].as_str().unwrap_or_default();
    for other in ["", "sort=newest&", "sort=name&role=ADMIN&"] {
        let refused = admin.get(&format!("{USERS}?{other}limit=1&cursor={cursor}")).await;
        assert_eq!(refused.status, 400, "{other}");
    }
}

#[actix_web::test]
async fn people_are_found_by_administrators_only() {
    let app = TestApp::start().await;
    app.anyone().get(USERS).await.problem(401, "unauthenticated");
    for person in [&app.homeowner().await, &app.verified_contractor().await] {
        person.get(USERS).await.problem(403, "wrong_role");
        person.get(&format!("{USERS}?q={}", person.id)).await.problem(403, "wrong_role");
    }
    let former = app.admin().await;
    app.suspend(&former);
    former.get(USERS).await.problem(401, "signed_out");
}
