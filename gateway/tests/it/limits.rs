//! How often anyone may ask.

use gateway::settings::CountIn;
use gateway::{Server, routes};
use testing::RedisServer;

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

#[tokio::test]
async fn two_servers_of_one_database_count_together() {
    let mut config = None;
    let house = House::with(|of_first| {
        of_first.rate_limit.exempt.clear();
        of_first.rate_limit.anonymous = 6;
        of_first.executor.writers = Some(1);
        config = Some(of_first.clone());
    });
    let second = Server::start_with(config.unwrap(), &house.platform, routes::operations()).unwrap();
    let of_second = format!("http://{}/health", second.address());
    let mut left = Vec::new();
    for turn in 0..6 {
        let answer = match turn % 2 {
            0 => house.get("/health").await,
            _ => send(reqwest::Client::new().get(&of_second)).await,
        };
        assert_eq!(answer.status, 200);
        left.push(answer.header("ratelimit").split_once(";t=").unwrap().0.to_owned());
    }
    let expected: Vec<String> = (0..6).rev().map(|left| format!("\"anonymous\";r={left}")).collect();
    assert_eq!(left, expected);
    assert_eq!(house.get("/health").await.status, 429);
    assert_eq!(send(reqwest::Client::new().get(&of_second)).await.status, 429);
    // What is kept tells nobody's address.
    assert_eq!(house.database.count("app.quotas WHERE octet_length(key) = 32"), 1);
}

#[tokio::test]
async fn two_servers_count_together_in_redis_and_go_on_alone_without_it() {
    let mut redis = RedisServer::start();
    let mut config = None;
    let house = House::with(|of_first| {
        of_first.rate_limit.exempt.clear();
        of_first.rate_limit.anonymous = 6;
        of_first.rate_limit.count_in = CountIn::Redis;
        of_first.rate_limit.redis_url = Some(redis.url().into());
        of_first.executor.writers = Some(1);
        config = Some(of_first.clone());
    });
    let second = Server::start_with(config.unwrap(), &house.platform, routes::operations()).unwrap();
    let of_second = format!("http://{}/health", second.address());
    for turn in 0..6 {
        let answer = match turn % 2 {
            0 => house.get("/health").await,
            _ => send(reqwest::Client::new().get(&of_second)).await,
        };
        assert_eq!(answer.status, 200);
        let left = answer.header("ratelimit").split_once(";t=").unwrap().0.to_owned();
        assert_eq!(left, format!("\"anonymous\";r={}", 5 - turn));
    }
    assert_eq!(house.get("/health").await.status, 429);
    assert_eq!(send(reqwest::Client::new().get(&of_second)).await.status, 429);
    assert_eq!(house.database.count("app.quotas"), 0);
    assert_eq!(counting(&house).await, serde_json::json!(["healthy", "redis", false]));
    redis.kill();
    // Somebody who has not asked before: whoever was refused is refused from memory.
    let token = house.sign_up("homeowner").await;
    for left in (1998..2000).rev() {
        let answer = send(house.request("GET", "/probe/me").bearer_auth(&token)).await;
        assert_eq!(answer.status, 200);
        let told = answer.header("ratelimit");
        assert!(told.starts_with(&format!("\"signed-in\";r={left};")), "{told}");
    }
    assert_eq!(counting(&house).await, serde_json::json!(["degraded", "redis", true]));
}

/// How readiness speaks of counting: its status, where, and whether this server does it alone.
async fn counting(house: &House) -> serde_json::Value {
    let ready = house.get("/health/ready").await.json();
    let checks = ready["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["service"] == "rate_limit").unwrap();
    serde_json::json!([check["status"], check["metadata"]["countedIn"], check["metadata"]["alone"]])
}

#[tokio::test]
async fn a_limit_is_not_dodged_by_writing_the_request_otherwise() {
    let house = House::with(|config| {
        config.rate_limit.exempt.clear();
        config.rate_limit.anonymous = 4;
    });
    for path in ["/api/jobs", "/api/jobs?limit=1", "/api//jobs", "/api/jobs/"] {
        house.get(path).await;
    }
    for forged in ["6.6.6.6", "127.0.0.1, 6.6.6.6", "::1"] {
        let headers = ["x-forwarded-for", "x-real-ip", "forwarded"];
        for header in headers {
            let answer = send(house.request("GET", "/api/jobs").header(header, forged)).await;
            if answer.status != 429 {
                // Paths that are none were not counted; nothing else may have dodged it.
                assert_eq!(answer.status, 200);
            }
        }
    }
    for path in ["/api/jobs", "/api/jobs?cursor=x", "/api/jobs/", "/API/JOBS", "/api/%6Aobs"] {
        let status = house.get(path).await.status;
        assert!(matches!(status, 429 | 404), "{path}: {status}");
    }
}

#[tokio::test]
async fn a_second_session_of_an_account_is_the_same_account() {
    let house = House::with(|config| {
        config.rate_limit.exempt.clear();
        config.rate_limit.signed_in = 3;
    });
    let (email, token) = house.sign_up_as("homeowner").await;
    let other = house
        .post(
            "/api/auth/login",
            &serde_json::json!({
                "email": email, "password": crate::house::PASSWORD,
            })
            .to_string(),
        )
        .await;
    let other = other.json()["accessToken"].as_str().unwrap().to_owned();
    let mut statuses = Vec::new();
    for token in [&token, &other, &token, &other] {
        statuses.push(send(house.request("GET", "/probe/me").bearer_auth(token)).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
}
