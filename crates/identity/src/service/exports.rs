//! Exports: asked for, made in the background, fetched for a while, removed.

use chrono::TimeDelta;
use database::Tx;
use files::{ContentType, File, FileName, FilesCommands, Limits, NewFile, Received};
use kernel::{Instant, PartyId, PersonId};
use outbox::{Aggregate, NewEvent, TaskError, TaskRun};
use serde_json::{Value, json};

use super::IdentityService;
use crate::model::{Export, ExportId, ExportState};
use crate::store::StoredExport;
use crate::tasks::{ExportEnd, MakeExport};
use crate::{Error, archive, rules, store};

/// What the files of exports are for.
const PURPOSE: &str = "export";
/// What the archive is called.
const NAME: &str = "my-data.zip";
/// The window in which exports count against [`crate::Settings::exports_per_day_max`].
const WINDOW: TimeDelta = TimeDelta::days(1);
/// How long it is remembered that somebody had an export.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

impl IdentityService {
    /// Arranges for an export; while one is being made it is that one.
    pub(super) fn arrange_export(&self, person: PersonId) -> Result<Export, Error> {
        self.db.transaction(|tx| {
            store::lock_person(tx.conn(), person)?.ok_or(Error::SignedOut)?;
            if let Some(waiting) = store::find_waiting_export(tx.conn(), person)? {
                audit::withhold(tx);
                return Ok(self.shown(waiting, None));
            }
            let now = tx.now()?;
            let most = self.settings.exports_per_day_max;
            let asked = store::newest_exports(tx.conn(), person, now - WINDOW, i64::from(most))?;
            if let Some(wait) = rules::wait_for_window(&asked, usize::from(most), WINDOW, now) {
                return Err(Error::TooManyExports { retry_after: rules::retry_after(wait) });
            }
            store::sweep_exports(tx.conn(), person, now - REMEMBERED)?;
            let id = ExportId::new();
            store::insert_export(tx.conn(), id, person, now)?;
            note(tx, id, None, ExportState::Queued);
            outbox::enqueue(tx, &MakeExport { export: id });
            let stored = store::find_export(tx.conn(), id)?.ok_or(Error::NotFound("export"))?;
            Ok(self.shown(stored, None))
        })
    }

    /// One of the person's own.
    pub(super) fn own_export(&self, person: PersonId, id: ExportId) -> Result<Export, Error> {
        let now = self.db.now()?;
        let found = self.db.read(|conn| store::find_export(conn, id))?;
        let found = found.filter(|found| found.person == person).ok_or(Error::NotFound("export"))?;
        Ok(self.shown(found, Some(now)))
    }

    /// The archive, for whoever holds its token while it is good.
    pub(super) fn archive_behind(&self, id: ExportId, token: &str) -> Result<File, Error> {
        let now = self.db.now()?;
        let found = self.db.read(|conn| store::find_export(conn, id))?;
        let ready = found.filter(|found| found.state.at(found.expires_at, now) == ExportState::Ready);
        match ready.map(|found| (found.expires_at, found.archive)) {
            Some((Some(end), Some(archive))) if self.keys.is_export_token(id.uuid(), end, token) => {
                Ok(archive)
            }
            _ => Err(Error::NotFound("export")),
        }
    }

    /// Makes the archive of an export that waits. With the last try, and where another one would not help, the export has failed.
    pub(crate) fn make_export(
        &self,
        storage: &dyn FilesCommands,
        run: &TaskRun,
        id: ExportId,
    ) -> Result<(), TaskError> {
        let Err(error) = self.pack(storage, run, id) else { return Ok(()) };
        let hopeless = matches!(error, Error::File(files::Error::TooLarge { .. }));
        if hopeless || run.is_last_attempt() {
            tracing::error!(%id, %error, "an export could not be made");
            self.db.transaction(|tx| {
                let now = tx.now()?;
                if store::fail_export(tx.conn(), id, now)? {
                    note(tx, id, Some(ExportState::Queued), ExportState::Failed);
                }
                Ok::<_, Error>(())
            })?;
        }
        if hopeless { Err(TaskError::Park("export_too_large".to_owned())) } else { Err(error.into()) }
    }

