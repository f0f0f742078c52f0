//! What is attached to jobs and bids. The files themselves are another crate's.

use std::collections::HashMap;

use database::{Error, PgConnection};
use diesel::pg::Pg;
use diesel::prelude::*;
use files::{File, FileId};
use kernel::{Instant, PartyId};
use uuid::Uuid;

use super::word;
use crate::PageRequest;
use crate::model::{AttachedTo, Attachment, AttachmentId, AttachmentKind, BidId, JobId, PhotoSize};
use crate::schema::{attachment_files, attachments, bids, jobs};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = attachments, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    job_id: Option<Uuid>,
    bid_id: Option<Uuid>,
    kind: String,
    added_at: Instant,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = attachment_files, check_for_backend(Pg))]
struct FileRow {
    file_id: FileId,
    attachment_id: Uuid,
    size: String,
    width: Option<i32>,
    height: Option<i32>,
}

/// A file of an attachment, with its width and height when it is a picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) file: FileId,
    pub(crate) size: PhotoSize,
    pub(crate) pixels: Option<(u32, u32)>,
}

type Condition = Box<
    dyn BoxableExpression<
            attachments::table,
            Pg,
            SqlType = diesel::sql_types::Nullable<diesel::sql_types::Bool>,
        >,
>;

fn of(to: AttachedTo) -> Condition {
    match to {
        AttachedTo::Job(id) => Box::new(attachments::job_id.eq(id.uuid())),
        AttachedTo::Bid(id) => Box::new(attachments::bid_id.eq(id.uuid())),
    }
}

impl Row {
    fn to(&self) -> Result<AttachedTo, Error> {
        let to = match (self.job_id, self.bid_id) {
            (Some(job), None) => Some(AttachedTo::Job(JobId::from(job))),
            (None, Some(bid)) => Some(AttachedTo::Bid(BidId::from(bid))),
            _ => None,
        };
        word(to, "attachments")
    }

    fn read(self, file: File, pixels: Option<(u32, u32)>) -> Result<Attachment, Error> {
        Ok(Attachment {
            id: self.id.into(),
            to: self.to()?,
            kind: word(AttachmentKind::parse(&self.kind), "attachments.kind")?,
            file,
            pixels,
            added_at: self.added_at,
        })
    }
}

impl FileRow {
    fn of(attachment: AttachmentId, part: &Part) -> Result<Self, Error> {
        let length = |pixels: u32| i32::try_from(pixels).map_err(|error| Error::Corrupt(error.to_string()));
        Ok(Self {
            file_id: part.file,
            attachment_id: attachment.uuid(),
            size: part.size.as_str().to_owned(),
            width: part.pixels.map(|(width, _)| length(width)).transpose()?,
            height: part.pixels.map(|(_, height)| length(height)).transpose()?,
        })
    }

    fn pixels(&self) -> Result<Option<(u32, u32)>, Error> {
        let length = |pixels: i32| word(u32::try_from(pixels).ok(), "attachment_files.width");
        self.width.zip(self.height).map(|(width, height)| Ok((length(width)?, length(height)?))).transpose()
    }
}

pub(crate) fn insert(
    conn: &mut PgConnection,
    id: AttachmentId,
    to: AttachedTo,
    kind: AttachmentKind,
    parts: &[Part],
    now: Instant,
) -> Result<(), Error> {
    let (job_id, bid_id) = match to {
        AttachedTo::Job(job) => (Some(job.uuid()), None),
        AttachedTo::Bid(bid) => (None, Some(bid.uuid())),
    };
    let row = Row { id: id.uuid(), job_id, bid_id, kind: kind.as_str().to_owned(), added_at: now };
    diesel::insert_into(attachments::table).values(row).execute(conn)?;
    let rows: Vec<FileRow> = parts.iter().map(|part| FileRow::of(id, part)).collect::<Result<_, _>>()?;
    diesel::insert_into(attachment_files::table).values(rows).execute(conn)?;
    Ok(())
}

/// How many things are attached there.
pub(crate) fn count(conn: &mut PgConnection, to: AttachedTo) -> Result<i64, Error> {
    Ok(attachments::table.filter(of(to)).count().get_result(conn)?)
}

/// What is attached there, in the order it came; all of it, or of one kind.
pub(crate) fn list(
    conn: &mut PgConnection,
    to: AttachedTo,
    kind: Option<AttachmentKind>,
    page: PageRequest,
) -> Result<Vec<Attachment>, Error> {
    let mut query = attachments::table.filter(of(to)).select(Row::as_select()).into_boxed();
    if let Some(kind) = kind {
        query = query.filter(attachments::kind.eq(kind.as_str()));
    }
    if let Some(after) = page.after {
        let later = attachments::added_at.eq(after.key).and(attachments::id.gt(after.id));
        query = query.filter(attachments::added_at.gt(after.key).or(later));
    }
    let rows: Vec<Row> =
        query.order((attachments::added_at, attachments::id)).limit(page.limit.plus_one()).load(conn)?;
    with_files(conn, rows)
}

