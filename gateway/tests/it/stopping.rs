//! Starting and stopping.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::{Server, ServerConfig, StartError};
use secrecy::SecretString;

use crate::house::{House, send};

#[tokio::test]
async fn what_is_under_way_ends_and_idle_connections_do_not_hold_it_up() {
    let house = House::new();
    house.get("/api/health").await;
    let slow = tokio::spawn(send(house.request("GET", "/probe/slow")));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let base = house.base.clone();
    let House { server, .. } = house;
    let app = server.app().clone();
    let started = Instant::now();
    let stopping = tokio::spawn(server.stop());
    let answer = slow.await.unwrap();
    assert_eq!((answer.status, answer.json()), (200, "slow".into()));
    assert_eq!(answer.header("connection"), "close");
    stopping.await.unwrap();
    assert!(app.is_draining());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(reqwest::get(format!("{base}/api/health")).await.is_err());
}

#[tokio::test]
async fn a_server_that_is_about_to_stop_says_that_it_is_not_ready() {
    let house = House::with(|config| config.http.drain_seconds = 2);
    let base = house.base.clone();
    let House { server, database: _database, .. } = house;
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let ready = reqwest::get(format!("{base}/health/ready")).await.unwrap();
    assert_eq!(ready.status(), 503);
    let ready: serde_json::Value = ready.json().await.unwrap();
    assert_eq!(ready["checks"][0]["metadata"]["stopping"], true);
    assert_eq!(reqwest::get(format!("{base}/api/health")).await.unwrap().status(), 200);
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let house = House::new();
    let taken = house.server.address();
    let mut config = ServerConfig::local(SecretString::from("s".repeat(32)));
    config.port = taken.port();
    match Server::start(config, &house.platform) {
        Err(StartError::Listen { address, .. }) => assert_eq!(address, taken.to_string()),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two servers on one port"),
    }
    let mut config = ServerConfig::local(SecretString::from("s".repeat(32)));
    config.metrics.listen = Some(taken);
    let error = Server::start(config, &house.platform).err().unwrap().to_string();
    assert!(error.contains("metrics.listen") && error.contains(&taken.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_at_once_is_refused_with_a_time_to_come_back() {
    let house = Arc::new(House::with(|config| {
        config.executor.writers = Some(1);
        config.executor.writer_queue = 1;
    }));
    let token = house.sign_up("homeowner").await;
    let body = serde_json::json!({ "name": "slow flood", "amount": 100 });
    let all = (0..6)
        .map(|_| tokio::spawn(send(house.request("POST", "/probe/things").bearer_auth(&token).json(&body))));
    let answers = futures_util::future::join_all(all).await;
    let refused: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().unwrap()).filter(|answer| answer.status == 503).collect();
    assert!(!refused.is_empty());
    for answer in refused {
        assert_eq!(answer.problem(), (503, "overloaded".into()));
        assert_eq!(answer.header("retry-after"), "1");
    }
}
