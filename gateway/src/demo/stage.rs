//! People and what they do, in one call each: over the services, as every other front of the product. The demo and the tests' builders
//! stand on it, so neither writes a row by itself.

use std::sync::Arc;

use chrono::NaiveDate;
use contracts::{
    AcceptBid, ContractId, ContractView, ContractsService, MilestoneId, MilestoneRef, MilestoneView, Reason,
    RequestChanges, SignContract,
};
use escrow::provider::PaymentMethod;
use escrow::{
    Confirm, Deposit, Escrow, EscrowId, NewEscrow, PaymentId, PaymentStatus, Release, ReleaseOutcome,
};
use files::{Delivery, FileName};
use identity::{
    CredentialForm, Decision, Login, NewAdmin, ProfileForm, ProfilePatch, Registration, RegistrationForm,
    SignedIn, VerificationForm, VerificationSubmission,
};
use kernel::{Actor, Instant, Limit, PartyId, PersonId, Role};
use marketplace::{
    Address, BidDetail, BidId, BidParts, Budget, Category, Country, Description, JobChange, JobDetail, JobId,
    NewBid, NewJob, NewReview, PageRequest, Place, PublishAs, Reveal, Skills, Stars, Title, Urgency,
};
use platform::{Commands, Platform};
use secrecy::SecretString;

use crate::command::operator;

/// What did not work, in words; the cast is ours, so every failure is one of the program.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct StageError {
    what: &'static str,
    why: String,
}

impl StageError {
    /// Somebody or something that should be there is not.
    pub(super) fn missing(what: &'static str) -> Self {
        Self { what, why: "is missing".to_owned() }
    }
}

pub(super) fn told<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> StageError {
    move |error| StageError { what, why: error.to_string() }
}

/// Whom to put on the stage.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Full name.
    pub name: &'a str,
    /// With what they sign in.
    pub email: &'a str,
    /// With what they sign in.
    pub password: &'a str,
    /// What they are.
    pub role: Role,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Player {
    /// Who.
    pub person: PersonId,
    /// As whom they own things.
    pub party: PartyId,
    /// As services see them.
    pub actor: Actor,
    /// Their session.
    pub signed_in: SignedIn,
}

/// A job to post: what the stage does not care about has a likely value.
#[derive(Debug, Clone, Copy)]
pub struct Posting<'a> {
    /// What it is called.
    pub title: &'a str,
    /// What is to be done.
    pub description: &'a str,
    /// The trade's slug.
    pub category: &'a str,
    /// The most that it may cost, in minor units.
    pub budget_max: i64,
    /// When bids are seen.
    pub reveal: Reveal,
    /// Draft or open.
    pub publish_as: PublishAs,
    /// When bidding ends; the marketplace's own time when it is not said.
    pub bidding_deadline: Option<Instant>,
}

/// The services, for a cast.
#[derive(Clone)]
pub struct Stage {
    commands: Commands,
    settings: platform::Settings,
}

impl Stage {
    /// A stage over this platform, whose settings these are.
    #[must_use]
    pub fn new(platform: &Platform, settings: platform::Settings) -> Self {
        Self { commands: platform.commands().clone(), settings }
    }

    /// The same stage where whoever accepts a bid has no time left to sign: to see what becomes of such a contract.
    pub(super) fn without_time_to_sign(&self, platform: &Platform, settings: platform::Settings) -> Self {
        let settings = contracts::Settings { signing_days: 0, ..settings.contracts };
        let contracts = ContractsService::new(platform.db().clone(), platform.vault().clone(), settings);
        Self {
            commands: Commands { contracts: Arc::new(contracts), ..self.commands.clone() },
            ..self.clone()
        }
    }

    /// Every service.
    pub(super) const fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Registers somebody whose address is known to be theirs; an administrator is made instead.
    ///
    /// # Errors
    /// [`StageError`], also when the address is in use.
    pub fn enter(&self, part: &Part<'_>) -> Result<Player, StageError> {
        let identity = &self.commands.identity;
        let password = SecretString::from(part.password);
        let policy = identity.password_policy();
        if part.role == Role::Admin {
            let admin = NewAdmin::new(part.email, &password, Some(part.name), &policy)
                .map_err(told("an administrator"))?;
            identity.create_admin(&operator(), admin).map_err(told("an administrator"))?;
            return self.sign_in(part);
        }
        let form = RegistrationForm {
            email: part.email.to_owned(),
            password,
            user_type: part.role.as_str().to_owned(),
            name: Some(part.name.to_owned()),
            phone: None,
            time_zone: Some("America/Chicago".to_owned()),
        };
        let registration = Registration::new(&form, &policy).map_err(told("a registration"))?;
        let signed_in = identity.register(&operator(), registration).map_err(told("a registration"))?;
        let player = Player::new(signed_in);
        self.vouch(&player)?;
        Ok(player)
    }