    /// Removes the archive when its time is over; says when to come back if that is not so yet.
    pub(crate) fn end_export(&self, id: ExportId) -> Result<Option<Instant>, Error> {
        self.db.transaction(|tx| {
            let Some(found) = store::lock_export(tx.conn(), id)? else { return Ok(None) };
            let now = tx.now()?;
            if let Some(end) = found.expires_at.filter(|end| *end > now) {
                return Ok(Some(end));
            }
            if store::expire_export(tx.conn(), id)? {
                if let Some(archive) = found.archive {
                    files::remove(tx, archive.id)?;
                }
                note(tx, id, Some(ExportState::Ready), ExportState::Expired);
            }
            Ok(None)
        })
    }

    fn pack(&self, storage: &dyn FilesCommands, run: &TaskRun, id: ExportId) -> Result<(), Error> {
        let waiting = self.db.read(|conn| store::find_export(conn, id))?;
        let Some(export) = waiting.filter(|found| found.state == ExportState::Queued) else { return Ok(()) };
        let record = self.personal_record(export.person)?;
        let upload = storage.begin(NewFile {
            owner: PartyId::from(export.person),
            purpose: PURPOSE,
            name: FileName::new(NAME)?,
            limits: Limits { bytes_max: self.settings.export_bytes_max, types: &[ContentType::Zip] },
        })?;
        let file = upload.id();
        let kept = archive::write(upload, storage, &record, run)
            .map_err(Error::from)
            .and_then(|received| self.hand_over(&export, &received, run.request_id()));
        if !matches!(kept, Ok(true)) {
            storage.discard(file)?;
        }
        kept.map(|_| ())
    }

    /// QUEUED → READY; false when the person, or the wish, is gone by now.
    fn hand_over(&self, export: &StoredExport, received: &Received, request_id: &str) -> Result<bool, Error> {
        self.db.transaction(|tx| {
            if !store::remain(tx.conn(), export.person)? {
                return Ok(false);
            }
            let now = tx.now()?;
            let archive = files::keep(tx, received)?;
            let expires_at = now + TimeDelta::hours(i64::from(self.settings.export_hours));
            if !store::finish_export(tx.conn(), export.id, archive.id, now, expires_at)? {
                // Somebody else has made it; what is received here is not kept.
                return Err(Error::File(files::Error::Gone));
            }
            note(tx, export.id, Some(ExportState::Queued), ExportState::Ready);
            outbox::enqueue_at(tx, &ExportEnd { export: export.id }, expires_at);
            outbox::publish(
                tx,
                NewEvent {
                    name: "export.ready",
                    version: 1,
                    aggregate: Aggregate { kind: "export", id: export.id.uuid() },
                    request_id: request_id.to_owned(),
                    data: json!({ "exportId": export.id, "personId": export.person, "expiresAt": expires_at }),
                },
            );
            Ok(true)
        })
    }

    /// As its person sees it by now; without an instant as it was stored, and without its token.
    fn shown(&self, export: StoredExport, now: Option<Instant>) -> Export {
        let state = now.map_or(export.state, |now| export.state.at(export.expires_at, now));
        let ready = export.expires_at.filter(|_| now.is_some() && state == ExportState::Ready);
        Export {
            id: export.id,
            state,
            requested_at: export.requested_at,
            finished_at: export.finished_at,
            expires_at: export.expires_at,
            size: export.archive.filter(|_| state == ExportState::Ready).map(|archive| archive.size),
            token: ready.map(|end| self.keys.export_token(export.id.uuid(), end)),
        }
    }
}

fn note(tx: &mut Tx<'_>, id: ExportId, before: Option<ExportState>, after: ExportState) {
    let state = |state: ExportState| json!({ "state": state.as_str() });
    audit::changed(tx, audit::Object::new("export", id), before.map_or(Value::Null, state), state(after));
}
