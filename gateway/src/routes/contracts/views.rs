//! What clients get to see of contracts and milestones.

use chrono::{DateTime, NaiveDate, Utc};
use contracts::{ContractId, DocumentHash, MilestoneId, SignatureId};
use kernel::PartyId;
use marketplace::{BidId, JobId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Id;

/// A contract's id. Named, because the derive of schemas cannot look into `Id<…>`; so are the others.
pub type ContractRef = Id<ContractId>;
/// A milestone's id.
pub type MilestoneRef = Id<MilestoneId>;
/// A signature's id.
pub type SignatureRef = Id<SignatureId>;
/// A party's id.
pub type PartyRef = Id<PartyId>;
/// A bid's id.
pub type BidRef = Id<BidId>;
/// A job's id.
pub type JobRef = Id<JobId>;

/// How far a contract has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ContractState {
    /// The bid was accepted; one or both have yet to sign.
    PendingSignatures,
    /// Both signed.
    Active,
    /// The last milestone is finished.
    Completed,
    /// It ended before it was fulfilled.
    Terminated,
}

/// How far a milestone has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MilestoneState {
    /// Agreed, not paid in.
    Pending,
    /// Its amount is held.
    Funded,
    /// The contractor is at work.
    InProgress,
    /// Done, says the contractor; the homeowner inspects it.
    Submitted,
    /// The homeowner wants something done again.
    ChangesRequested,
    /// Approved; its money may be released.
    Approved,
    /// Its money went to the contractor.
    Released,
    /// It will not be done.
    Cancelled,
}

/// Why a contract ended before it was fulfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractTermination {
    /// Not both had signed in time.
    Unsigned,
}

/// A party to a contract.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContractParty {
    /// Who.
    pub id: PartyRef,
    /// The full name.
    pub name: String,
}

/// The rules that a contract lives under, copied to it when it was made.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractTerms {
    /// Which edition of the rules.
    pub rules_version: i16,
    /// The platform's share of each release, in hundredths of a percent.
    pub fee_basis_points: u32,
    /// For how many times 24 hours a submitted milestone can be inspected.
    pub inspection_days: u16,
    /// After how many hours an approved milestone is released by itself.
    pub auto_release_hours: u16,
}

/// A signature that stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractSignatureView {
    /// Its id.
    pub id: SignatureRef,
    /// Who signed.
    pub party_id: PartyRef,
    /// The SHA-256 of what was signed.
    pub document_sha256: String,
    /// When.
    pub signed_at: DateTime<Utc>,
}

/// A contract in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractCard {
    /// Its id.
    pub id: ContractRef,
    /// The job that was awarded.
    pub job_id: JobRef,
    /// The job's title.
    pub title: String,
    /// How far it has come.
    pub status: ContractState,
    /// What all milestones sum to, in minor units.
    pub price: i64,
    /// The ISO 4217 currency of all its amounts.
    pub currency: String,
    /// Who pays.
    pub homeowner: ContractParty,
    /// Who works.
    pub contractor: ContractParty,
    /// Since when the contractor's licence or insurance does not hold any more, while the contract runs; null when both hold.
    pub contractor_verification_lapsed_at: Option<DateTime<Utc>>,
    /// When the bid was accepted.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A contract.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractView {
    /// Its id.
    pub id: ContractRef,
    /// The job that was awarded.
    pub job_id: JobRef,
    /// The bid that was accepted.
    pub bid_id: BidRef,
    /// The job's title.
    pub title: String,
    /// How far it has come.
    pub status: ContractState,
    /// What all milestones sum to, in minor units.
    pub price: i64,
    /// The ISO 4217 currency of all its amounts.
    pub currency: String,
    /// Who pays.
    pub homeowner: ContractParty,
    /// Who works.
    pub contractor: ContractParty,
    /// Since when the contractor's licence or insurance does not hold any more, while the contract runs; null when both hold.
    pub contractor_verification_lapsed_at: Option<DateTime<Utc>>,
    /// The rules it lives under.
    pub terms: ContractTerms,
    /// The SHA-256 of the text that is to be signed, or was.
    pub document_sha256: String,
    /// The signatures that stand, the earlier first.
    pub signatures: Vec<ContractSignatureView>,
    /// Until when both must have signed.
    pub sign_by: DateTime<Utc>,
    /// When the second signature came.
    pub activated_at: Option<DateTime<Utc>>,
    /// When work on the first milestone started.
    pub work_started_at: Option<DateTime<Utc>>,
    /// When the last milestone was finished.
    pub completed_at: Option<DateTime<Utc>>,
    /// When it ended early.
    pub terminated_at: Option<DateTime<Utc>>,
    /// Why it ended early.
    pub termination_reason: Option<ContractTermination>,
    /// What the caller could do now.
    pub allowed_actions: Vec<&'static str>,
    /// When the bid was accepted.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Why a milestone was sent back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MilestoneChangesRequested {
    /// In the homeowner's words.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A milestone.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MilestoneView {
    /// Its id.
    pub id: MilestoneRef,
    /// The contract that it is a part of.
    pub contract_id: ContractRef,
    /// Its place in the contract; the first is 1.
    pub ordinal: i32,
    /// What it is called.
    pub title: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// What will be there when it is done.
    pub deliverables: Vec<String>,
    /// Its part of the price, in minor units.
    pub target_amount: i64,
    /// The ISO 4217 currency of its amount.
    pub currency: String,
    /// How far it has come.
    pub status: MilestoneState,
    /// When work on it is to start.
    pub start_date: Option<NaiveDate>,
    /// When it is to be done.
    pub due_date: NaiveDate,
    /// How often it was submitted.
    pub submission: i32,
    /// Until when it can be inspected before silence approves it.
    pub inspection_ends_at: Option<DateTime<Utc>>,
    /// Since when that clock stands still, because the homeowner's account is suspended: the end moves by as long. Null while it runs.
    pub inspection_paused_at: Option<DateTime<Utc>>,
    /// Why it was sent back, while that is so.
    pub changes_requested: Option<MilestoneChangesRequested>,
    /// When work on it started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was approved.
    pub approved_at: Option<DateTime<Utc>>,
    /// When its money was released.
    pub released_at: Option<DateTime<Utc>>,
    /// What the caller could do now.
    pub allowed_actions: Vec<&'static str>,
    /// Goes up with every change; the first part of its `ETag`.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The version that an `If-Match` names, as the commands take it. What does not fit is no version of ours, and so never the present one.
