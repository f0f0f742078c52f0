//! The milestones are worked on, inspected, approved and released, and the contractor is paid.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Answer, Person, new_key, number_at, text_at, wait_for};
use super::contract::HELD;
use super::people::Cast;
use super::teller::{Step, Teller, amount};
use super::{Walk, WalkError, promised};

/// What the contractor has earned and not been paid yet.
const PAYABLE: &str = "the contractor, to be paid out";
/// What has arrived.
const PAID_OUT: &str = "the contractor's bank account";
/// What the platform keeps.
const FEE: &str = "the platform's fee";

/// A milestone and who works on it.
struct Site<'a> {
    cast: &'a Cast,
    path: String,
    release_path: String,
    id: String,
    title: String,
    amount: i64,
    currency: String,
}

/// Three milestones: one sent back before it is approved, one released in two parts, one released by the contractor.
pub(super) fn carry_out(
    walk: &Walk,
    cast: &Cast,
    contract: &str,
    escrow: &str,
    teller: &mut Teller<'_>,
) -> Result<(), WalkError> {
    let listed = cast.homeowner.get(&format!("/api/contracts/{contract}/milestones"))?;
    let sites = listed.list("/data")?.iter().map(|milestone| site(cast, contract, escrow, milestone));
    let sites = sites.collect::<Result<Vec<_>, _>>()?;
    let [first, second, third] = sites.as_slice() else {
        return Err(WalkError::Broken(format!("the contract has {} milestones, of three", sites.len())));
    };
    first.work("start", "starts on", teller)?;
    first.work("submit", "hands over", teller)?;
    first.send_back(teller)?;
    first.work("submit", "mends the footing and hands over", teller)?;
    first.too_early(teller)?;
    first.approve(teller)?;
    first.release(&cast.homeowner, None, teller)?;
    first.once_more(teller)?;
    let already = pay_out(walk, cast, contract, (&first.currency, 0), teller)?;

    second.work("start", "starts on", teller)?;
    second.work("submit", "hands over", teller)?;
    second.approve(teller)?;
    let first_part = second.release(&cast.homeowner, Some(60_000), teller)?;
    let rest = second.release(&cast.homeowner, None, teller)?;
    let rate = cast.winner.get(&format!("/api/contracts/{contract}"))?.number("/terms/feeBasisPoints")?;
    let fee_of_whole = (second.amount * rate + 5_000) / 10_000;
    promised(first_part + rest == fee_of_whole, "the fees of the parts are not the fee of the whole")?;

    third.work("start", "starts on", teller)?;
    third.work("submit", "hands over", teller)?;
    third.approve(teller)?;
    third.release(&cast.winner, None, teller)?;
    pay_out(walk, cast, contract, (&third.currency, already), teller)?;
    Ok(())
}

fn site<'a>(cast: &'a Cast, contract: &str, escrow: &str, milestone: &Value) -> Result<Site<'a>, WalkError> {
    let id = text_at(milestone, "/id")?;
    Ok(Site {
        cast,
        path: format!("/api/contracts/{contract}/milestones/{id}"),
        release_path: format!("/api/payments/escrow/{escrow}/release/milestone"),
        title: text_at(milestone, "/title")?,
        amount: number_at(milestone, "/targetAmount")?,
        currency: text_at(milestone, "/currency")?,
        id,
    })
}

