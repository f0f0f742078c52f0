#![doc = include_str!("../README.md")]

mod audience;
mod catalogue;
mod error;
mod mail;
mod model;
mod rules;
#[rustfmt::skip]
mod schema;
mod service;
mod settings;
mod store;
mod tasks;
mod templates;

use kernel::{Actor, Limit, Page, PersonId, Position};
use uuid::Uuid;

pub use error::Error;
pub use mail::{BadSender, FolderMailer, Mail, MailError, Mailer, SmtpMailer, SmtpSetupError};
pub use model::{Category, Channel, DeliveryState, Notification, NotificationId, Show};
pub use service::NotificationsService;
pub use settings::Settings;
pub use tasks::{CONSUMER, register};
pub use templates::{Preview, RenderError, Templates};

/// What can be asked about one's own notifications.
pub trait NotificationsQueries: Send + Sync {
    /// The inbox of whoever asks, newest first.
    ///
    /// # Errors
    /// [`Error`] when the database fails.
    fn list_inbox(
        &self,
        actor: &Actor,
        show: Show,
        limit: Limit,
        after: Option<Position>,
    ) -> Result<Page<Notification>, Error>;

    /// How many in the inbox of whoever asks are unread.
    ///
    /// # Errors
    /// [`Error`] when the database fails.
    fn count_unread(&self, actor: &Actor) -> Result<u64, Error>;
}

/// What can be done with one's own notifications.
pub trait NotificationsCommands: NotificationsQueries {
    /// Marks one as read; one that is read already stays as it was.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there or somebody else's.
    fn mark_read(&self, actor: &Actor, id: NotificationId) -> Result<Notification, Error>;

    /// Marks every one as read and says how many were not.
    ///
    /// # Errors
    /// [`Error`] when the database fails.
    fn mark_all_read(&self, actor: &Actor) -> Result<u64, Error>;
}

/// What events are about, in words. Events hold ids only; whoever puts the product together knows which crate has the words.
pub trait Subjects: Send + Sync {
    /// A job's title.
    ///
    /// # Errors
    /// The database's.
    fn job_title(
        &self,
        conn: &mut database::PgConnection,
        job: Uuid,
    ) -> Result<Option<String>, database::Error>;

    /// The title of a milestone of a contract.
    ///
    /// # Errors
    /// The database's.
    fn milestone_title(
        &self,
        conn: &mut database::PgConnection,
        contract: Uuid,
        milestone: Uuid,
    ) -> Result<Option<String>, database::Error>;

    /// Who has a live bid for a job. Each is told alone and learns of no other.
    ///
    /// # Errors
    /// The database's.
    fn bidders(&self, conn: &mut database::PgConnection, job: Uuid)
    -> Result<Vec<PersonId>, database::Error>;

    /// The jobs that a person is a party to, as events write their ids: `job_…`.
    ///
    /// # Errors
    /// The database's.
    fn jobs_of(
        &self,
        conn: &mut database::PgConnection,
        person: PersonId,
    ) -> Result<Vec<String>, database::Error>;
}