    /// Takes somebody's address as theirs, without a mail.
    pub(super) fn vouch(&self, player: &Player) -> Result<(), StageError> {
        self.commands.identity.vouch_for_email(player.person).map_err(told("an address"))?;
        Ok(())
    }

    /// Signs somebody in who is there already.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn sign_in(&self, part: &Part<'_>) -> Result<Player, StageError> {
        let login = Login::new(part.email, part.password);
        let signed_in = self.commands.identity.login(&operator(), login).map_err(told("a sign-in"))?;
        signed_in.into_signed_in().map(Player::new).ok_or(StageError::missing("a second factor"))
    }

    /// Whether a contractor's licence and insurance were found good.
    pub(super) fn is_verified(&self, contractor: &Player) -> Result<bool, StageError> {
        let found = self.commands.identity.get_contractor(contractor.party);
        Ok(found.map_err(told("a contractor"))?.verified)
    }

    /// Has somebody's profile say this.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn present(&self, player: &Player, form: &ProfileForm) -> Result<(), StageError> {
        let role = player.signed_in.person.role;
        let patch = ProfilePatch::new(form, role, &self.settings.identity).map_err(told("a profile"))?;
        self.commands.identity.update_profile(&player.actor, patch).map_err(told("a profile"))?;
        Ok(())
    }

    /// Has a contractor's licence and insurance checked and found good.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn verify(&self, contractor: &Player, admin: &Actor) -> Result<(), StageError> {
        let credential = |number: &str| CredentialForm {
            trade: None,
            number: number.to_owned(),
            holder: contractor.signed_in.person.name.clone().unwrap_or_default(),
            place: "Texas".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            expires_on: NaiveDate::from_ymd_opt(2099, 12, 31).unwrap_or_default(),
        };
        let form =
            VerificationForm { licences: vec![credential("TX-48813")], insurance: credential("POL-90417") };
        let submission =
            VerificationSubmission::new(&form, &self.settings.identity).map_err(told("credentials"))?;
        let actor = contractor.actor.contractor().map_err(told("credentials"))?;
        let identity = &self.commands.identity;
        let submitted = identity.submit_verification(actor, submission).map_err(told("credentials"))?;
        let admin = admin.admin().map_err(told("a decision"))?;
        let approve = Decision::Approve { note: None };
        identity.decide_verification(admin, submitted.id, approve).map_err(told("a decision"))?;
        Ok(())
    }

    /// Posts a job.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn post(&self, homeowner: &Player, posting: &Posting<'_>) -> Result<JobDetail, StageError> {
        let job = new_job(posting).map_err(told("a job"))?;
        let actor = homeowner.actor.homeowner().map_err(told("a job"))?;
        self.commands.marketplace.post_job(actor, job).map_err(told("a job"))
    }

    /// What the files are called that are attached to a job.
    pub(super) fn attached(&self, homeowner: &Player, job: JobId) -> Result<Vec<String>, StageError> {
        let page = PageRequest { after: None, limit: Limit::new(100).unwrap_or_default() };
        let listed = self.commands.marketplace.list_job_attachments(Some(&homeowner.actor), job, page);
        let listed = listed.map_err(told("attachments"))?.items;
        Ok(listed.into_iter().map(|attachment| attachment.file.name).collect())
    }

    /// Attaches a photograph to a job: it is received and drawn anew like everybody's.
    pub(super) fn attach(
        &self,
        homeowner: &Player,
        job: JobId,
        name: &str,
        picture: &[u8],
    ) -> Result<(), StageError> {
        let Commands { files, marketplace, .. } = &self.commands;
        let actor = homeowner.actor.homeowner().map_err(told("a photograph"))?;
        let name = FileName::new(name).map_err(told("a photograph"))?;
        let plan = marketplace.plan_job_attachment(actor, job, name).map_err(told("a photograph"))?;
        let mut upload = files.begin(plan.file).map_err(told("a photograph"))?;
        upload.write(picture).map_err(told("a photograph"))?;
        let received = upload.finish().map_err(told("a photograph"))?;
        let drawn = files.draw(&received, &plan.drawing).map_err(told("a photograph"))?;
        let delivery = Delivery { received, drawn };
        marketplace.attach_to_job(actor, job, &delivery).map_err(told("a photograph"))?;
        // What came in is not kept, only what was drawn of it.
        files.discard(received.id).map_err(told("a photograph"))
    }

    /// Calls a job off, or throws a draft away.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn call_off(&self, homeowner: &Player, job: JobChange<()>) -> Result<(), StageError> {
        let actor = homeowner.actor.homeowner().map_err(told("a cancellation"))?;
        self.commands.marketplace.delete_job(actor, job).map_err(told("a cancellation"))?;
        Ok(())
    }

    /// Bids on a job; the parts of the price are milestones.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn bid(
        &self,
        contractor: &Player,
        job: JobId,
        parts: &[(&str, i64)],
    ) -> Result<BidDetail, StageError> {
        let parts = BidParts {
            amount: parts.iter().map(|(_, amount)| amount).sum(),
            lines: Vec::new(),
            milestones: parts
                .iter()
                .map(|(title, amount)| marketplace::BidMilestone {
                    title: (*title).to_owned(),
                    description: None,
                    amount: *amount,
                    due_date: None,
                })
                .collect(),
            terms: Some("Materials included. Cleaned up every evening.".to_owned()),
            start_date: None,
            duration_days: Some(14),
            valid_until: None,
        };
        let bid = NewBid { job_id: job, currency: None, parts: parts.checked().map_err(told("a bid"))? };
        let actor = contractor.actor.contractor().map_err(told("a bid"))?;
        self.commands.marketplace.submit_bid(actor, bid).map_err(told("a bid"))
    }

    /// Accepts a bid: a contract stands, to be signed.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn accept(&self, homeowner: &Player, bid: BidId) -> Result<ContractView, StageError> {
        let command = AcceptBid { bid, revision: None, inspection_days: None };
        let actor = homeowner.actor.homeowner().map_err(told("an acceptance"))?;
        self.commands.contracts.accept_bid(actor, &command).map_err(told("an acceptance"))
    }

    /// A contract as a party sees it.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn contract(&self, party: &Player, contract: ContractId) -> Result<ContractView, StageError> {
        self.commands.contracts.get_contract(&party.actor, contract).map_err(told("a contract"))
    }

    /// Signs the text as it stands.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn sign(&self, party: &Player, contract: &ContractView) -> Result<ContractView, StageError> {
        let command = SignContract {
            contract: contract.contract.id,
            document_sha256: contract.document_sha256.clone(),
            address: None,
            user_agent: None,
            if_version: None,
        };
        self.commands.contracts.sign(&party.actor, &command).map_err(told("a signature"))
    }

    /// Pays for all of an active contract that is not paid yet, with a card that works; opens its escrow account if there is none.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn fund(&self, homeowner: &Player, contract: ContractId) -> Result<EscrowId, StageError> {
        let escrow = &self.commands.escrow;
        let actor = homeowner.actor.homeowner().map_err(told("a deposit"))?;
        let summary = escrow.contract_summary(&homeowner.actor, contract).map_err(told("a deposit"))?;
        let account = match summary.escrow {
            Some(there) => there.id,
            None => {
                let new = NewEscrow { contract_id: contract };
                escrow.create_escrow(actor, new).map_err(told("a deposit"))?.id
            }
        };
        if summary.payments.iter().any(|payment| payment.status == PaymentStatus::Succeeded) {
            return Ok(account);
        }
        let card = PaymentMethod::new("pm_card_visa").map_err(told("a deposit"))?;
        let paid = match summary.payments.iter().find(|payment| payment.status.is_open()) {
            Some(open) => {
                let confirm = Confirm { payment_id: open.id, payment_method: Some(card) };
                escrow.complete_deposit(actor, confirm).map_err(told("a deposit"))?
            }
            None => {
                let deposit = Deposit::new(PaymentId::new(), account, None, None, Some(card));
                escrow.deposit(actor, deposit.map_err(told("a deposit"))?).map_err(told("a deposit"))?
            }
        };
        match paid.payment.status {
            PaymentStatus::Succeeded => Ok(account),
            other => Err(StageError { what: "a deposit", why: format!("is {other:?}") }),
        }
    }

    /// An escrow account as a party sees it.
    pub(super) fn escrow(&self, party: &Player, escrow: EscrowId) -> Result<Escrow, StageError> {
        self.commands.escrow.escrow(&party.actor, escrow).map_err(told("an escrow account"))
    }

    /// Releases what is left of an approved milestone, or a part of it.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn release(
        &self,
        party: &Player,
        escrow: EscrowId,
        milestone: MilestoneId,
        amount: Option<i64>,
    ) -> Result<ReleaseOutcome, StageError> {
        let release = Release::new(escrow, milestone, amount).map_err(told("a release"))?;
        self.commands.escrow.release_milestone(&party.actor, release).map_err(told("a release"))
    }

    /// The milestones of a contract, in their order.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn milestones(&self, party: &Player, contract: ContractId) -> Result<Vec<MilestoneRef>, StageError> {
        let limit = Limit::new(100).unwrap_or_default();
        let page = self.commands.contracts.list_milestones(&party.actor, contract, limit, None);
        let items = page.map_err(told("milestones"))?.items;
        let at =
            |view: MilestoneView| MilestoneRef { contract, milestone: view.milestone.id, if_version: None };
        Ok(items.into_iter().map(at).collect())
    }

    /// Starts work on a funded milestone.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn start(&self, contractor: &Player, at: &MilestoneRef) -> Result<MilestoneView, StageError> {
        let actor = contractor.actor.contractor().map_err(told("a start"))?;
        self.commands.contracts.start_milestone(actor, at).map_err(told("a start"))
    }

    /// Hands a milestone over.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn submit(&self, contractor: &Player, at: &MilestoneRef) -> Result<MilestoneView, StageError> {
        let actor = contractor.actor.contractor().map_err(told("a submission"))?;
        self.commands.contracts.submit_milestone(actor, at).map_err(told("a submission"))
    }

    /// Approves a milestone.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn approve(&self, homeowner: &Player, at: &MilestoneRef) -> Result<MilestoneView, StageError> {
        let actor = homeowner.actor.homeowner().map_err(told("an approval"))?;
        self.commands.contracts.approve_milestone(actor, at).map_err(told("an approval"))
    }

    /// Sends a milestone back to be changed.
    pub(super) fn send_back(
        &self,
        homeowner: &Player,
        at: &MilestoneRef,
        reason: &str,
    ) -> Result<MilestoneView, StageError> {
        let actor = homeowner.actor.homeowner().map_err(told("a request"))?;
        let reason = Reason::new(reason).map_err(told("a request"))?;
        let request = RequestChanges { milestone: *at, reason };
        self.commands.contracts.request_changes(actor, &request).map_err(told("a request"))
    }

    /// Reviews the other side of a finished contract, unless that is done.
    pub(super) fn review(&self, author: &Player, contract: ContractId, stars: i64) -> Result<(), StageError> {
        let stars = Stars::new(stars).map_err(told("a review"))?;
        let review = NewReview {
            contract_id: contract.uuid(),
            rating: stars,
            quality: stars,
            timeliness: stars,
            communication: stars,
            text: None,
        };
        match self.commands.marketplace.submit_review(&author.actor, review) {
            Ok(_) | Err(marketplace::Error::AlreadyReviewed) => Ok(()),
            Err(error) => Err(told("a review")(error)),
        }
    }
}

impl Player {
    fn new(signed_in: SignedIn) -> Self {
        let person = &signed_in.person;
        let actor = Actor::person(person.id, person.role, signed_in.session, true, operator().request_id);
        Self { person: person.id, party: person.id.into(), actor, signed_in }
    }
}

fn new_job(posting: &Posting<'_>) -> Result<NewJob, kernel::Faults> {
    let address = Address {
        street: Place::new("1204 Willow Creek Drive")?,
        unit: None,
        city: Place::new("Austin")?,
        region: Some(Place::new("TX")?),
        postal_code: Some(Place::new("78741")?),
        country: Country::new("US")?,
        point: identity::geo::GeoPoint::new(30.2291, -97.7197).ok(),
    };
    Ok(NewJob {
        title: Title::new(posting.title)?,
        description: Description::new(posting.description)?,
        category: Category::new(posting.category)?,
        skills: Skills::new::<&str>(&[])?,
        address,
        budget: Budget::new(None, Some(posting.budget_max))?,
        currency: kernel::Currency::USD,
        urgency: Urgency::Normal,
        wanted_start: None,
        bidding_deadline: posting.bidding_deadline,
        reveal: posting.reveal,
        publish_as: posting.publish_as,
    })
}
