//! The service: whose inbox is asked for, and what becomes of events and deliveries. No SQL here.

mod deliver;
mod personal;
mod tell;

use std::sync::Arc;

use database::Db;
use kernel::{Actor, Limit, Page, PersonId, Position};

use crate::mail::Mailer;
use crate::model::{Notification, NotificationId, Show};
use crate::templates::Templates;
use crate::{Error, NotificationsCommands, NotificationsQueries, RenderError, Settings, Subjects, store};

pub(crate) use deliver::{Attempt, later};

/// Tells people what happened.
pub struct NotificationsService {
    db: Db,
    keys: identity::Keys,
    subjects: Arc<dyn Subjects>,
    mailer: Arc<dyn Mailer>,
    templates: Templates,
    settings: Settings,
}

impl std::fmt::Debug for NotificationsService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotificationsService").field("mail", &self.mailer.describe()).finish_non_exhaustive()
    }
}

impl NotificationsService {
    /// A service over a database. `keys` makes the tokens that mails carry, `subjects` has the words for what events name by
    /// id, `mailer` is how mails leave.
    ///
    /// # Errors
    /// [`RenderError`] when a template is not well formed.
    pub fn new(
        db: Db,
        keys: identity::Keys,
        subjects: Arc<dyn Subjects>,
        mailer: Arc<dyn Mailer>,
        settings: Settings,
    ) -> Result<Self, RenderError> {
        let templates = Templates::load(&settings)?;
        Ok(Self { db, keys, subjects, mailer, templates, settings })
    }

    /// Where mails go, for the start-up message.
    #[must_use]
    pub fn describe_mail(&self) -> String {
        self.mailer.describe()
    }

    /// The templates, to be looked at.
    #[must_use]
    pub fn templates(&self) -> &Templates {
        &self.templates
    }
}

/// Whose inbox this is. The product itself has none, and so nothing in it.
fn reader_of(actor: &Actor) -> PersonId {
    actor.person.unwrap_or_else(|| PersonId::from(uuid::Uuid::nil()))
}

impl NotificationsQueries for NotificationsService {
    fn list_inbox(
        &self,
        actor: &Actor,
        show: Show,
        limit: Limit,
        after: Option<Position>,
    ) -> Result<Page<Notification>, Error> {
        let found = self.db.read(|conn| store::list_inbox(conn, reader_of(actor), show, limit, after))?;
        Ok(Page::cut(found, limit, |one| Position { key: one.created_at, id: one.id.uuid() }))
    }

    fn count_unread(&self, actor: &Actor) -> Result<u64, Error> {
        Ok(self.db.read(|conn| store::count_unread(conn, reader_of(actor)))?)
    }
}

impl NotificationsCommands for NotificationsService {
    fn mark_read(&self, actor: &Actor, id: NotificationId) -> Result<Notification, Error> {
        self.db.transaction(|tx| {
            store::mark_read(tx.conn(), reader_of(actor), id)?;
            store::find(tx.conn(), reader_of(actor), id)?.ok_or(Error::NotFound)
        })
    }

    fn mark_all_read(&self, actor: &Actor) -> Result<u64, Error> {
        self.db.transaction(|tx| Ok(store::mark_all_read(tx.conn(), reader_of(actor))?))
    }
}
