//! What holds for every path and every answer.

use serde_json::Value;

use crate::house::{House, send};

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let house = House::new();
    assert_eq!(house.get("/api/nothing").await.problem(), (404, "no_such_path".into()));
    assert_eq!(house.post("/api/nothing", "{").await.problem(), (404, "no_such_path".into()));
}

#[tokio::test]
async fn another_method_is_told_which_there_are() {
    let house = House::new();
    let answer = send(house.request("DELETE", "/probe/things/mine")).await;
    assert_eq!(answer.problem(), (405, "method_not_allowed".into()));
    assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    assert_eq!(send(house.request("BREW", "/probe/things")).await.problem().0, 405);
    let options = send(house.request("OPTIONS", "/probe/things")).await;
    assert_eq!((options.status, options.header("allow")), (204, "POST, OPTIONS"));
}

#[tokio::test]
async fn a_literal_wins_over_an_id_and_a_malformed_id_names_nothing() {
    let house = House::new();
    assert_eq!(house.get("/probe/things/mine").await.json(), "mine");
    let id = "pty_01h455vb4pex5vsknk084sn02q";
    assert_eq!(house.get(&format!("/probe/things/{id}")).await.json(), id);
    assert_eq!(house.get("/probe/things/01890a5d-ac96-774b-bcce-b302099a8057").await.json(), id);
    for bad in
        ["1", "job_01h455vb4pex5vsknk084sn02q", "%00", "%ff", "..%2f..", "pty_01H455VB4PEX5VSKNK084SN02Q"]
    {
        let answer = house.get(&format!("/probe/things/{bad}")).await;
        assert_eq!(answer.problem(), (404, "not_found".into()), "{bad}");
    }
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let house = House::new();
    let answer = send(house.request("HEAD", "/api/health")).await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 0));
}