impl Site<'_> {
    /// The contractor starts or hands over.
    fn work(&self, action: &str, verb: &str, teller: &mut Teller<'_>) -> Result<(), WalkError> {
        let contractor = &self.cast.winner;
        let before = self.state()?;
        let after = contractor.patch(&self.path, json!({ "action": action }))?;
        let what = format!("{verb} “{}”", self.title);
        teller.step(Step::new(&contractor.name, what).turned("milestone", before, after.text("/status")?));
        Ok(())
    }

    fn send_back(&self, teller: &mut Teller<'_>) -> Result<(), WalkError> {
        let before = self.state()?;
        let request = json!({ "action": "request_changes", "reason": "One footing is not level." });
        let after = self.inspect(request)?;
        let what = format!("asks for changes: {}", after.text("/changesRequested/reason")?);
        teller.step(Step::new(&self.cast.homeowner.name, what).turned(
            "milestone",
            before,
            after.text("/status")?,
        ));
        Ok(())
    }

    fn approve(&self, teller: &mut Teller<'_>) -> Result<(), WalkError> {
        let before = self.state()?;
        let after = self.inspect(json!({}))?;
        let what = format!("approves “{}”; no money moves by that", self.title);
        teller.step(Step::new(&self.cast.homeowner.name, what).turned(
            "milestone",
            before,
            after.text("/status")?,
        ));
        Ok(())
    }

    fn inspect(&self, request: Value) -> Result<Answer, WalkError> {
        self.cast.homeowner.patch(&format!("{}/complete", self.path), request)
    }

    /// The contractor tries to take the money of what is not approved.
    fn too_early(&self, teller: &mut Teller<'_>) -> Result<(), WalkError> {
        let contractor = &self.cast.winner;
        let form = json!({ "milestoneId": self.id });
        let refused = contractor.ask(Method::POST, &self.release_path, Some(form), 409)?;
        let what = format!("tries to release it before it is approved: refused, {}", refused.text("/code")?);
        teller.step(Step::new(&contractor.name, what).made("milestone", self.state()?));
        Ok(())
    }

    /// Releases all or a part; gives the fee.
    fn release(&self, by: &Person, part: Option<i64>, teller: &mut Teller<'_>) -> Result<i64, WalkError> {
        let before = self.state()?;
        let mut form = json!({ "milestoneId": self.id });
        if let (Some(part), Some(fields)) = (part, form.as_object_mut()) {
            fields.insert("amount".to_owned(), part.into());
        }
        let released = by.post(&self.release_path, form, 200)?;
        let (sum, fee) = (released.number("/amount")?, released.number("/feeAmount")?);
        let share = released.number("/shareAmount")?;
        promised(share + fee == sum, "the share and the fee are not what was released")?;
        let shown = amount(sum, &self.currency);
        let what = match released.number("/remainingAmount")? {
            0 => format!("releases {shown} of “{}”", self.title),
            left => format!("releases {shown} of “{}”, {} stay", self.title, amount(left, &self.currency)),
        };
        teller.step(
            Step::new(&by.name, what)
                .turned("milestone", before, self.state()?)
                .moved(&self.currency, &[(HELD, -sum), (PAYABLE, share), (FEE, fee)]),
        );
        Ok(fee)
    }

    /// What was released cannot be released again.
    fn once_more(&self, teller: &mut Teller<'_>) -> Result<(), WalkError> {
        let owner = &self.cast.homeowner;
        let form = json!({ "milestoneId": self.id });
        let refused = owner.send(&Method::POST, &self.release_path, Some(&form), &new_key())?;
        promised(refused.status == 409, "a milestone was released twice")?;
        let what = format!("tries to release it a second time: refused, {}", refused.text("/code")?);
        teller.step(Step::new(&owner.name, what).made("milestone", self.state()?));
        Ok(())
    }

    fn state(&self) -> Result<String, WalkError> {
        let (contract, _) = self.path.split_at(self.path.rfind('/').unwrap_or_default());
        let listed = self.cast.homeowner.get(contract)?;
        text_at(super::people::find(listed.list("/data")?, "/id", &self.id)?, "/status")
    }
}

/// Waits until all that was released has been paid out at the provider; gives how much that is by now. `already` was told before.
fn pay_out(
    walk: &Walk,
    cast: &Cast,
    contract: &str,
    (currency, already): (&str, i64),
    teller: &mut Teller<'_>,
) -> Result<i64, WalkError> {
    let path = format!("/api/payments/contract/{contract}/summary");
    let paid = wait_for("the payouts", walk.patience, || {
        let summary = cast.winner.get(&path)?;
        let payouts = summary.list("/payouts")?;
        let all = payouts.iter().all(|payout| text_at(payout, "/status").is_ok_and(|state| state == "PAID"));
        Ok((all && !payouts.is_empty()).then_some(summary))
    })?;
    let total = paid.number("/paidOutAmount")?;
    let now = total - already;
    let what = format!("is paid {} by the provider", amount(now, currency));
    let step = Step::new(&cast.winner.name, what).turned("payout", "PENDING", "PAID");
    teller.step(step.moved(currency, &[(PAYABLE, -now), (PAID_OUT, now)]));
    Ok(total)
}
