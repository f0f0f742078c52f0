//! Idempotency keys.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::house::{Answer, House, send};
use crate::probe::runs;

const MONEY: &str = "/probe/money/pty_01h455vb4pex5vsknk084sn02q";

async fn post(house: &House, path: &str, token: &str, key: &str, name: &str) -> Answer {
    let body = serde_json::json!({ "name": name, "amount": 100 });
    send(house.request("POST", path).bearer_auth(token).header("idempotency-key", key).json(&body)).await
}

/// A name that no other test uses.
fn name(start: &str) -> String {
    format!("{start} {}", uuid::Uuid::now_v7().simple()).chars().take(40).collect()
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_bytes() {
    let house = House::new();
    let token = house.sign_up("homeowner").await;
    let name = name("once");
    let first = post(&house, "/probe/things", &token, "k1", &name).await;
    assert_eq!((first.status, first.json(), first.header("idempotency-replayed")), (201, 1.into(), ""));
    let second = post(&house, "/probe/things", &token, "\"k1\"", &name).await;
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!((second.status, &second.bytes), (first.status, &first.bytes));
    for header in ["location", "etag", "content-type"] {
        assert_eq!(second.header(header), first.header(header));
    }
    assert_eq!(runs(&name), 1);
}

#[tokio::test]
async fn a_stored_answer_cannot_be_read_in_the_table() {
    use diesel::prelude::*;
    let house = House::new();
    let token = house.sign_up("homeowner").await;
    let name = name("readable");
    post(&house, "/probe/things", &token, "k1", &name).await;
    let hex: String = house
        .database
        .owner
        .read(|conn| -> Result<String, database::Error> {
            #[derive(diesel::QueryableByName)]
            struct Row {
                #[diesel(sql_type = diesel::sql_types::Text)]
                answer: String,
            }
            let sql = "SELECT encode(answer, 'hex') AS answer FROM app.idempotency_keys";
            Ok(diesel::sql_query(sql).get_result::<Row>(conn)?.answer)
        })
        .unwrap();
    assert!(!hex.contains(&hex::encode("location")) && !hex.contains(&hex::encode("probe")), "{hex}");
}

#[tokio::test]
async fn a_key_is_its_callers_for_one_path_and_one_body() {
    let house = House::new();
    let (token, other) = (house.sign_up("homeowner").await, house.sign_up("homeowner").await);
    let name = name("scope");
    post(&house, "/probe/things", &token, "k1", &name).await;
    let reused = post(&house, "/probe/things", &token, "k1", &format!("{name}!")).await;
    assert_eq!(reused.problem(), (422, "idempotency_key_reused".into()));
    assert_eq!(post(&house, "/probe/things", &other, "k1", &name).await.header("idempotency-replayed"), "");
    assert_eq!(post(&house, MONEY, &token, "k1", &name).await.header("idempotency-replayed"), "");
    assert_eq!(runs(&name), 3);
}

#[tokio::test]
async fn after_an_error_the_key_is_free() {
    let house = House::new();
    let token = house.sign_up("homeowner").await;
    let name = name("fails");
    assert_eq!(post(&house, MONEY, &token, "k1", &name).await.status, 412);
    let second = post(&house, MONEY, &token, "k1", &name).await;
    assert_eq!((second.status, second.header("idempotency-replayed")), (201, ""));
}

#[tokio::test]
async fn money_needs_a_key() {
    let house = House::new();
    let token = house.sign_up("homeowner").await;
    let body = serde_json::json!({ "name": "x", "amount": 100 });
    let without = send(house.request("POST", MONEY).bearer_auth(&token).json(&body)).await;
    assert_eq!(without.problem(), (400, "idempotency_key_missing".into()));
    assert_eq!(post(&house, MONEY, &token, "", "x").await.problem(), (400, "idempotency_key_invalid".into()));
    assert_eq!(post(&house, MONEY, &token, &"k".repeat(256), "x").await.problem().0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_works_and_the_others_wait_or_are_answered_alike() {
    let house = Arc::new(House::new());
    let token = house.sign_up("homeowner").await;
    let name = name("slow");
    let all = join_all((0..50).map(|_| {
        let (house, token, name) = (Arc::clone(&house), token.clone(), name.clone());
        tokio::spawn(async move { post(&house, "/probe/things", &token, "k1", &name).await })
    }));
    let answers: Vec<Answer> = all.await.into_iter().map(Result::unwrap).collect();
    let done: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!done.is_empty() && done.iter().all(|answer| answer.bytes == done[0].bytes));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.problem(), (409, "idempotency_in_progress".into()));
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(runs(&name), 1);
}

#[tokio::test]
async fn a_staged_command_goes_on_where_it_stopped() {
    let house = House::new();
    let token = house.sign_up("homeowner").await;
    let done = name("done");
    let first = post(&house, "/probe/staged", &token, "k1", &done).await;
    let again = post(&house, "/probe/staged", &token, "k1", &done).await;
    assert_eq!((first.status, again.header("idempotency-replayed"), runs(&done)), (200, "true", 1));
    assert_eq!(first.bytes, again.bytes);
    // A clear refusal frees the key.
    let refused = name("refused");
    assert_eq!(post(&house, "/probe/staged", &token, "k2", &refused).await.status, 404);
    assert_eq!(post(&house, "/probe/staged", &token, "k2", &refused).await.status, 200);
    // When nobody knows what came of it, whoever comes next goes on at the second step, with the same reference.
    let away = name("away");
    assert_eq!(post(&house, "/probe/staged", &token, "k3", &away).await.status, 503);
    assert_eq!(house.database.count("app.idempotency_keys WHERE state = 'CLAIMED'"), 1);
    // What a client calls its requests is the client's to know.
    assert_eq!(house.database.count("app.idempotency_keys WHERE key !~ '^[0-9a-f]{64}$'"), 0);
    let gone_on = post(&house, "/probe/staged", &token, "k3", &away).await;
    assert_eq!((gone_on.status, gone_on.header("idempotency-replayed"), runs(&away)), (200, "", 2));
    let reference = gone_on.json().as_str().unwrap().to_owned();
    assert_eq!(
        house.database.count(&format!("app.idempotency_keys WHERE reference::text = '{reference}'")),
        1
    );
    assert_eq!(post(&house, "/probe/staged", &token, "k3", &away).await.bytes, gone_on.bytes);
}
