//! A job is posted, found, bid for and awarded.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client::{Answer, Person, new_key, number_at, text_at};
use super::people::{Cast, find};
use super::teller::{Step, Teller, amount};
use super::{WalkError, promised};

const TITLE: &str = "Rebuild the back stairs";
/// Of a receipt or a hash, what a person compares at a glance.
const GLANCE: usize = 12;

/// The bids of the walk, `bid_…`.
pub(super) struct Bids {
    winning: Answer,
    losing: Answer,
}

/// The homeowner posts a job; a contractor finds it, and sees where about it is, not where.
pub(super) fn post(cast: &Cast, teller: &mut Teller<'_>) -> Result<String, WalkError> {
    let owner = &cast.homeowner;
    let draft = owner.post("/api/jobs", job(TITLE, "on_arrival", "DRAFT"), 201)?;
    let what = format!("writes “{TITLE}”, up to {}", amount(draft.number("/budgetMax")?, "USD"));
    teller.step(Step::new(&owner.name, what).made("job", draft.text("/status")?));
    let id = draft.text("/id")?;
    let open = owner.post(&format!("/api/jobs/{id}/publish"), json!({}), 200)?;
    let deadline = open.text("/biddingDeadline")?;
    let day = deadline.split('T').next().unwrap_or_default();
    teller.step(Step::new(&owner.name, format!("publishes it; bids until {day}")).turned(
        "job",
        draft.text("/status")?,
        open.text("/status")?,
    ));
    let list = cast.winner.get("/api/jobs?category=carpentry&limit=100")?;
    find(list.list("/data")?, "/id", &id)?;
    let seen = cast.winner.get(&format!("/api/jobs/{id}"))?;
    promised(!seen.body.to_string().contains("Willow Creek"), "a contractor sees the street of an open job")?;
    let what = format!("finds it: in {}, the street is not told", seen.text("/area/city")?);
    teller.step(Step::new(&cast.winner.name, what));
    Ok(id)
}

/// Two contractors bid, and neither learns of the other.
pub(super) fn bid(cast: &Cast, job: &str, teller: &mut Teller<'_>) -> Result<Bids, WalkError> {
    let parts = json!([
        { "title": "Take down, footings", "amount": 180_000 },
        { "title": "Stringers and treads", "amount": 150_000 },
        { "title": "Railing and oil", "amount": 90_000 },
    ]);
    let form = json!({
        "jobId": job, "amount": 420_000, "milestones": parts, "durationDays": 12,
        "terms": "Cedar throughout. The yard is swept every evening.",
    });
    let winning = cast.winner.post("/api/bids", form, 201)?;
    tell_bid(&cast.winner, &winning, "bids", teller)?;
    let form = json!({ "jobId": job, "amount": 465_000, "durationDays": 9 });
    let first = cast.rival.post("/api/bids", form, 201)?;
    tell_bid(&cast.rival, &first, "bids", teller)?;
    let path = format!("/api/bids/{job}");
    let own = cast.rival.get(&path)?;
    let own_only = own
        .list("/data")?
        .iter()
        .all(|bid| text_at(bid, "/contractorId").is_ok_and(|id| id == cast.rival.party));
    promised(own_only, "a contractor sees a rival's bid")?;
    let what = format!("asks for the bids of the job and sees {}: her own", own.list("/data")?.len());
    teller.step(Step::new(&cast.rival.name, what));
    let path = format!("/api/bids/{}", first.text("/id")?);
    let losing = cast.rival.patch(&path, json!({ "amount": 439_000 }))?;
    tell_bid(&cast.rival, &losing, "thinks again and bids", teller)?;
    Ok(Bids { winning, losing })
}

