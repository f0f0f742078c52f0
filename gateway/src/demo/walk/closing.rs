//! The end of a job: completion, reviews, who was told, and the books.

use serde_json::{Value, json};

use super::bidding;
use super::client::{Answer, Person, text_at, wait_for};
use super::people::{Cast, find};
use super::teller::{Step, Teller};
use super::{Walk, WalkError, mail, promised};

/// So many looks in a row have to find the same.
const QUIET_LOOKS: u32 = 4;

/// The last release has completed the contract and the job.
pub(super) fn completed(
    cast: &Cast,
    job: &str,
    contract: &str,
    teller: &mut Teller<'_>,
) -> Result<(), WalkError> {
    let after = cast.homeowner.get(&format!("/api/contracts/{contract}"))?.text("/status")?;
    teller.step(Step::new("", "the last release completes the contract").turned("contract", "ACTIVE", after));
    let after = bidding::state(&cast.homeowner, job)?;
    teller.step(Step::new("", "and with it the job").turned("job", "IN_PROGRESS", after));
    Ok(())
}

/// Both review; neither sees the other's before both are in.
pub(super) fn review(cast: &Cast, contract: &str, teller: &mut Teller<'_>) -> Result<(), WalkError> {
    let stars = |rating: i64, text: &str| {
        json!({
            "contractId": contract, "rating": rating, "quality": rating, "timeliness": 4,
            "communication": rating, "text": text,
        })
    };
    let about_winner = format!("/api/contractors/{}/reviews?limit=100", cast.winner.party);
    let first = cast.homeowner.post("/api/reviews", stars(5, "Level, square, on time."), 201)?;
    teller.step(Step::new(&cast.homeowner.name, "gives five stars").made("review", first.text("/status")?));
    let id = first.text("/id")?;
    let hidden = find(cast.winner.get(&about_winner)?.list("/data")?, "/id", &id).is_err();
    promised(hidden, "a review is seen before both are in")?;
    teller.step(Step::new(&cast.winner.name, "looks for it: not to be seen yet").made("review", "HIDDEN"));
    let second = cast.winner.post("/api/reviews", stars(4, "Clear about what she wanted."), 201)?;
    teller.step(Step::new(&cast.winner.name, "gives four stars").made("review", second.text("/status")?));
    let published = cast.winner.get(&about_winner)?;
    let after = text_at(find(published.list("/data")?, "/id", &id)?, "/status")?;
    let what =
        format!("both are in; reviews of {}: {}", cast.winner.name, published.number("/summary/count")?);
    teller.step(Step::new("", what).turned("review", first.text("/status")?, after));
    Ok(())
}

/// What stands in each inbox, and what was mailed.
pub(super) fn told(walk: &Walk, cast: &Cast, teller: &mut Teller<'_>) -> Result<(), WalkError> {
    for person in [&cast.homeowner, &cast.winner, &cast.rival] {
        let inbox = quiet_inbox(walk, person)?;
        let mails = match &walk.mail {
            Some(folder) => format!(" and {} mails", mail::count(folder, &person.email)?),
            None => String::new(),
        };
        let what = format!(
            "has {} notifications{mails}; the newest: {}",
            inbox.list("/data")?.len(),
            newest(&inbox)?
        );
        teller.step(Step::new(&person.name, what));
    }
    Ok(())
}

/// An inbox to which nothing came for a moment: what happened last reaches it by itself, and not at once.
fn quiet_inbox(walk: &Walk, person: &Person) -> Result<Answer, WalkError> {
    let (mut last, mut looks) = (0, 0);
    wait_for("notifications", walk.patience, || {
        let inbox = person.get("/api/notifications?limit=100")?;
        let count = inbox.list("/data")?.len();
        looks = if count == last { looks + 1 } else { 0 };
        last = count;
        Ok((count > 0 && looks >= QUIET_LOOKS).then_some(inbox))
    })
}

fn newest(inbox: &Answer) -> Result<String, WalkError> {
    let newest =
        inbox.list("/data")?.first().ok_or_else(|| WalkError::Broken("an inbox is empty".to_owned()))?;
    text_at(newest, "/title")
}

/// The administrator reads the books, and they balance.
pub(super) fn books(cast: &Cast, teller: &mut Teller<'_>) -> Result<Value, WalkError> {
    let admin: &Person = &cast.admin;
    let books = admin.get("/api/admin/ledger/trial-balance")?;
    teller.step(Step::new(&admin.name, "reads the trial balance of everything in this installation"));
    teller.books(&books.body)?;
    promised(books.body.pointer("/balanced") == Some(&Value::Bool(true)), "the books do not balance")?;
    Ok(books.body)
}
