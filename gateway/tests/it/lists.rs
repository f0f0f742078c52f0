//! Query parameters, pages and cursors.

use std::time::Duration;

use crate::house::House;

#[tokio::test]
async fn a_list_is_walked_from_page_to_page() {
    let house = House::new();
    let mut seen = Vec::new();
    let mut path = "/probe/list?limit=10&kinds=labour".to_owned();
    for _ in 0..3 {
        let page = house.get(&path).await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|row| row.as_i64().unwrap()));
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/probe/list?limit=10&kinds=labour&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_and_a_day() {
    let house = House::new();
    let cursor =
        house.get("/probe/list?limit=1&from=1").await.json()["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(house.get(&format!("/probe/list?from=1&limit=5&cursor={cursor}")).await.status, 200);
    let forged = format!("{}A", &cursor[..cursor.len() - 1]);
    for path in [
        format!("/probe/list?from=2&cursor={cursor}"),
        format!("/probe/list?cursor={cursor}"),
        format!("/probe/list?from=1&cursor={forged}"),
        "/probe/list?cursor=".to_owned(),
        "/probe/list?cursor=%00".to_owned(),
    ] {
        assert_eq!(house.get(&path).await.problem(), (400, "invalid_request".into()), "{path}");
    }
    house.database.clock.advance(Duration::from_secs(25 * 60 * 60));
    let stale = house.get(&format!("/probe/list?from=1&cursor={cursor}")).await;
    assert_eq!((stale.problem().0, stale.faults()), (400, vec![("?cursor".into(), "bad_cursor".into())]));
}

#[tokio::test]
async fn only_known_parameters_are_taken_and_every_fault_is_told() {
    let house = House::new();
    assert_eq!(house.get("/probe/list?kinds=labour,material&kinds=labour").await.status, 400);
    assert_eq!(house.get("/probe/list?kinds=labour&kinds=material").await.status, 200);
    let bad = house.get("/probe/list?from=-1&kinds=paint&page=2&limit=0&limit=3").await;
    assert_eq!(bad.problem().0, 400);
    let places: Vec<_> = bad.faults().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(places, ["?from", "?kinds/0", "?limit", "?page"]);
    for limit in ["0", "101", "-1", "x", "1.5", "1e1", "99999999999999999999", ""] {
        assert_eq!(house.get(&format!("/probe/list?limit={limit}")).await.status, 400, "{limit}");
    }
    assert_eq!(house.get("/api/health?x=1").await.problem(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn the_faults_of_a_long_query_are_told_to_a_limit() {
    let house = House::new();
    let answer = house.get(&format!("/probe/list?{}", "x=1&".repeat(3_000))).await;
    assert_eq!((answer.problem().0, answer.faults().len()), (400, 100));
}
