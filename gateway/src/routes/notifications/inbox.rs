//! `/api/notifications`: the inbox of whoever is signed in.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use notifications::{Category, Notification, NotificationId, Show};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Context, Id, Operation, Paging, Path, Problem, Query, Reply, SignedIn, Who};

/// A notification's id; the document's derive finds it by this name.
pub type NotificationRef = Id<NotificationId>;

/// Which notifications are wanted.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NotificationFilter {
    /// `true` for those that have not been read; all without it.
    pub unread: Option<bool>,
}

/// What a notification concerns.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum NotificationCategory {
    /// The safety of the account.
    Security,
    /// The account and its verification.
    Account,
    /// Jobs.
    Jobs,
    /// Bids.
    Bids,
    /// Contracts and their milestones.
    Contracts,
    /// Money.
    Payments,
    /// Reviews.
    Reviews,
}

/// Something that the caller was told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationView {
    /// The notification.
    pub id: NotificationRef,
    /// What it concerns.
    pub category: NotificationCategory,
    /// From which template it was written: a stable word for programs.
    pub template: String,
    /// One line.
    pub title: String,
    /// A few sentences.
    pub body: String,
    /// The ids of what it is about, by name: `jobId`, `contractId`, `milestoneId` …
    pub subjects: BTreeMap<String, String>,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// When it was read first; null while it has not been.
    pub read_at: Option<DateTime<Utc>>,
}

/// That a notification is read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationRead {
    /// The notification.
    pub id: NotificationRef,
    /// When it was read first.
    pub read_at: Option<DateTime<Utc>>,
}

/// That all notifications are read.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationsRead {
    /// How many had not been.
    #[schema(minimum = 0)]
    pub marked: u64,
}

/// The inbox of whoever is signed in.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/notifications")
            .summary("List one's own notifications")
            .description(
                "The inbox: each event of a job, contract or payment that concerns the caller, told once.",
            )
            .by(Who::SignedIn)
            .query::<NotificationFilter>()
            .lists::<NotificationView>("Notifications, newest first.", NotificationView::example())
            .to(list_notifications),
        Operation::post("/api/notifications/{notificationId}/read")
            .summary("Mark a notification as read")
            .description("One that was read before stays as it was.")
            .by(Who::SignedIn)
            .answers::<NotificationRead>(200, "It is read.", NotificationRead::example())
            .to(mark_notification_read),
        Operation::post("/api/notifications/read-all")
            .summary("Mark all one's notifications as read")
            .description("Those that were read before stay as they were.")
            .by(Who::SignedIn)
            .answers::<NotificationsRead>(200, "All are read.", NotificationsRead { marked: 3 })
            .to(mark_all_notifications_read),
    ]
}

async fn list_notifications(
    context: Context,
    actor: SignedIn,
    filter: Query<NotificationFilter>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let show = if filter.unread == Some(true) { Show::Unread } else { Show::All };
    let page =
        context.read(move |queries| queries.notifications.list_inbox(&actor, show, limit, after)).await?;
    Ok(paging.reply(page, NotificationView::from))
}

async fn mark_notification_read(
    context: Context,
    actor: SignedIn,
    id: Path<NotificationId>,
) -> Result<Reply, Problem> {
    context
        .command(
            move |commands| commands.notifications.mark_read(&actor, *id),
            |read| Reply::ok(&NotificationRead { id: read.id.into(), read_at: read.read_at }),
        )
        .await
}

async fn mark_all_notifications_read(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    context
        .command(
            move |commands| commands.notifications.mark_all_read(&actor),
            |marked| Reply::ok(&NotificationsRead { marked }),
        )
        .await
}

impl From<Notification> for NotificationView {
    fn from(notification: Notification) -> Self {
        Self {
            id: notification.id.into(),
            category: notification.category.into(),
            template: notification.template,
            title: notification.title,
            body: notification.body,
            subjects: notification.subjects,
            created_at: notification.created_at,
            read_at: notification.read_at,
        }
    }
}

impl From<Category> for NotificationCategory {
    fn from(category: Category) -> Self {
        match category {
            Category::Security => Self::Security,
            Category::Account => Self::Account,
            Category::Jobs => Self::Jobs,
            Category::Bids => Self::Bids,
            Category::Contracts => Self::Contracts,
            Category::Payments => Self::Payments,
            Category::Reviews => Self::Reviews,
        }
    }
}

impl NotificationView {
    fn example() -> Self {
        let title = "“Repaint the fence” is open for bids";
        let job = ("jobId".to_owned(), "job_01h455vb4pex5vsknk084sn02q".to_owned());
        Self {
            id: NotificationId::from(Uuid::nil()).into(),
            category: NotificationCategory::Jobs,
            template: "job_published".to_owned(),
            title: title.to_owned(),
            body: "Your job “Repaint the fence” is published.".to_owned(),
            subjects: BTreeMap::from([job]),
            created_at: DateTime::UNIX_EPOCH,
            read_at: None,
        }
    }
}

impl NotificationRead {
    fn example() -> Self {
        Self { id: NotificationId::from(Uuid::nil()).into(), read_at: Some(DateTime::UNIX_EPOCH) }
    }
}
