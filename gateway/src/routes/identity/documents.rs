//! `/api/contractors/verification/{verificationId}/documents`: scans and photographs of the papers. The contractor adds them while the
//! verification waits; the contractor and administrators read them, for everybody else they are not there.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use files::{FileId, FileName};
use identity::VerificationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Context, Contractor, Id, Incoming, Operation, Path, PathPair, Problem, Query, Reply, SignedIn, Who, error,
};

/// A document's id. Named, because the derive of schemas cannot look into `Id<…>`.
pub type VerificationDocumentRef = Id<FileId>;

/// What papers come as.
const CONTENT_TYPES: &[&str] =
    &["application/pdf", "image/jpeg", "image/png", "image/webp", "application/octet-stream"];

/// What the contractor says about a document.
#[derive(Debug, Deserialize, ToSchema)]
pub struct VerificationDocumentQuery {
    /// What it is called; a path before it is dropped.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
}

/// A document of a verification.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationDocument {
    /// The document.
    pub id: VerificationDocumentRef,
    /// What the contractor calls it.
    pub name: String,
    /// What it is by its first bytes.
    pub content_type: &'static str,
    /// How many bytes it has.
    pub size: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// When it was added.
    pub added_at: DateTime<Utc>,
}

/// Documents of a verification.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/contractors/verification/{verificationId}/documents")
            .summary("Add a document to a verification")
            .description(
                "The body is the file itself: `curl --data-binary @licence.pdf …/documents?name=licence.pdf`. PDF, JPEG, PNG or WebP, judged by \
                 its first bytes whatever `Content-Type` says; 10 MiB and 20 documents unless the operator set it otherwise. Images are kept as \
                 they come, with what the camera wrote into them.",
            )
            .by(Who::Contractor)
            .query::<VerificationDocumentQuery>()
            .stream_body("The file.", CONTENT_TYPES)
            .answers::<VerificationDocument>(201, "Added.", VerificationDocument::example())
            .errors(&[
                error(409, "already_decided", "The verification does not wait any more.").in_state("APPROVED", &[]),
                error(409, "too_many_documents", "The verification has as many documents as it may have."),
            ])
            .to(add_verification_document),
        Operation::get("/api/contractors/verification/{verificationId}/documents/{documentId}")
            .summary("Get a document of a verification")
            .description("The file itself, as an attachment: for its contractor and for administrators.")
            .by(Who::SignedIn)
            .answers_other(200, "The file.", "application/octet-stream")
            .to(get_verification_document),
    ]
}

async fn add_verification_document(
    context: Context,
    actor: Contractor,
    id: Path<VerificationId>,
    query: Query<VerificationDocumentQuery>,
    incoming: Incoming,
) -> Result<Reply, Problem> {
    let id = *id;
    let name = query.name.as_deref().map_or_else(|| Ok(FileName::default()), FileName::new);
    let name = name.map_err(|faults| Problem::query(faults, "?name"))?;
    let contractor = actor.clone();
    let plan = move |queries: &platform::Queries| queries.identity.plan_document(contractor.view(), id, name);
    let planned = context.read(plan).await;
    context
        .receive(
            incoming,
            planned,
            move |commands, received| commands.identity.add_document(actor.view(), id, received),
            move |file| Reply::created(path_of(id, file.id), &VerificationDocument::from(file)),
        )
        .await
}

async fn get_verification_document(
    context: Context,
    actor: SignedIn,
    ids: PathPair<VerificationId, FileId>,
) -> Result<HttpResponse, Problem> {
    let PathPair(verification, document) = ids;
    let file =
        context.read(move |queries| queries.identity.get_document(&actor, verification, document)).await?;
    context.send(file).await
}

fn path_of(verification: VerificationId, document: FileId) -> String {
    format!("/api/contractors/verification/{verification}/documents/{document}")
}

impl From<files::File> for VerificationDocument {
    fn from(file: files::File) -> Self {
        Self {
            id: file.id.into(),
            name: file.name,
            content_type: file.content_type.as_str(),
            size: file.size,
            sha256: hex::encode(file.sha256),
            added_at: file.stored_at,
        }
    }
}

impl VerificationDocument {
    /// An example for the document.
    #[must_use]
    pub fn example() -> Self {
        Self {
            id: FileId::from(Uuid::nil()).into(),
            name: "licence.pdf".to_owned(),
            content_type: "application/pdf",
            size: 182_044,
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
            added_at: DateTime::UNIX_EPOCH,
        }
    }
}
