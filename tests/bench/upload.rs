//! Files on their way in: how much memory the server takes while many of the largest arrive at once.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Connection, Request, request};
use crate::rows;
use crate::world::World;

/// Files that arrive at the same time, each on a connection of its own.
const CONNECTIONS: usize = 8;
/// How many each connection sends, one after the other.
const EACH: usize = 4;

/// Measures it and prints a table of its own.
pub(crate) fn measure(world: &World) {
    let bytes = usize::try_from(world.document_bytes_max).unwrap();
    let mut document = b"%PDF-1.7\n".to_vec();
    document.resize(bytes, b'x');
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let requests: Vec<Request> = runtime.block_on(hand_in(world, &document));
    world.server.forget_peak();
    let before = world.server.memory_mb();
    let begun = Instant::now();
    let sent = runtime.block_on(async {
        let tasks: Vec<_> = requests
            .into_iter()
            .map(|request| tokio::spawn(send(world.server.address.clone(), request)))
            .collect();
        let mut sent = 0;
        for task in tasks {
            sent += task.await.unwrap();
        }
        sent
    });
    let took = begun.elapsed();
    let peak = world.server.peak_memory_mb();
    std::thread::sleep(Duration::from_millis(500));
    println!(
        "\n| upload | files | MB/s | memory before, MB | at most | afterwards | if they were held whole |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    println!(
        "| {} MB each on {CONNECTIONS} connections | {sent} | {:.0} | {before} | {peak} | {} | {} more |",
        bytes / 1_000_000,
        (sent * bytes) as f64 / 1e6 / took.as_secs_f64(),
        world.server.memory_mb(),
        CONNECTIONS * bytes / 1_000_000,
    );
}

/// A verification of each contractor to add documents to, and the request that does it.
async fn hand_in(world: &World, document: &[u8]) -> Vec<Request> {
    let credential = |number: &str| json!({ "number": number, "holder": "Bench Building", "place": "Texas", "timeZone": "America/Chicago", "expiresOn": "2099-12-31" });
    let form = json!({ "licences": [credential("TX-48813")], "insurance": credential("POL-90417") });
    let mut requests = Vec::new();
    for contractor in world.contractors.iter().take(CONNECTIONS) {
        let token = rows::token(contractor);
        let mut connection = Connection::open(&world.server.address).await.unwrap();
        let submit = request("POST", "/api/contractors/verification", Some(&token), None, Some(&form));
        let answer = connection.send(&submit).await.unwrap();
        let told = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 201, "{told}");
        let submitted: serde_json::Value = serde_json::from_str(&told).unwrap();
        let id = submitted["id"].as_str().unwrap();
        let mut upload = format!(
            "POST /api/contractors/verification/{id}/documents HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/pdf\r\nContent-Length: {}\r\n\r\n",
            document.len()
        )
        .into_bytes();
        upload.extend_from_slice(document);
        requests.push(upload);
    }
    requests
}

async fn send(address: String, request: Request) -> usize {
    let mut connection = Connection::open(&address).await.unwrap();
    let mut sent = 0;
    for _ in 0..EACH {
        let answer = connection.send(&request).await.unwrap();
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        sent += 1;
    }
    sent
}
