//! How often anyone may ask.

use crate::house::{House, send};

#[tokio::test]
async fn an_address_without_a_session_may_ask_so_often() {
    let house = House::with(|config| {
        config.rate_limit.exempt.clear();
        config.rate_limit.anonymous = 5;
    });
    let token = house.sign_up("homeowner").await;
    for left in (0..5).rev() {
        let answer = house.get("/api/health").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"anonymous\";q=5;w=60");
        assert!(
            answer.header("ratelimit").starts_with(&format!("\"anonymous\";r={left};t=")),
            "{}",
            answer.header("ratelimit")
        );
    }
    let refused = house.get("/health").await;
    assert_eq!(refused.problem(), (429, "rate_limited".into()));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert!(refused.header("ratelimit").starts_with("\"anonymous\";r=0;t="));
    // Others are counted apart, and some paths not at all.
    assert_eq!(house.get("/health/live").await.status, 200);
    assert_eq!(house.get("/api-docs").await.status, 200);
    assert_eq!(house.get("/probe/free").await.status, 204);
    let signed_in = send(house.request("GET", "/probe/me").bearer_auth(&token)).await;
    assert_eq!((signed_in.status, signed_in.header("ratelimit-policy")), (200, "\"signed-in\";q=2000;w=900"));
    // A made-up token does not get around it.
    assert_eq!(send(house.request("GET", "/probe/me").bearer_auth("x.y.z")).await.status, 429);
}

#[tokio::test]
async fn an_account_is_counted_wherever_it_asks_from() {
    let house = House::with(|config| {
        config.rate_limit.exempt.clear();
        config.rate_limit.signed_in = 2;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let token = house.sign_up("homeowner").await;
    let ask = |address: &'static str| {
        send(house.request("GET", "/probe/me").bearer_auth(&token).header("x-forwarded-for", address))
    };
    assert_eq!(ask("1.1.1.1").await.status, 200);
    assert_eq!(ask("1.1.1.2").await.status, 200);
    assert_eq!(ask("1.1.1.3").await.problem(), (429, "rate_limited".into()));
}
