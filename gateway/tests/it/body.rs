//! What is read of a body, and what is refused of it.

use crate::house::{House, send};

#[tokio::test]
async fn a_body_that_fits_arrives_as_it_was_sent() {
    let house = House::new();
    let body = r#"{"name":"fence","amount":100,"parent":"pty_01h455vb4pex5vsknk084sn02q","due":"2026-12-01","parts":[{"kind":"labour"}]}"#;
    assert_eq!(
        house.post("/probe/check", body).await.json(),
        serde_json::from_str::<serde_json::Value>(body).unwrap()
    );
}

#[tokio::test]
async fn every_fault_comes_at_once_with_its_place() {
    let house = House::new();
    let body = r#"{"amount":99,"colour":"red","parent":"job_1","due":"2026-02-30","parts":[{"kind":"labour"},{"kind":"paint","n":1}]}"#;
    let answer = house.post("/probe/check", body).await;
    assert_eq!(answer.problem(), (422, "invalid_request".into()));
    let found = answer.faults();
    let found: Vec<_> = found.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(
        found,
        [
            ("/amount", "minimum"),
            ("/colour", "unknown_field"),
            ("/due", "format"),
            ("/name", "required"),
            ("/parent", "pattern"),
            ("/parts/1/kind", "enum"),
            ("/parts/1/n", "unknown_field"),
        ]
    );
}

#[tokio::test]
async fn what_no_schema_forgives_is_refused_with_its_place() {
    let house = House::new();
    for (body, pointer, code) in [
        (r#"{"name":"a\u0000b","amount":100}"#.to_owned(), "/name", "nul"),
        (format!(r#"{{"name":"{}","amount":100}}"#, "x".repeat(20_001)), "/name", "too_long"),
        (r#"{"name":"a","name":"b","amount":100}"#.to_owned(), "/name", "repeated"),
        (
            format!(r#"{{"name":"a","amount":100,"x":{}{}}}"#, "[".repeat(90), "]".repeat(90)),
            &format!("/x{}", "/0".repeat(15)),
            "too_deep",
        ),
        (r#"{"name":"a","amount":100.0}"#.to_owned(), "/amount", "type"),
        (r#"{"name":"a","amount":1e2}"#.to_owned(), "/amount", "type"),
        (r#"{"name":"a","amount":"100"}"#.to_owned(), "/amount", "type"),
        (r#"{"name":"a","amount":100,"due":"+10000-01-01"}"#.to_owned(), "/due", "format"),
        (r#"[]"#.to_owned(), "", "type"),
        (r#"null"#.to_owned(), "", "type"),
    ] {
        let answer = house.post("/probe/check", &body).await;
        assert_eq!(answer.problem(), (422, "invalid_request".into()), "{pointer} {code}");
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())]);
    }
}

#[tokio::test]
async fn what_is_no_json_is_400_and_what_is_too_large_413() {
    let house = House::new();
    for body in ["", "{", "{\"name\":}", "\u{feff}{}", "{} {}", &"[".repeat(100_000)] {
        assert_eq!(house.post("/probe/check", body).await.problem(), (400, "not_json".into()));
    }
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(300 * 1024));
    assert_eq!(house.post("/probe/check", &large).await.problem(), (413, "body_too_large".into()));
    let invalid_utf8 = house
        .request("POST", "/probe/check")
        .header("content-type", "application/json")
        .body(vec![b'"', 0xff, b'"']);
    assert_eq!(send(invalid_utf8).await.problem(), (400, "not_json".into()));
}

#[tokio::test]
async fn a_body_of_another_type_is_415() {
    let house = House::new();
    let post = || house.request("POST", "/probe/check").body("{}");
    assert_eq!(send(post()).await.problem().0, 415);
    assert_eq!(send(post().header("content-type", "text/plain")).await.problem().0, 415);
    let compressed = post().header("content-type", "application/json").header("content-encoding", "gzip");
    assert_eq!(send(compressed).await.problem().0, 415);
    assert_eq!(send(post().header("content-type", "application/json; charset=utf-8")).await.problem().0, 422);
}

#[tokio::test]
async fn a_body_may_be_left_out_where_the_operation_says_so() {
    let house = House::new();
    assert_eq!(send(house.request("POST", "/probe/optional")).await.json(), false);
    assert_eq!(house.post("/probe/optional", r#"{"name":"a","amount":100}"#).await.json(), true);
    assert_eq!(house.post("/probe/optional", "{}").await.status, 422);
    assert_eq!(send(house.request("POST", "/probe/empty")).await.status, 204);
    assert_eq!(house.post("/probe/empty", "{}").await.status, 204);
    assert_eq!(house.post("/probe/empty", r#"{"a":1}"#).await.problem(), (400, "no_body_expected".into()));
    assert_eq!(house.post("/probe/raw", "any bytes").await.json(), 9);
}
