//! `/api/contractors`: a contractor as anyone may see it, and the papers that a contractor hands in.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{
    CredentialKind, PublicContractor, PublicCredential, Verification, VerificationForm, VerificationStanding,
    VerificationSubmission,
};
use kernel::PartyId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::documents::VerificationDocument;
use super::users::ProfileContractorView;
use super::views::{
    PartyRef, VerificationCredential, VerificationRef, VerificationStatus, example_day, example_verification,
};
use crate::{Body, Context, Contractor, Operation, Paging, Path, Problem, Reply, Who};

/// The papers that a contractor hands in.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationNew {
    /// At least one licence.
    #[schema(min_items = 1, max_items = 10)]
    pub licences: Vec<VerificationCredential>,
    /// The liability insurance.
    pub insurance: VerificationCredential,
}

/// A verification, as its contractor sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationView {
    /// The verification.
    pub id: VerificationRef,
    /// Whose it is.
    pub contractor_id: PartyRef,
    /// Where it stands.
    pub status: VerificationStatus,
    /// The licences.
    pub licences: Vec<VerificationCredential>,
    /// The insurance.
    pub insurance: Option<VerificationCredential>,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When approved: from when on the contractor may not bid any more.
    pub valid_until: Option<DateTime<Utc>>,
    /// What was handed in beside the numbers, in the order it came.
    pub documents: Vec<VerificationDocument>,
}

/// How a contractor's verification stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationOverview {
    /// The status of what was handed in last; null when nothing ever was.
    pub status: Option<VerificationStatus>,
    /// Whether the contractor may bid now.
    pub may_bid: bool,
    /// What was approved. It holds until its `validUntil`, also while a renewal waits.
    pub approved: Option<VerificationView>,
    /// What waits for an administrator.
    pub pending: Option<VerificationView>,
    /// A page of all that was handed in, newest first.
    #[schema(max_items = 100)]
    pub data: Vec<VerificationView>,
    /// Where the next page starts; null at the end.
    pub next_cursor: Option<String>,
}

/// A contractor, as anyone may see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfilePublicView {
    /// The contractor.
    pub id: PartyRef,
    /// The first name and an initial.
    pub display_name: String,
    /// What the contractor says of itself.
    pub profile: ProfileContractorView,
    /// Whether an administrator has checked licence and insurance, and both still hold.
    pub verified: bool,
    /// When they were checked.
    pub verified_at: Option<DateTime<Utc>>,
    /// What was checked and still holds.
    pub credentials: Vec<ProfilePublicCredential>,
    /// The same in one: what was checked, when, and until when it holds; null unless it does.
    pub verification: Option<ProfilePublicVerification>,
    /// Since when the contractor has an account.
    pub member_since: DateTime<Utc>,
}

/// What an administrator checked of a contractor, and still holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfilePublicVerification {
    /// When it was checked.
    pub checked_at: DateTime<Utc>,
    /// From when on it does not hold any more.
    pub valid_until: DateTime<Utc>,
    /// What was checked, without numbers and holders.
    pub credentials: Vec<ProfilePublicCredential>,
}

/// A credential that an administrator checked.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfilePublicCredential {
    /// Licence or insurance.
    pub kind: VerificationCredentialKind,
    /// The trade that it is for; null when it is for any.
    pub trade: Option<String>,
    /// Where it is good.
    pub place: String,
    /// Its last day.
    pub expires_on: NaiveDate,
    /// When an administrator checked it.
    pub checked_at: DateTime<Utc>,
}

/// What a credential is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerificationCredentialKind {
    /// A licence to work in a trade.
    Licence,
    /// Liability insurance.
    Insurance,
}

/// Contractors and their papers.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/contractors/verification")
            .summary("Hand in licences and insurance")
            .description(
                "An administrator checks them; until then, and after they expire, nobody bids. What still waits is replaced; what was approved \
                 holds until its renewal is approved.",
            )
            .by(Who::Contractor)
            .body::<VerificationNew>(json!({
                "licences": [VerificationCredential::example()], "insurance": VerificationCredential::example(),
            }))
            .answers::<VerificationView>(201, "Waits for an administrator.", VerificationView::example())
            .to(submit_verification),
        Operation::get("/api/contractors/verification")
            .summary("See how my verification stands")
            .description(
                "What was approved holds until its end also while a renewal waits or was rejected; after a rejection, or while one is approved, \
                 papers may be handed in again at any time. All that was handed in is kept, with what was decided and why.",
            )
            .by(Who::Contractor)
            .paged()
            .answers::<VerificationOverview>(200, "How it stands.", VerificationOverview::example())
            .to(get_verification),
        Operation::get("/api/contractors/{contractorId}")
            .summary("Get a contractor's public profile")
            .description("Without address, number or exact place; verified only after an administrator checked the papers.")
            .answers::<ProfilePublicView>(200, "The contractor.", ProfilePublicView::example())
            .to(get_contractor),
    ]
}

