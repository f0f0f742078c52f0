//! Files on their way in: how much memory the server takes while many of the largest arrive at once, and while photographs are drawn anew.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Connection, Request, request};
use crate::rows;
use crate::world::World;

/// Files that arrive at the same time, each on a connection of its own.
const CONNECTIONS: usize = 8;
/// How many each connection sends, one after the other.
const EACH: usize = 4;
/// A photograph as a telephone takes it: twelve million pixels.
const PHOTOGRAPH: (u32, u32) = (4_000, 3_000);

/// Measures it and prints a table of its own.
pub(crate) fn measure(world: &World) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "\n| upload | files | MB/s | memory before, MB | at most | afterwards | if they were held whole |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    let paper = pdf(world.document_bytes_max);
    let papers = runtime.block_on(verifications(world, &paper));
    arrive(world, &runtime, "papers", paper.len(), papers);
    let document = pdf(world.attachment_bytes_max);
    let documents = runtime.block_on(jobs(world, &document));
    arrive(world, &runtime, "documents of jobs", document.len(), documents);
    let photograph = testing::pictures::photograph(PHOTOGRAPH.0, PHOTOGRAPH.1);
    let photographs = runtime.block_on(jobs(world, &photograph));
    arrive(world, &runtime, "photographs of 12 million pixels", photograph.len(), photographs);
}

fn arrive(
    world: &World,
    runtime: &tokio::runtime::Runtime,
    what: &str,
    bytes: usize,
    requests: Vec<Request>,
) {
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
        "| {what}, {:.1} MB each on {CONNECTIONS} connections | {sent} | {:.1} | {before} | {peak} | {} | {} more |",
        bytes as f64 / 1e6,
        (sent * bytes) as f64 / 1e6 / took.as_secs_f64(),
        world.server.memory_mb(),
        CONNECTIONS * bytes / 1_000_000,
    );
}

/// The largest document of these that is taken.
fn pdf(bytes: u64) -> Vec<u8> {
    let mut document = b"%PDF-1.7\n".to_vec();
    document.resize(usize::try_from(bytes).unwrap(), b'x');
    document
}

/// A verification of each contractor to add the document to, and the request that does it.
async fn verifications(world: &World, document: &[u8]) -> Vec<Request> {
    let credential = |number: &str| json!({ "number": number, "holder": "Bench Building", "place": "Texas", "timeZone": "America/Chicago", "expiresOn": "2099-12-31" });
    let form = json!({ "licences": [credential("TX-48813")], "insurance": credential("POL-90417") });
    let mut requests = Vec::new();
    for contractor in world.contractors.iter().take(CONNECTIONS) {
        let token = rows::token(contractor);
        let id = made(world, &token, "/api/contractors/verification", &form).await;
        requests.push(upload(&format!("/api/contractors/verification/{id}/documents"), &token, document));
    }
    requests
}

/// A job to attach the file to for each connection, and the request that does it.
async fn jobs(world: &World, file: &[u8]) -> Vec<Request> {
    let token = rows::token(&world.homeowner);
    let form = json!({
        "title": "Tile the bathroom", "description": "Floor and walls.", "category": "tiling", "skills": [],
        "address": { "street": "12 Oak Street", "city": "Austin", "region": "TX", "country": "US" },
    });
    let mut requests = Vec::new();
    for _ in 0..CONNECTIONS {
        let id = made(world, &token, "/api/jobs", &form).await;
        requests.push(upload(&format!("/api/jobs/{id}/attachments"), &token, file));
    }
    requests
}

/// The id of what is made of this form.
async fn made(world: &World, token: &str, path: &str, form: &Value) -> String {
    let mut connection = Connection::open(&world.server.address).await.unwrap();
    let answer = connection.send(&request("POST", path, Some(token), None, Some(form))).await.unwrap();
    let told = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 201, "{told}");
    let made: Value = serde_json::from_str(&told).unwrap();
    made["id"].as_str().unwrap().to_owned()
}

fn upload(path: &str, token: &str, file: &[u8]) -> Request {
    let mut upload = format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {}\r\n\r\n",
        file.len()
    )
    .into_bytes();
    upload.extend_from_slice(file);
    upload
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
