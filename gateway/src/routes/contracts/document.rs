//! `/api/contracts/{contractId}/document`: the text that is signed.

use chrono::{DateTime, Utc};
use contracts::{ContractId, Document, DocumentHash};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::ContractRef;
use crate::{Context, Operation, Path, Problem, Reply, SignedIn, Who};

/// The text of a contract.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractDocument {
    /// Of which contract.
    pub contract_id: ContractRef,
    /// Which text: the first is 1, and a changed milestone makes the next.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The SHA-256 of the text's UTF-8 bytes, in hexadecimal digits: what is named when signing.
    pub sha256: String,
    /// The text, in plain lines. What people entered is indented by four spaces.
    pub text: String,
    /// Since when it stands.
    pub created_at: DateTime<Utc>,
}

/// The text of a contract.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/contracts/{contractId}/document")
            .summary("Get the text of a contract")
            .description("The text that both sign. While signatures are missing it can change with the milestones; after that it never does.")
            .by(Who::SignedIn)
            .answers::<ContractDocument>(200, "The text and its hash.", ContractDocument::example())
            .to(get_contract_document),
    ]
}

async fn get_contract_document(
    context: Context,
    actor: SignedIn,
    id: Path<ContractId>,
) -> Result<Reply, Problem> {
    let document = context.read(move |queries| queries.contracts.get_document(&actor, *id)).await?;
    Ok(Reply::ok(&ContractDocument::from(document)).tagged())
}

impl From<Document> for ContractDocument {
    fn from(document: Document) -> Self {
        Self {
            contract_id: document.contract_id.into(),
            version: document.version,
            sha256: document.sha256.as_str().to_owned(),
            text: document.text,
            created_at: document.created_at,
        }
    }
}

impl ContractDocument {
    fn example() -> Self {
        let text = "CONTRACT ctr_00000000000000000000000000\nVersion 1 of its text\n";
        Self {
            contract_id: ContractId::from(Uuid::nil()).into(),
            version: 1,
            sha256: DocumentHash::of(text).as_str().to_owned(),
            text: text.to_owned(),
            created_at: DateTime::UNIX_EPOCH,
        }
    }
}
