//! Files over a database and a storage. The row comes before the first byte and goes after the last one, so that whatever dies in
//! between leaves nothing that nobody knows of.

use std::collections::HashMap;
use std::ops::Range;

use chrono::TimeDelta;
use database::{Db, PgConnection, Tx};
use kernel::PartyId;

use crate::error::Error;
use crate::model::{ContentType, Drawing, Drawn, File, FileId, Limits, NewFile, Received};
use crate::picture::Picture;
use crate::settings::Settings;
use crate::storage::Storage;
use crate::store;
use crate::tasks::Sweep;
use crate::transfer::{Download, Upload};
use crate::{FilesCommands, FilesQueries};

/// Rows of one sweep's round.
const SWEEP_BATCH: i64 = 100;
/// Rounds of one sweep; what is left waits for the next.
const SWEEP_ROUNDS_MAX: usize = 100;

/// This crate's service.
#[derive(Debug, Clone)]
pub struct FilesService {
    db: Db,
    storage: Storage,
    settings: Settings,
}

impl FilesService {
    /// A service over this database, with the bytes in that storage.
    #[must_use]
    pub fn new(db: Db, storage: Storage, settings: Settings) -> Self {
        Self { db, storage, settings }
    }

    /// Removes what was abandoned and what was removed: first the bytes, then the row.
    pub(crate) fn sweep(&self) -> Result<(), Error> {
        let abandoned = TimeDelta::hours(i64::from(self.settings.abandoned_hours));
        for _ in 0..SWEEP_ROUNDS_MAX {
            let doomed = self.db.transaction(|tx| {
                let before = tx.now()? - abandoned;
                store::condemn_abandoned(tx.conn(), before, SWEEP_BATCH)?;
                store::list_removed(tx.conn(), SWEEP_BATCH)
            })?;
            if doomed.is_empty() {
                break;
            }
            for (id, key) in doomed {
                self.storage.delete(&key)?;
                self.db.read(|conn| store::forget(conn, id))?;
            }
        }
        Ok(())
    }

    fn draw_each(&self, received: &Received, drawing: &Drawing, drawn: &mut Vec<Drawn>) -> Result<(), Error> {
        let Some(largest) = drawing.sides.first() else { return Ok(()) };
        let key = self.db.read(|conn| store::find_received(conn, received.id))?.ok_or(Error::Gone)?;
        let bytes = self.storage.whole(&key)?;
        let mut picture = Picture::read(bytes, received.content_type, drawing.pixels_max, *largest)?;
        for side in &drawing.sides {
            if drawn.is_empty() || picture.longest_side() > *side {
                picture = picture.within(*side)?;
                let file = self.receive_drawn(received, drawing, &picture.jpeg()?)?;
                let (width, height) = picture.size();
                drawn.push(Drawn { file, side: *side, width, height });
            }
        }
        Ok(())
    }

    fn receive_drawn(&self, received: &Received, drawing: &Drawing, jpeg: &[u8]) -> Result<Received, Error> {
        let mut upload = self.begin(NewFile {
            owner: received.owner,
            purpose: drawing.purpose,
            name: drawing.name.clone(),
            limits: Limits { bytes_max: u64::MAX, types: &[ContentType::Jpeg] },
        })?;
        let id = upload.id();
        let stored = upload.write(jpeg).and_then(|()| upload.finish());
        if stored.is_err() {
            self.discard(id)?;
        }
        stored
    }
}

impl FilesQueries for FilesService {
    fn open(&self, file: &File) -> Result<Download, Error> {
        Download::open(file, None, &self.storage)
    }

    fn open_part(&self, file: &File, part: Range<u64>) -> Result<Download, Error> {
        Download::open(file, Some(part), &self.storage)
    }
}

impl FilesCommands for FilesService {
    fn begin(&self, new: NewFile) -> Result<Upload, Error> {
        let id = FileId::new();
        let key = storage_key(new.purpose, id);
        self.db.transaction(|tx| {
            let now = tx.now()?;
            store::insert(tx.conn(), id, &new, &key, now)
        })?;
        Ok(Upload::new(id, &key, new, self.storage.clone()))
    }

    fn draw(&self, received: &Received, drawing: &Drawing) -> Result<Vec<Drawn>, Error> {
        let mut drawn = Vec::new();
        let done = self.draw_each(received, drawing, &mut drawn);
        match done {
            Ok(()) => Ok(drawn),
            Err(error) => {
                for one in drawn {
                    self.discard(one.file.id)?;
                }
                Err(error)
            }
        }
    }

    fn discard(&self, id: FileId) -> Result<(), Error> {
        let Some(key) = self.db.transaction(|tx| store::condemn(tx.conn(), id))? else { return Ok(()) };
        self.storage.delete(&key)?;
        self.db.read(|conn| store::forget(conn, id))?;
        Ok(())
    }
}

/// `verification/7f/0192…`: the last two digits of an id are evenly spread, its first ones are the time.
fn storage_key(purpose: &str, id: FileId) -> String {
    let name = id.uuid().simple().to_string();
    let shelf = name.get(name.len().saturating_sub(2)..).unwrap_or_default();
    format!("{purpose}/{shelf}/{name}")
}

/// Keeps a file that was received, in the transaction of what it is for. Its bytes are stored by then.
///
/// # Errors
/// [`Error::Gone`] when it was swept up, or kept before.
pub fn keep(tx: &mut Tx<'_>, received: &Received) -> Result<File, Error> {
    let now = tx.now()?;
    store::keep(tx.conn(), received, now)?.ok_or(Error::Gone)
}

/// The stored ones among these files.
///
/// # Errors
/// The database's.
pub fn find_all(conn: &mut PgConnection, ids: &[FileId]) -> Result<HashMap<FileId, File>, database::Error> {
    store::find_all(conn, ids)
}

/// Forgets what an erased party called the files that it was sending. Those that are kept are for whoever keeps them to [`remove`].
///
/// # Errors
/// The database's.
pub fn forget_owner(tx: &mut Tx<'_>, owner: PartyId) -> Result<(), database::Error> {
    store::unname(tx.conn(), owner)
}

/// Removes a file with the transaction: from its commit on it is not found any more, and its bytes go soon after.
///
/// # Errors
/// The database's.
pub fn remove(tx: &mut Tx<'_>, id: FileId) -> Result<(), database::Error> {
    if store::remove(tx.conn(), id)? {
        outbox::enqueue(tx, &Sweep {});
    }
    Ok(())
}