#[tokio::test]
async fn a_request_keeps_its_own_id_when_it_is_well_formed() {
    let house = House::new();
    let own = send(house.request("GET", "/api/health").header("x-request-id", "client-0001")).await;
    assert_eq!(own.header("x-request-id"), "client-0001");
    let other = send(house.request("GET", "/api/health").header("x-request-id", "a b")).await;
    assert_eq!(other.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let house = House::new();
    for path in ["/api/health", "/api/nothing", "/api-docs", "/probe/panic"] {
        let answer = house.get(path).await;
        for header in
            ["x-content-type-options", "content-security-policy", "referrer-policy", "x-frame-options"]
        {
            assert!(!answer.header(header).is_empty(), "{path}: {header}");
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_ask_only_when_the_settings_say_so() {
    let house = House::with(|config| config.cors.origins = vec!["https://app.example.org".into()]);
    let from = |origin: &str| house.request("GET", "/api/health").header("origin", origin.to_owned());
    let allowed = send(from("https://app.example.org")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example.org");
    let other = send(from("https://evil.example.org")).await;
    assert_eq!((other.status, other.header("access-control-allow-origin")), (200, ""));
    let preflight = house
        .request("OPTIONS", "/probe/things")
        .header("origin", "https://app.example.org")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, idempotency-key, content-type");
    let preflight = send(preflight).await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), "https://app.example.org");
}

#[tokio::test]
async fn what_the_client_has_already_is_not_sent_again() {
    let house = House::new();
    let path = "/probe/things/pty_01h455vb4pex5vsknk084sn02q";
    let first = house.get(path).await;
    let etag = first.header("etag").to_owned();
    assert!(etag.starts_with("\"7."), "{etag}");
    let again = send(house.request("GET", path).header("if-none-match", &etag)).await;
    assert_eq!((again.status, again.bytes.len(), again.header("etag")), (304, 0, etag.as_str()));
    let other = send(house.request("GET", path).header("if-none-match", "\"7.0000\"")).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_change_is_refused_when_it_was_made_to_another_version() {
    let house = House::new();
    let path = "/probe/things/pty_01h455vb4pex5vsknk084sn02q";
    let etag = house.get(path).await.header("etag").to_owned();
    for (header, status) in
        [(etag.as_str(), 200), ("\"7.else\"", 200), ("*", 200), ("\"8.0\"", 412), ("\"junk\"", 412)]
    {
        let answer = send(house.request("PATCH", path).header("if-match", header)).await;
        assert_eq!(answer.status, status, "{header}");
    }
    assert_eq!(send(house.request("PATCH", path)).await.status, 200);
}

#[tokio::test]
async fn a_panic_is_one_requests_own() {
    let house = House::new();
    for path in ["/probe/panic", "/probe/panic/executor"] {
        let answer = house.get(path).await;
        assert_eq!(answer.problem(), (500, "internal".into()), "{path}");
        assert!(!answer.json().to_string().contains("secret"));
    }
    assert_eq!(house.get("/api/health").await.status, 200);
    assert_eq!(house.get("/health/ready").await.status, 200);
}

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let house = House::new();
    for path in ["/health", "/api/health", "/health/live"] {
        assert_eq!(house.get(path).await.json()["status"], "healthy", "{path}");
    }
    let ready = house.get("/health/ready").await.json();
    let services: Vec<&str> =
        ready["checks"].as_array().unwrap().iter().map(|check| check["service"].as_str().unwrap()).collect();
    assert_eq!(services, ["server", "database", "webhook_queue", "disk", "memory", "rate_limit"]);
    assert_eq!(ready["checks"][2]["metadata"]["queueSize"], 0);
}

#[tokio::test]
async fn the_figures_need_the_operators_token() {
    let closed = House::new();
    assert_eq!(closed.get("/metrics").await.problem().0, 404);
    let house = House::with(|config| config.metrics.token = Some("operator".to_owned().into()));
    assert_eq!(house.get("/metrics").await.problem().0, 401);
    assert_eq!(send(house.request("GET", "/metrics").bearer_auth("wrong")).await.problem().0, 401);
    let figures = send(house.request("GET", "/metrics").bearer_auth("operator")).await;
    let text = String::from_utf8(figures.bytes).unwrap();
    assert!(text.contains("http_requests_total{method=\"GET\",route=\"/metrics\",status=\"401\"}"), "{text}");
}

#[tokio::test]
async fn the_figures_have_a_listener_of_their_own() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let house = House::with(|config| config.metrics.listen = Some(free));
    house.get("/api/health").await;
    let text = reqwest::get(format!("http://{free}/metrics")).await.unwrap().text().await.unwrap();
    assert!(text.contains("http_requests_total"), "{text}");
}

#[tokio::test]
async fn the_document_and_its_page_come_from_here_alone() {
    let house = House::new();
    let document = house.get("/api-docs/openapi.json").await;
    assert_eq!(document.json()["openapi"], "3.1.0");
    let page = String::from_utf8(house.get("/api-docs").await.bytes).unwrap();
    let files = ["href=\"", "src=\""]
        .into_iter()
        .flat_map(|mark| page.split(mark).skip(1))
        .filter_map(|rest| rest.split('"').next());
    let mut count = 0;
    for file in files.filter(|file| *file != "/api-docs/") {
        assert!(!file.contains("//"), "the page loads {file}");
        assert_eq!(
            house.get(&format!("/api-docs/{}", file.trim_start_matches("./"))).await.status,
            200,
            "{file}"
        );
        count += 1;
    }
    assert!(count >= 4, "{page}");
    let start = String::from_utf8(house.get("/api-docs/swagger-initializer.js").await.bytes).unwrap();
    assert!(start.contains("/api-docs/openapi.json"), "{start}");
    assert_eq!(house.get("/api-docs/nothing.js").await.problem().0, 404);
}

#[tokio::test]
async fn the_document_lists_what_is_served() {
    let house = House::new();
    let document = house.get("/api-docs/openapi.json").await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let concrete = path.replace(['{', '}'], "");
        for method in item.as_object().unwrap().keys() {
            let answer = send(house.request(&method.to_uppercase(), &concrete)).await;
            assert_ne!(answer.status, 405, "{method} {path}");
            assert_ne!(answer.json()["code"], Value::from("no_such_path"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_page_of_the_document_answers_with_and_without_a_slash() {
    let house = House::new();
    for path in ["/api-docs", "/api-docs/", "/api-docs/index.html"] {
        let page = house.get(path).await;
        assert_eq!(
            (page.status, page.header("content-type").starts_with("text/html")),
            (200, true),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_header_that_there_is_one_of_may_not_come_twice() {
    let house = House::new();
    let token = house.sign_up("homeowner").await;
    let twice = house.request("GET", "/probe/me").bearer_auth(&token).header("authorization", "Bearer other");
    assert_eq!(send(twice).await.problem(), (400, "repeated_header".into()));
    let body = r#"{"name":"twice","amount":100}"#;
    let twice = house
        .request("POST", "/probe/things")
        .bearer_auth(&token)
        .header("content-type", "application/json")
        .header("idempotency-key", "one")
        .header("idempotency-key", "two")
        .body(body);
    assert_eq!(send(twice).await.problem(), (400, "repeated_header".into()));
}
