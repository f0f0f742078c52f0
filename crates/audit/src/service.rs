//! Reading the trail, proving it, and signing its heads.

use database::{Db, Error as DbError, PgConnection};
use kernel::{AdminActor, Limit, Page, PartyId, Position};

use crate::keys::Keys;
use crate::model::{Checkpoint, CheckpointHead, Entry, EntryFilter};
use crate::rules::{self, NOTHING};
use crate::verify::{Report, verify};
use crate::{AuditCommands, AuditQueries, Error, Settings, store};

/// The trail over a database.
pub struct AuditService {
    db: Db,
    keys: Keys,
    settings: Settings,
}

impl AuditService {
    /// Over this database.
    #[must_use]
    pub fn new(db: Db, keys: Keys, settings: Settings) -> Self {
        Self { db, keys, settings }
    }

    /// The numbers that it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The keys that it signs with.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// A checkpoint of the heads as they are; none when they are as the last one knew them.
    fn sign_heads(
        &self,
        conn: &mut PgConnection,
        taken_at: kernel::Instant,
    ) -> Result<Option<Checkpoint>, DbError> {
        let last = store::newest_checkpoint(conn)?;
        let heads: Vec<CheckpointHead> = store::heads(conn)?
            .into_iter()
            .map(|head| CheckpointHead { sequence: head.sequence, hash: hex::encode(head.hash) })
            .collect();
        if last.as_ref().is_some_and(|last| last.heads == heads)
            || heads.iter().all(|head| head.sequence == 0)
        {
            return Ok(None);
        }
        let mut checkpoint = Checkpoint {
            number: last.as_ref().map_or(0, |last| last.number) + 1,
            taken_at: rules::whole_micros(taken_at),
            heads,
            previous: last.map_or_else(|| hex::encode(NOTHING), |last| last.signature),
            key_id: String::new(),
            signature: String::new(),
        };
        let message = rules::checkpoint_message(&checkpoint)
            .ok_or_else(|| DbError::Corrupt("audit.heads has not all chains".to_owned()))?;
        let (key_id, signature) = self.keys.sign(&message);
        (checkpoint.key_id, checkpoint.signature) = (key_id, hex::encode(signature));
        store::add_checkpoint(conn, &checkpoint)?;
        Ok(Some(checkpoint))
    }
}

/// What a party did, the newest rows first, so many at most; what is sealed is left out until its time. For a person's own record: whoever
/// asks has authorised.
///
/// # Errors
/// [`DbError`].
pub fn entries_of(conn: &mut PgConnection, party: PartyId, most: usize) -> Result<Vec<Entry>, DbError> {
    let filter = EntryFilter { actor: Some(party), ..EntryFilter::default() };
    let limit = Limit::new(i64::from(Limit::MAX)).unwrap_or_default();
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let rows = store::list(conn, &filter, limit, after)?;
        let page = Page::cut(rows, limit, |row| Position { key: row.occurred_at, id: row.id.uuid() });
        all.extend(page.items);
        match page.next.filter(|_| all.len() < most) {
            Some(next) => after = Some(next),
            None => {
                all.truncate(most);
                return Ok(all);
            }
        }
    }
}

impl AuditQueries for AuditService {
    fn list_entries(
        &self,
        _: AdminActor<'_>,
        filter: &EntryFilter,
        limit: Limit,
        after: Option<Position>,
    ) -> Result<Page<Entry>, Error> {
        let rows = self.db.read(|conn| store::list(conn, filter, limit, after))?;
        Ok(Page::cut(rows, limit, |entry| Position { key: entry.occurred_at, id: entry.id.uuid() }))
    }

    fn verify(&self, kept: Option<&Checkpoint>) -> Result<Report, Error> {
        self.db.transaction(|tx| {
            store::freeze(tx.conn())?;
            verify(tx.conn(), &self.keys, kept)
        })
    }

    fn newest_checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        Ok(self.db.read(store::newest_checkpoint)?)
    }
}

impl AuditCommands for AuditService {
    fn take_checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        let taken = self.db.transaction(|tx| {
            let now = tx.now()?;
            self.sign_heads(tx.conn(), now)
        });
        match taken {
            // Another process was quicker: its checkpoint is as good as ours.
            Err(error) if error.is_check("checkpoint_follows") => Ok(None),
            other => Ok(other?),
        }
    }
}
