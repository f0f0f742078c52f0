//! Who gets in.

use std::time::Duration;

use crate::house::{House, send};

async fn status(house: &House, path: &str, token: &str) -> u16 {
    send(house.request("GET", path).bearer_auth(token)).await.status
}

#[tokio::test]
async fn each_role_gets_in_where_it_may() {
    let house = House::new();
    let (homeowner, contractor) = (house.sign_up("homeowner").await, house.sign_up("contractor").await);
    assert_eq!(status(&house, "/probe/home", &homeowner).await, 200);
    assert_eq!(status(&house, "/probe/home", &contractor).await, 403);
    assert_eq!(status(&house, "/probe/admin", &homeowner).await, 403);
    let refused = send(house.request("GET", "/probe/home").bearer_auth(&contractor)).await;
    assert_eq!(refused.problem(), (403, "wrong_role".into()));
    let stranger = house.get("/probe/home").await;
    assert_eq!(
        (stranger.problem(), stranger.header("www-authenticate")),
        ((401, "unauthenticated".into()), "Bearer")
    );
}

#[tokio::test]
async fn where_anyone_may_a_token_tells_whose_view_is_asked_for() {
    let house = House::new();
    let contractor = house.sign_up("contractor").await;
    assert!(house.get("/probe/me").await.json().is_null());
    assert_eq!(send(house.request("GET", "/probe/me").bearer_auth(&contractor)).await.json(), "CONTRACTOR");
    assert_eq!(status(&house, "/probe/me", "nonsense").await, 401);
}

#[tokio::test]
async fn what_is_no_good_token_is_401() {
    let house = House::new();
    let token = house.sign_up("homeowner").await;
    let long = "x".repeat(6_000);
    let cut = &token[..token.len() - 2];
    for bad in ["", "a.b.c", cut, long.as_str()] {
        assert_eq!(status(&house, "/probe/home", bad).await, 401);
    }
    let basic = house.request("GET", "/probe/home").basic_auth("a", Some("b"));
    assert_eq!(send(basic).await.problem().0, 401);
    let lower = house.request("GET", "/probe/home").header("authorization", format!("bearer {token}"));
    assert_eq!(send(lower).await.status, 200);
}

#[tokio::test]
async fn a_session_that_has_ended_is_refused_at_once() {
    let house = House::new();
    let token = house.sign_up("homeowner").await;
    assert_eq!(status(&house, "/probe/home", &token).await, 200);
    let identity = house.platform.commands().identity.clone();
    let ended = token.clone();
    tokio::task::spawn_blocking(move || {
        let actor = identity.authenticate(&ended, "test").unwrap();
        identity.logout(&actor).unwrap();
    })
    .await
    .unwrap();
    assert_eq!(status(&house, "/probe/home", &token).await, 401);
}

#[tokio::test]
async fn a_token_ends_by_the_clock() {
    let house = House::new();
    let token = house.sign_up("homeowner").await;
    house.database.clock.advance(Duration::from_secs(25 * 60 * 60));
    assert_eq!(status(&house, "/probe/home", &token).await, 401);
}