pub(super) fn version(named: Option<i64>) -> Option<i32> {
    named.map(|version| i32::try_from(version).unwrap_or(i32::MIN))
}

impl From<contracts::ContractStatus> for ContractState {
    fn from(status: contracts::ContractStatus) -> Self {
        use contracts::ContractStatus as Status;
        match status {
            Status::PendingSignatures => Self::PendingSignatures,
            Status::Active => Self::Active,
            Status::Completed => Self::Completed,
            Status::Terminated => Self::Terminated,
        }
    }
}

impl From<ContractState> for contracts::ContractStatus {
    fn from(state: ContractState) -> Self {
        match state {
            ContractState::PendingSignatures => Self::PendingSignatures,
            ContractState::Active => Self::Active,
            ContractState::Completed => Self::Completed,
            ContractState::Terminated => Self::Terminated,
        }
    }
}

impl From<contracts::MilestoneStatus> for MilestoneState {
    fn from(status: contracts::MilestoneStatus) -> Self {
        use contracts::MilestoneStatus as Status;
        match status {
            Status::Pending => Self::Pending,
            Status::Funded => Self::Funded,
            Status::InProgress => Self::InProgress,
            Status::Submitted => Self::Submitted,
            Status::ChangesRequested => Self::ChangesRequested,
            Status::Approved => Self::Approved,
            Status::Released => Self::Released,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

impl From<contracts::TerminationReason> for ContractTermination {
    fn from(reason: contracts::TerminationReason) -> Self {
        match reason {
            contracts::TerminationReason::Unsigned => Self::Unsigned,
        }
    }
}

impl From<contracts::PartyName> for ContractParty {
    fn from(party: contracts::PartyName) -> Self {
        Self { id: party.id.into(), name: party.name }
    }
}

impl From<contracts::Terms> for ContractTerms {
    fn from(terms: contracts::Terms) -> Self {
        Self {
            rules_version: terms.rules_version,
            fee_basis_points: terms.fee.points(),
            inspection_days: terms.inspection_days,
            auto_release_hours: terms.auto_release_hours,
        }
    }
}

impl From<contracts::Signature> for ContractSignatureView {
    fn from(signature: contracts::Signature) -> Self {
        Self {
            id: signature.id.into(),
            party_id: signature.party.into(),
            document_sha256: signature.document_sha256.as_str().to_owned(),
            signed_at: signature.signed_at,
        }
    }
}

impl From<contracts::ContractCard> for ContractCard {
    fn from(card: contracts::ContractCard) -> Self {
        let contract = card.contract;
        Self {
            id: contract.id.into(),
            job_id: contract.job_id.into(),
            title: contract.title,
            status: contract.status.into(),
            price: contract.price.minor(),
            currency: contract.price.currency().to_string(),
            homeowner: card.homeowner.into(),
            contractor: card.contractor.into(),
            contractor_verification_lapsed_at: contract.verification_lapsed_at,
            created_at: contract.created_at,
            updated_at: contract.updated_at,
        }
    }
}

impl From<contracts::ContractView> for ContractView {
    fn from(view: contracts::ContractView) -> Self {
        let contract = view.contract;
        Self {
            id: contract.id.into(),
            job_id: contract.job_id.into(),
            bid_id: contract.bid_id.into(),
            title: contract.title,
            status: contract.status.into(),
            price: contract.price.minor(),
            currency: contract.price.currency().to_string(),
            homeowner: view.homeowner.into(),
            contractor: view.contractor.into(),
            contractor_verification_lapsed_at: contract.verification_lapsed_at,
            terms: contract.terms.into(),
            document_sha256: view.document_sha256.as_str().to_owned(),
            signatures: view.signatures.into_iter().map(Into::into).collect(),
            sign_by: contract.sign_by,
            activated_at: contract.activated_at,
            work_started_at: contract.work_started_at,
            completed_at: contract.completed_at,
            terminated_at: contract.terminated.map(|(at, _)| at),
            termination_reason: contract.terminated.map(|(_, reason)| reason.into()),
            allowed_actions: view.allowed_actions,
            created_at: contract.created_at,
            updated_at: contract.updated_at,
        }
    }
}

impl From<contracts::MilestoneView> for MilestoneView {
    fn from(view: contracts::MilestoneView) -> Self {
        let milestone = view.milestone;
        Self {
            id: milestone.id.into(),
            contract_id: milestone.contract_id.into(),
            ordinal: milestone.ordinal,
            title: milestone.title,
            description: milestone.description,
            deliverables: milestone.deliverables,
            target_amount: milestone.amount,
            currency: view.currency.to_string(),
            status: milestone.status.into(),
            start_date: milestone.start_date,
            due_date: milestone.due_date,
            submission: milestone.submission,
            inspection_ends_at: milestone.inspection_ends_at,
            inspection_paused_at: milestone.inspection_paused_at,
            changes_requested: view
                .changes_requested
                .map(|request| MilestoneChangesRequested { reason: request.reason, at: request.at }),
            started_at: milestone.started_at,
            approved_at: milestone.approved_at,
            released_at: milestone.released_at,
            allowed_actions: view.allowed_actions,
            version: milestone.version,
            created_at: milestone.created_at,
            updated_at: milestone.updated_at,
        }
    }
}

impl ContractParty {
    fn example(name: &str) -> Self {
        Self { id: PartyId::from(Uuid::nil()).into(), name: name.to_owned() }
    }
}

impl ContractCard {
    pub(super) fn example() -> Self {
        let view = ContractView::example();
        Self {
            id: view.id,
            job_id: view.job_id,
            title: view.title,
            status: view.status,
            price: view.price,
            currency: view.currency,
            homeowner: view.homeowner,
            contractor: view.contractor,
            contractor_verification_lapsed_at: view.contractor_verification_lapsed_at,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

impl ContractView {
    pub(super) fn example() -> Self {
        Self {
            id: ContractId::from(Uuid::nil()).into(),
            job_id: JobId::from(Uuid::nil()).into(),
            bid_id: BidId::from(Uuid::nil()).into(),
            title: "New roof".to_owned(),
            status: ContractState::PendingSignatures,
            price: 180_000,
            currency: "USD".to_owned(),
            homeowner: ContractParty::example("Ada Lovelace"),
            contractor: ContractParty::example("Bob Mason"),
            contractor_verification_lapsed_at: None,
            terms: contracts::Settings::default().terms(None).into(),
            document_sha256: DocumentHash::of("").as_str().to_owned(),
            signatures: Vec::new(),
            sign_by: DateTime::UNIX_EPOCH,
            activated_at: None,
            work_started_at: None,
            completed_at: None,
            terminated_at: None,
            termination_reason: None,
            allowed_actions: vec!["sign", "add_milestone", "edit_milestone"],
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }
}

impl MilestoneView {
    pub(super) fn example() -> Self {
        Self {
            id: MilestoneId::from(Uuid::nil()).into(),
            contract_id: ContractId::from(Uuid::nil()).into(),
            ordinal: 1,
            title: "Roof".to_owned(),
            description: Some("Old roof off, new roof on.".to_owned()),
            deliverables: vec!["A tight roof".to_owned()],
            target_amount: 140_000,
            currency: "USD".to_owned(),
            status: MilestoneState::Pending,
            start_date: None,
            due_date: NaiveDate::from_ymd_opt(2027, 3, 15).unwrap_or_default(),
            submission: 0,
            inspection_ends_at: None,
            inspection_paused_at: None,
            changes_requested: None,
            started_at: None,
            approved_at: None,
            released_at: None,
            allowed_actions: vec!["edit"],
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }
}