/// Everything that is attached to a party's jobs and bids, in the order it came.
pub(crate) fn list_all_of(conn: &mut PgConnection, party: PartyId) -> Result<Vec<Attachment>, Error> {
    let ids = ids_of_party(conn, party)?;
    let rows: Vec<Row> = attachments::table
        .filter(attachments::id.eq_any(ids))
        .order((attachments::added_at, attachments::id))
        .select(Row::as_select())
        .load(conn)?;
    with_files(conn, rows)
}

fn ids_of_party(conn: &mut PgConnection, party: PartyId) -> Result<Vec<Uuid>, Error> {
    let of_jobs = attachments::table
        .inner_join(jobs::table)
        .filter(jobs::homeowner_id.eq(party))
        .select(attachments::id);
    let of_bids = attachments::table
        .inner_join(bids::table)
        .filter(bids::contractor_id.eq(party))
        .select(attachments::id);
    let mut ids: Vec<Uuid> = of_jobs.load(conn)?;
    ids.extend(of_bids.load::<Uuid>(conn)?);
    Ok(ids)
}

/// Each with its file, of a photograph the largest. Three statements for any number.
fn with_files(conn: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Attachment>, Error> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let parts: Vec<FileRow> = attachment_files::table
        .filter(attachment_files::attachment_id.eq_any(ids))
        .filter(attachment_files::size.eq(PhotoSize::Full.as_str()))
        .select(FileRow::as_select())
        .load(conn)?;
    let files: Vec<FileId> = parts.iter().map(|part| part.file_id).collect();
    let mut files = files::find_all(conn, &files)?;
    let mut parts: HashMap<Uuid, FileRow> =
        parts.into_iter().map(|part| (part.attachment_id, part)).collect();
    rows.into_iter()
        .map(|row| {
            let part = word(parts.remove(&row.id), "attachment_files")?;
            let file = word(files.remove(&part.file_id), "attachment_files.file_id")?;
            let pixels = part.pixels()?;
            row.read(file, pixels)
        })
        .collect()
}

/// What kind of thing is attached there under this id.
pub(crate) fn find_kind(
    conn: &mut PgConnection,
    to: AttachedTo,
    id: AttachmentId,
) -> Result<Option<AttachmentKind>, Error> {
    let found = attachments::table.filter(of(to)).filter(attachments::id.eq(id.uuid()));
    let kind: Option<String> = found.select(attachments::kind).get_result(conn).optional()?;
    kind.map(|kind| word(AttachmentKind::parse(&kind), "attachments.kind")).transpose()
}

/// A file of an attachment in this size, or the next larger that there is.
pub(crate) fn find_file(
    conn: &mut PgConnection,
    id: AttachmentId,
    size: PhotoSize,
) -> Result<Option<File>, Error> {
    let parts: Vec<FileRow> = attachment_files::table
        .filter(attachment_files::attachment_id.eq(id.uuid()))
        .select(FileRow::as_select())
        .load(conn)?;
    // From the smallest to the largest.
    let mut wanted = PhotoSize::ALL.iter().skip_while(|known| **known != size);
    let found = wanted.find_map(|size| parts.iter().find(|part| part.size == size.as_str()));
    match found {
        Some(part) => Ok(files::find_all(conn, &[part.file_id])?.remove(&part.file_id)),
        None => Ok(None),
    }
}

/// Takes an attachment away, and gives the files that it was.
pub(crate) fn delete(
    conn: &mut PgConnection,
    to: AttachedTo,
    id: AttachmentId,
) -> Result<Option<Vec<FileId>>, Error> {
    let found = attachments::table.filter(of(to)).filter(attachments::id.eq(id.uuid()));
    let found: Option<Uuid> = found.select(attachments::id).get_result(conn).optional()?;
    found.map(|found| delete_all(conn, &[found])).transpose()
}

/// Takes everything away that is attached there, and gives the files that it was.
pub(crate) fn delete_all_of(conn: &mut PgConnection, to: AttachedTo) -> Result<Vec<FileId>, Error> {
    let ids: Vec<Uuid> = attachments::table.filter(of(to)).select(attachments::id).load(conn)?;
    delete_all(conn, &ids)
}

/// Takes everything away that is attached to a party's jobs and bids, and gives the files that it was.
pub(crate) fn delete_all_of_party(conn: &mut PgConnection, party: PartyId) -> Result<Vec<FileId>, Error> {
    let ids = ids_of_party(conn, party)?;
    delete_all(conn, &ids)
}

fn delete_all(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<FileId>, Error> {
    let of_these = attachment_files::table.filter(attachment_files::attachment_id.eq_any(ids));
    let files = diesel::delete(of_these).returning(attachment_files::file_id).get_results(conn)?;
    diesel::delete(attachments::table.filter(attachments::id.eq_any(ids))).execute(conn)?;
    Ok(files)
}
