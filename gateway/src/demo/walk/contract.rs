//! The contract is signed by both, and paid for.

use reqwest::Method;
use serde_json::json;

use super::bidding::sha256;
use super::client::new_key;
use super::people::Cast;
use super::teller::{Step, Teller, amount};
use super::{WalkError, promised};

/// A card that is declined, and one that works, in the manner of Stripe's test cards.
const DECLINED: &str = "pm_card_chargeDeclined";
const GOOD: &str = "pm_card_visa";

/// Both sign the text that they read, by its hash.
pub(super) fn sign(cast: &Cast, contract: &str, teller: &mut Teller<'_>) -> Result<(), WalkError> {
    let path = format!("/api/contracts/{contract}");
    for person in [&cast.winner, &cast.homeowner] {
        let before = person.get(&path)?.text("/status")?;
        let document = person.get(&format!("{path}/document"))?;
        let hash = sha256(&document.text("/text")?);
        promised(hash == document.text("/sha256")?, "the text is not that of its hash")?;
        let signed = person.post(&format!("{path}/sign"), json!({ "documentSha256": hash }), 200)?;
        let glance = hash.get(..12).unwrap_or(&hash);
        let what = format!("reads the contract and signs the text with the hash {glance}…");
        teller.step(Step::new(&person.name, what).turned("contract", before, signed.text("/status")?));
    }
    Ok(())
}

/// The homeowner pays for every milestone, at the second try; gives the escrow account, `esc_…`.
pub(super) fn fund(cast: &Cast, contract: &str, teller: &mut Teller<'_>) -> Result<String, WalkError> {
    let owner = &cast.homeowner;
    let opened = owner.post("/api/payments/escrow/create", json!({ "contractId": contract }), 201)?;
    let (id, currency) = (opened.text("/id")?, opened.text("/currency")?);
    let what = format!("opens the account that holds {}", amount(opened.number("/totalAmount")?, &currency));
    teller.step(Step::new(&owner.name, what).made("account", opened.text("/status")?));
    let path = format!("/api/payments/escrow/{id}/deposit");
    let failed = owner.post(&path, json!({ "paymentMethod": DECLINED }), 201)?;
    let what = format!("pays with a card that is refused: {}", failed.text("/payment/failureCode")?);
    teller.step(Step::new(&owner.name, what).made("payment", failed.text("/payment/status")?));
    let (key, form) = (new_key(), json!({ "paymentMethod": GOOD }));
    let before = statuses(cast, contract)?;
    let paid = owner.send(&Method::POST, &path, Some(&form), &key)?;
    let payment = paid.text("/payment/status")?;
    promised(payment == "SUCCEEDED", "a good card's payment did not succeed")?;
    let sum = paid.number("/payment/amount")?;
    teller.step(
        Step::new(&owner.name, "pays with another one; the provider is asked whether it is true")
            .made("payment", payment)
            .moved(&currency, &[(CARD, -sum), (HELD, sum)]),
    );
    let again = owner.send(&Method::POST, &path, Some(&form), &key)?;
    promised(again.replayed && again.body == paid.body, "a repeated payment is not answered as the first")?;
    teller.step(Step::new(&owner.name, "sends the same request again: the same answer, nothing is charged"));
    teller.step(Step::new("", "the money is there, and work can begin").turned(
        "milestones",
        before,
        statuses(cast, contract)?,
    ));
    Ok(id)
}

/// Where money comes from.
pub(super) const CARD: &str = "the homeowner's card";
/// Where it waits.
pub(super) const HELD: &str = "held for the milestones";

/// The states of a contract's milestones; one word where all are the same.
fn statuses(cast: &Cast, contract: &str) -> Result<String, WalkError> {
    let milestones = cast.homeowner.get(&format!("/api/contracts/{contract}/milestones"))?;
    let mut states = Vec::new();
    for milestone in milestones.list("/data")? {
        states.push(super::client::text_at(milestone, "/status")?);
    }
    states.dedup();
    Ok(states.join(", "))
}
