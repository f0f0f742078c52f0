//! A job from bid to release with no server: the domain crates over a Postgres of their own. `cargo run -p platform --example bid_to_release`
#![expect(clippy::print_stdout, reason = "an example shows what comes of it")]

use std::error::Error;

use chrono::NaiveDate;
use contracts::{AcceptBid, MilestoneRef, SignContract};
use escrow::provider::PaymentMethod;
use escrow::{Deposit, NewEscrow, PaymentId, Release};
use identity::{Caller, CredentialForm, Decision, Registration, RegistrationForm, Secrets, VerificationForm};
use kernel::{Actor, Limit};
use marketplace::{Address, BidParts, Budget, Category, Description, NewBid, NewJob, Title};
use platform::{Local, Settings};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let product = Local::open(home.path(), Secrets::random(), Settings::default())?;
    let to = product.commands();
    let (ada, bob) = (register(&product, "Ada", "homeowner")?, register(&product, "Bob", "contractor")?);
    let submitted = to.identity.submit_verification(bob.contractor()?, papers()?)?;
    let operator = Actor::system("example");
    to.identity.decide_verification(operator.admin()?, submitted.id, Decision::Approve { note: None })?;

    let title = Title::new("Paint the fence")?;
    let description = Description::new("Forty feet of cedar, both sides, two coats.")?;
    let place = Address::new("1204 Willow Creek Drive", "Austin", "US")?;
    let budget = Budget::new(None, Some(150_000))?;
    let posting = NewJob::new(title, description, Category::new("painting")?, place, budget);
    let job = to.marketplace.post_job(ada.homeowner()?, posting)?.job;
    let parts = BidParts::in_stages(&[("First coat", 60_000), ("Second coat", 40_000)]).checked()?;
    let bid = NewBid { job_id: job.id, currency: None, parts };
    let bid = to.marketplace.submit_bid(bob.contractor()?, bid)?;

    let award = AcceptBid { bid: bid.id, revision: None, inspection_days: None };
    let contract = to.contracts.accept_bid(ada.homeowner()?, &award)?;
    let id = contract.contract.id;
    let signature = SignContract::of(id, contract.document_sha256);
    to.contracts.sign(&ada, &signature)?;
    to.contracts.sign(&bob, &signature)?;
    let account = to.escrow.create_escrow(ada.homeowner()?, NewEscrow { contract_id: id })?;
    let card = PaymentMethod::new("pm_card_visa")?;
    to.escrow
        .deposit(ada.homeowner()?, Deposit::new(PaymentId::new(), account.id, None, None, Some(card))?)?;

    for milestone in to.contracts.list_milestones(&ada, id, Limit::default(), None)?.items {
        let at = MilestoneRef { contract: id, milestone: milestone.milestone.id, if_version: None };
        to.contracts.start_milestone(bob.contractor()?, &at)?;
        to.contracts.submit_milestone(bob.contractor()?, &at)?;
        to.contracts.approve_milestone(ada.homeowner()?, &at)?;
        let released = to.escrow.release_milestone(&ada, Release::new(account.id, at.milestone, None)?)?;
        println!("{}: {} released, fee {}", milestone.milestone.title, released.amount, released.fee);
    }
    let ran = outbox::run_due(product.db(), &product.registry())?;
    println!(
        "{ran} tasks ran: Bob is paid out, and mail for both lies in {}",
        home.path().join("mail").display()
    );
    for line in to.escrow.trial_balance(operator.admin()?)?.lines {
        println!(
            "{:<20} debit {:>7} credit {:>7} {}",
            line.kind.as_str(),
            line.debit,
            line.credit,
            line.currency
        );
    }
    Ok(())
}

/// Somebody new, signed in, whose address is known to be theirs.
fn register(product: &Local, name: &str, user_type: &str) -> Result<Actor, Box<dyn Error>> {
    let identity = &product.commands().identity;
    let form = RegistrationForm {
        email: format!("{}@example.com", name.to_lowercase()),
        password: "violet-mural-97-kestrel".into(),
        user_type: user_type.to_owned(),
        name: Some(name.to_owned()),
        phone: None,
        time_zone: None,
    };
    let caller = Caller {
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        request_id: "example".to_owned(),
        user_agent: None,
    };
    let registration = Registration::new(&form, &identity.password_policy())?;
    let entered = identity.register(&caller, registration)?;
    identity.vouch_for_email(entered.person.id)?;
    Ok(Actor::person(entered.person.id, entered.person.role, entered.session, true, "example"))
}

/// A licence and an insurance that hold for long.
fn papers() -> Result<identity::VerificationSubmission, Box<dyn Error>> {
    let credential = |number: &str| CredentialForm {
        trade: None,
        number: number.to_owned(),
        holder: "Bob".to_owned(),
        place: "Texas".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        expires_on: NaiveDate::from_ymd_opt(2099, 12, 31).unwrap_or_default(),
    };
    let form =
        VerificationForm { licences: vec![credential("TX-48813")], insurance: credential("POL-90417") };
    Ok(identity::VerificationSubmission::new(&form, &Settings::default().identity)?)
}