/// The homeowner compares, checks the receipts and accepts one bid; that declines the other and makes the contract.
pub(super) fn accept(
    cast: &Cast,
    job: &str,
    bids: &Bids,
    teller: &mut Teller<'_>,
) -> Result<String, WalkError> {
    let owner = &cast.homeowner;
    let seen = owner.get(&format!("/api/bids/{job}"))?;
    let seen = seen.list("/data")?;
    for bid in [&bids.winning, &bids.losing] {
        let found = find(seen, "/id", &bid.text("/id")?)?;
        promised(receipt(found)? == bid.text("/receipt")?, "a bid is not what its receipt says")?;
    }
    let what = format!("compares {} bids; their receipts prove that none was changed", seen.len());
    teller.step(Step::new(&owner.name, what));
    let before = state(owner, job)?;
    let bid = bids.winning.text("/id")?;
    let revision = bids.winning.number("/revision")?;
    let contract = owner.post(&format!("/api/bids/{bid}/accept"), json!({ "revision": revision }), 201)?;
    let what = format!("accepts {}'s bid", cast.winner.name);
    teller.step(Step::new(&owner.name, what).turned("job", before, state(owner, job)?));
    for (person, bid) in [(&cast.winner, &bids.winning), (&cast.rival, &bids.losing)] {
        let mine = person.get("/api/bids/mine?limit=100")?;
        let after = find(mine.list("/data")?, "/id", &bid.text("/id")?)?;
        let (result, count) = (text_at(after, "/outcome/result")?, number_at(after, "/outcome/bids")?);
        let what = format!("hears the outcome: {}, of {count} bids", result.to_lowercase());
        teller.step(Step::new(&person.name, what).turned(
            "bid",
            bid.text("/status")?,
            text_at(after, "/status")?,
        ));
    }
    let seen = cast.winner.get(&format!("/api/jobs/{job}"))?;
    let what = format!("sees the address now: {}", seen.text("/address/street")?);
    teller.step(Step::new(&cast.winner.name, what).made("contract", contract.text("/status")?));
    contract.text("/id")
}

/// A job whose bids not even its owner sees before the deadline; called off in the end.
pub(super) fn sealed(cast: &Cast, teller: &mut Teller<'_>) -> Result<(), WalkError> {
    let owner = &cast.homeowner;
    let job = owner.post("/api/jobs", job("Oil the front porch", "at_close", "OPEN"), 201)?;
    let id = job.text("/id")?;
    let what = "posts a job whose bids are revealed at the deadline, all at once";
    teller.step(Step::new(&owner.name, what).made("job", job.text("/status")?));
    let bid = cast.rival.post("/api/bids", json!({ "jobId": id, "amount": 52_000 }), 201)?;
    tell_bid(&cast.rival, &bid, "bids", teller)?;
    let refused = owner.ask(Method::GET, &format!("/api/bids/{id}"), None, 409)?;
    let what = format!("asks for the bids too early: refused, {}", refused.text("/code")?);
    teller.step(Step::new(&owner.name, what));
    let after = owner.send(&Method::DELETE, &format!("/api/jobs/{id}"), None, &new_key())?;
    teller.step(Step::new(&owner.name, "calls that job off").turned(
        "job",
        job.text("/status")?,
        after.text("/status")?,
    ));
    Ok(())
}

/// The state of a job.
pub(super) fn state(person: &Person, job: &str) -> Result<String, WalkError> {
    person.get(&format!("/api/jobs/{job}"))?.text("/status")
}

fn tell_bid(by: &Person, bid: &Answer, verb: &str, teller: &mut Teller<'_>) -> Result<(), WalkError> {
    let price = amount(bid.number("/amount")?, &bid.text("/currency")?);
    let receipt = bid.text("/receipt")?;
    let receipt = receipt.get(..GLANCE).unwrap_or(&receipt);
    teller.step(
        Step::new(&by.name, format!("{verb} {price}; receipt {receipt}…")).made("bid", bid.text("/status")?),
    );
    Ok(())
}

/// What a bid's receipt has to be, from the text and the salt that are shown once bids are revealed.
fn receipt(bid: &Value) -> Result<String, WalkError> {
    let (canonical, salt) = (text_at(bid, "/proof/canonical")?, text_at(bid, "/proof/salt")?);
    Ok(sha256(&format!("{canonical}{salt}")))
}

/// In hexadecimal, as the API writes it.
pub(super) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn job(title: &str, reveal: &str, status: &str) -> Value {
    json!({
        "title": title,
        "description": "Seven steps, cedar, the old ones are rotten. There is access from the side.",
        "category": "carpentry",
        "budgetMax": 500_000,
        "currency": "USD",
        "reveal": reveal,
        "status": status,
        "address": {
            "street": "1204 Willow Creek Drive", "city": "Austin", "region": "TX", "postalCode": "78741", "country": "US",
            "point": { "lat": 30.2291, "lng": -97.7197 },
        },
    })
}
