//! `/api/users/me/data/exports`: everything that is held about whoever asks, as one archive that is made in the background.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use chrono::{DateTime, Utc};
use identity::{Export, ExportId, ExportState};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Context, Id, Operation, Path, Problem, Query, Reply, SignedIn, Who, error};

/// An export's id. Named, because the derive of schemas cannot look into `Id<…>`.
pub type MyDataExportRef = Id<ExportId>;

/// Where an export stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum MyDataExportStatus {
    /// It is being made, or waits for that.
    Queued,
    /// It can be fetched.
    Ready,
    /// Its time is over, and the archive is gone.
    Expired,
    /// It could not be made; ask for another one.
    Failed,
}

/// An archive of everything that is held about the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyDataExportView {
    /// The export.
    pub id: MyDataExportRef,
    /// Where it stands.
    pub status: MyDataExportStatus,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it was made, or given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// Until when it can be fetched, or could be.
    pub expires_at: Option<DateTime<Utc>>,
    /// How many bytes the archive has, while it is there.
    pub size: Option<u64>,
    /// Where the archive is, on this server, while it is there. Whoever has this address gets the archive without signing in: keep it
    /// secret.
    #[schema(example = "/api/users/me/data/exports/exp_01h455vb4pex5vsknk084sn02q/archive?token=5zXJk0…")]
    pub download_url: Option<String>,
}

/// What fetches an archive.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MyDataArchiveQuery {
    /// From `downloadUrl`; without it the archive is not there.
    #[schema(min_length = 1, max_length = 100)]
    pub token: Option<String>,
}

/// Exports of what is held about whoever asks.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/users/me/data/exports")
            .summary("Have one's own data exported")
            .description(
                "Everything that is held about the caller, as one ZIP: `data.json`, which is what `GET /api/users/me/data` answers, and the files \
                 beside it. It is made in the background, and a notification tells when it is ready; it can be fetched for 72 hours then, \
                 unless the operator set it otherwise. While one is being made, asking again answers that one. `Location` names it.",
            )
            .by(Who::SignedIn)
            .answers::<MyDataExportView>(202, "It will be made, or is being made.", MyDataExportView::queued_example())
            .errors(&[error(429, "too_many_exports", "The caller has had as many exports of late as anybody may.")])
            .to(request_export),
        Operation::get("/api/users/me/data/exports/{exportId}")
            .summary("Get an export of one's own data")
            .description("Ask now and then until its status is `READY`; `downloadUrl` fetches the archive then.")
            .by(Who::SignedIn)
            .answers::<MyDataExportView>(200, "The export.", MyDataExportView::example())
            .to(get_export),
        Operation::get("/api/users/me/data/exports/{exportId}/archive")
            .summary("Fetch the archive of an export")
            .description(
                "The ZIP, as an attachment: for whoever has the address that `downloadUrl` shows, signed in or not, so that a browser can fetch \
                 it by a plain link. From `expiresAt` on, and with a wrong token, it is not there.",
            )
            .query::<MyDataArchiveQuery>()
            .answers_other(200, "The archive.", "application/zip")
            .to(get_export_archive),
    ]
}

async fn request_export(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    context
        .command(
            move |commands| commands.identity.request_export(&actor),
            |export| Reply::accepted(&MyDataExportView::from(&export)).at(path_of(export.id)),
        )
        .await
}

async fn get_export(context: Context, actor: SignedIn, id: Path<ExportId>) -> Result<Reply, Problem> {
    let export = context.read(move |queries| queries.identity.get_export(&actor, *id)).await?;
    Ok(Reply::ok(&MyDataExportView::from(&export)).tagged().secret())
}

async fn get_export_archive(
    context: Context,
    id: Path<ExportId>,
    query: Query<MyDataArchiveQuery>,
) -> Result<HttpResponse, Problem> {
    let open = move |queries: &platform::Queries| {
        queries.identity.open_export(*id, query.token.as_deref().unwrap_or_default())
    };
    let archive = context.read(open).await?;
    let mut response = context.send(archive).await?;
    // It is everything about somebody: no cache keeps it.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn path_of(id: ExportId) -> String {
    format!("/api/users/me/data/exports/{id}")
}

impl From<&Export> for MyDataExportView {
    fn from(export: &Export) -> Self {
        let url = |token: &str| format!("{}/archive?token={token}", path_of(export.id));
        Self {
            id: export.id.into(),
            status: match export.state {
                ExportState::Queued => MyDataExportStatus::Queued,
                ExportState::Ready => MyDataExportStatus::Ready,
                ExportState::Expired => MyDataExportStatus::Expired,
                ExportState::Failed => MyDataExportStatus::Failed,
            },
            requested_at: export.requested_at,
            finished_at: export.finished_at,
            expires_at: export.expires_at,
            size: export.size,
            download_url: export.token.as_ref().map(|token| url(token.expose_secret())),
        }
    }
}

impl MyDataExportView {
    fn example() -> Self {
        let id = ExportId::from(Uuid::nil());
        Self {
            id: id.into(),
            status: MyDataExportStatus::Ready,
            requested_at: DateTime::UNIX_EPOCH,
            finished_at: Some(DateTime::UNIX_EPOCH),
            expires_at: Some(DateTime::UNIX_EPOCH),
            size: Some(48_113),
            download_url: Some(format!("{}/archive?token=5zXJk0", path_of(id))),
        }
    }

    fn queued_example() -> Self {
        Self {
            status: MyDataExportStatus::Queued,
            finished_at: None,
            expires_at: None,
            size: None,
            download_url: None,
            ..Self::example()
        }
    }
}
