//! `/api/users/me/data`: what is held about whoever asks, and its end.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use files::{File, FileId};
use identity::{Blocker, Error, PersonalRecord};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::PersonView;
use crate::{Context, Id, Operation, Problem, ProblemBlocker, Reply, SignedIn, Who, error};

/// A file's id. Named, because the derive of schemas cannot look into `Id<…>`.
pub type MyDataFileRef = Id<FileId>;

/// Everything that is held about the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyDataView {
    /// As of when.
    pub generated_at: DateTime<Utc>,
    /// The account.
    pub person: PersonView,
    /// What each part of the product holds, by its name: `identity`, `audit`, and the others that hold something. What is in a section follows
    /// what is kept and grows with it; names are those of the other operations. Of `audit` it is the newest 1,000 rows of what the caller
    /// did, and of sessions, mails and the like the newest 1,000 of each.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub sections: BTreeMap<&'static str, Value>,
    /// The stored files that belong to it; an export has them beside the document.
    pub files: Vec<MyDataFile>,
}

/// A stored file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyDataFile {
    /// The file.
    pub id: MyDataFileRef,
    /// What its owner calls it.
    pub name: String,
    /// What it is by its first bytes.
    pub content_type: &'static str,
    /// How many bytes it has.
    pub size: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// When it was stored.
    pub stored_at: DateTime<Utc>,
    /// Where it is in an export.
    pub path: String,
}

/// What is held about whoever asks.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/users/me/data")
            .summary("Get everything that is held about oneself")
            .description(
                "As one document, in sections. `POST /api/users/me/data/exports` makes an archive of it, with the files.",
            )
            .by(Who::SignedIn)
            .answers::<MyDataView>(200, "What is held.", MyDataView::example())
            .to(get_my_data),
        Operation::delete("/api/users/me/data")
            .summary("Erase one's own account")
            .description(
                "At once and for good. Needs a step-up: `POST /api/auth/step-up` first. Open jobs are cancelled, bids that wait are withdrawn, and \
                 everything by which the person could be told is taken off what others need: contracts, the ledger and reviews stay, of a \
                 \"Former member\". Every session ends, and the e-mail address is free for a new account. While money is held or on its way, or \
                 a contract waits for signatures or runs, the answer is 409 with `blockers`: all that has to end first. Signed documents and the \
                 evidence of signatures stay, encrypted, for as long as the law has them kept. Export your data first: nothing of it comes back.",
            )
            .by(Who::SignedIn)
            .answers_empty(204, "The account is erased.")
            .errors(&[
                error(403, "step_up_required", "The session has not proved lately who it is of."),
                error(409, "erasure_blocked", "Something has to end first; `blockers` names all of it."),
                error(409, "last_administrator", "Nobody would be left to administrate."),
            ])
            .to(erase_my_data),
    ]
}

async fn get_my_data(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    let record = context.read(move |queries| queries.identity.get_personal_record(&actor)).await?;
    Ok(Reply::ok(&MyDataView::from(record)).tagged().secret())
}

async fn erase_my_data(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    // Not a command as others are: those wait for it, or it for them.
    context.heavy(move |commands| commands.identity.erase_person(&actor).map_err(problem)).await?;
    Ok(Reply::no_content())
}

/// With all that has to end first.
fn problem(error: Error) -> Problem {
    let blockers = match &error {
        Error::ErasureBlocked(blockers) => blockers.iter().map(ProblemBlocker::from).collect(),
        _ => Vec::new(),
    };
    Problem::from(error).with_blockers(blockers)
}

impl From<&Blocker> for ProblemBlocker {
    fn from(blocker: &Blocker) -> Self {
        Self {
            code: blocker.code.to_owned(),
            message: blocker.message.clone(),
            kind: blocker.kind.to_owned(),
            id: blocker.id.clone(),
        }
    }
}

impl From<PersonalRecord> for MyDataView {
    fn from(record: PersonalRecord) -> Self {
        Self {
            generated_at: record.generated_at,
            person: record.person.into(),
            sections: record.sections,
            files: record.files.into_iter().map(MyDataFile::from).collect(),
        }
    }
}

impl From<File> for MyDataFile {
    fn from(file: File) -> Self {
        Self {
            path: identity::path_in_export(&file),
            id: file.id.into(),
            name: file.name,
            content_type: file.content_type.as_str(),
            size: file.size,
            sha256: hex::encode(file.sha256),
            stored_at: file.stored_at,
        }
    }
}

impl MyDataView {
    fn example() -> Self {
        let id = FileId::from(Uuid::nil());
        Self {
            generated_at: DateTime::UNIX_EPOCH,
            person: PersonView::example(),
            sections: BTreeMap::from([
                ("identity", json!({ "updatedAt": DateTime::UNIX_EPOCH, "sessions": [] })),
                ("audit", json!({ "newestMax": 1_000, "entries": [] })),
            ]),
            files: vec![MyDataFile {
                id: id.into(),
                name: "licence.pdf".to_owned(),
                content_type: "application/pdf",
                size: 182_044,
                sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
                stored_at: DateTime::UNIX_EPOCH,
                path: format!("files/{id}/licence.pdf"),
            }],
        }
    }
}
