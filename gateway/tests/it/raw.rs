//! What no well-behaved client sends: bytes on a socket, and what comes back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::house::House;

/// Sends these bytes and reads until the server closes, or says nothing more for so long.
fn exchange(house: &House, bytes: &[u8], patience: Duration) -> String {
    let mut stream = TcpStream::connect(house.server.address()).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A time-out or a reset ends the answer as an end of the stream does; what came before counts.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answer: &str) -> Vec<&str> {
    let mut statuses = Vec::new();
    for part in answer.split("HTTP/1.1 ").skip(1) {
        statuses.extend(part.split(' ').next());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_the_server_goes_on() {
    let house = House::new();
    let long = "a".repeat(70_000);
    let many: String = (0..1_000).map(|number| format!("x-{number}: 1\r\n")).collect();
    for bytes in [
        b"\x00\x01\x02\xff".repeat(100),
        b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET /api/health HTTP/3.1\r\n\r\n".to_vec(),
        b"GET /api/jobs?category=\xfc HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes(),
        format!("GET /api/health HTTP/1.1\r\nHost: x\r\n{many}\r\n").into_bytes(),
        format!("GET /api/health HTTP/1.1\r\nHost: x\r\nX: {long}{long}{long}\r\n\r\n").into_bytes(),
        b"POST /probe/check HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_vec(),
        b"POST /probe/check HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}".to_vec(),
        b"POST /probe/check HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
        b"POST /probe/check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n".to_vec(),
    ] {
        let answer = exchange(&house, &bytes, Duration::from_secs(2));
        let refused = statuses(&answer).iter().all(|status| status.starts_with('4'));
        assert!(refused, "{}: {answer}", String::from_utf8_lossy(&bytes).chars().take(80).collect::<String>());
    }
    assert_eq!(house.get("/api/health").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_a_row_are_answered_in_a_row() {
    let house = House::new();
    let request = "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /api/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer =
        exchange(&house, format!("{}{last}", request.repeat(10)).as_bytes(), Duration::from_secs(10));
    let expected: Vec<&str> = std::iter::repeat_n("200", 10).chain(["404"]).collect();
    assert_eq!(statuses(&answer), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_upgrade_is_answered_as_if_it_had_not_been_made() {
    let house = House::new();
    let upgrade = b"GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let started = Instant::now();
    let mut stream = TcpStream::connect(house.server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(upgrade).unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_its_time_is_not_waited_for() {
    let house = House::with(|config| {
        config.http.head_timeout_seconds = 1;
        config.http.body_timeout_seconds = 1;
    });
    let patience = Duration::from_secs(10);
    let head = exchange(&house, b"GET /api/health HTTP/1.1\r\nHost: x\r\n", patience);
    assert_eq!(statuses(&head), ["408"]);
    let body = b"POST /probe/check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{";
    let answer = exchange(&house, body, patience);
    assert_eq!(statuses(&answer), ["408"]);
    assert!(answer.contains("body_timeout"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_announced_as_too_large_is_refused_before_it_comes() {
    let house = House::new();
    let head = b"POST /probe/check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n";
    let answer = exchange(&house, head, Duration::from_secs(5));
    assert!(statuses(&answer).contains(&"413"), "{answer}");
}