async fn submit_verification(
    context: Context,
    actor: Contractor,
    body: Body<VerificationNew>,
) -> Result<Reply, Problem> {
    let form = VerificationForm::from(body.into_inner());
    context
        .command(
            move |commands| {
                let submission = VerificationSubmission::new(&form, commands.identity.settings())?;
                commands.identity.submit_verification(actor.view(), submission)
            },
            |made| Reply::created("/api/contractors/verification", &VerificationView::from(made)),
        )
        .await
}

async fn get_verification(context: Context, actor: Contractor, paging: Paging) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let standing = context
        .read(move |queries| queries.identity.get_verification_standing(actor.view(), after, limit))
        .await?;
    let next_cursor = paging.next_cursor(standing.history.next.as_ref());
    Ok(Reply::ok(&VerificationOverview::of(standing, next_cursor)))
}

async fn get_contractor(context: Context, id: Path<PartyId>) -> Result<Reply, Problem> {
    let contractor = context.read(move |queries| queries.identity.get_contractor(*id)).await?;
    Ok(Reply::ok(&ProfilePublicView::from(contractor)).tagged())
}

impl From<VerificationNew> for VerificationForm {
    fn from(body: VerificationNew) -> Self {
        Self {
            licences: body.licences.into_iter().map(Into::into).collect(),
            insurance: body.insurance.into(),
        }
    }
}

impl From<Verification> for VerificationView {
    fn from(verification: Verification) -> Self {
        let of_kind = |kind| VerificationCredential::of_kind(&verification.credentials, kind);
        Self {
            id: verification.id.into(),
            contractor_id: verification.contractor.into(),
            status: verification.state.into(),
            licences: of_kind(CredentialKind::Licence),
            insurance: of_kind(CredentialKind::Insurance).pop(),
            submitted_at: verification.submitted_at,
            decided_at: verification.decided_at,
            reason: verification.reason,
            valid_until: verification.valid_until,
            documents: verification.documents.into_iter().map(VerificationDocument::from).collect(),
        }
    }
}

impl VerificationOverview {
    fn of(standing: VerificationStanding, next_cursor: Option<String>) -> Self {
        Self {
            status: standing.newest.map(Into::into),
            may_bid: standing.may_bid,
            approved: standing.approved.map(Into::into),
            pending: standing.pending.map(Into::into),
            data: standing.history.items.into_iter().map(Into::into).collect(),
            next_cursor,
        }
    }

    fn example() -> Self {
        Self {
            status: Some(VerificationStatus::Pending),
            may_bid: false,
            approved: None,
            pending: Some(VerificationView::example()),
            data: vec![VerificationView::example()],
            next_cursor: None,
        }
    }
}

impl From<PublicContractor> for ProfilePublicView {
    fn from(contractor: PublicContractor) -> Self {
        let credentials: Vec<_> =
            contractor.credentials.into_iter().map(ProfilePublicCredential::from).collect();
        let held = contractor.verified_at.zip(contractor.valid_until);
        Self {
            id: contractor.id.into(),
            display_name: contractor.display_name,
            profile: contractor.profile.into(),
            verified: contractor.verified,
            verified_at: contractor.verified_at,
            verification: held.map(|(checked_at, valid_until)| ProfilePublicVerification {
                checked_at,
                valid_until,
                credentials: credentials.clone(),
            }),
            credentials,
            member_since: contractor.member_since,
        }
    }
}

impl From<PublicCredential> for ProfilePublicCredential {
    fn from(credential: PublicCredential) -> Self {
        Self {
            kind: match credential.kind {
                CredentialKind::Licence => VerificationCredentialKind::Licence,
                CredentialKind::Insurance => VerificationCredentialKind::Insurance,
            },
            trade: credential.trade,
            place: credential.place,
            expires_on: credential.expires_on,
            checked_at: credential.checked_at,
        }
    }
}

impl VerificationView {
    /// An example for the document.
    #[must_use]
    pub fn example() -> Self {
        Self {
            id: example_verification(),
            contractor_id: PartyId::from(Uuid::nil()).into(),
            status: VerificationStatus::Pending,
            licences: vec![VerificationCredential::example()],
            insurance: Some(VerificationCredential::example()),
            submitted_at: DateTime::UNIX_EPOCH,
            decided_at: None,
            reason: None,
            valid_until: None,
            documents: vec![VerificationDocument::example()],
        }
    }
}

impl ProfilePublicView {
    fn example() -> Self {
        let licence = ProfilePublicCredential {
            kind: VerificationCredentialKind::Licence,
            trade: Some("roofing".to_owned()),
            place: "Texas".to_owned(),
            expires_on: example_day(),
            checked_at: DateTime::UNIX_EPOCH,
        };
        Self {
            id: PartyId::from(Uuid::nil()).into(),
            display_name: "Bob M.".to_owned(),
            profile: ProfileContractorView::example(),
            verified: true,
            verified_at: Some(DateTime::UNIX_EPOCH),
            credentials: vec![licence.clone()],
            verification: Some(ProfilePublicVerification {
                checked_at: DateTime::UNIX_EPOCH,
                valid_until: DateTime::UNIX_EPOCH,
                credentials: vec![licence],
            }),
            member_since: DateTime::UNIX_EPOCH,
        }
    }
}
