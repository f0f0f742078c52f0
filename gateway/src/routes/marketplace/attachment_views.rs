//! Attachments in requests and answers.

use chrono::{DateTime, Utc};
use marketplace::{AttachedTo, Attachment, AttachmentId, AttachmentKind, BidId, JobId, PhotoSize};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::words::{AttachmentKindWord, AttachmentRef, PhotoSizeWord, Word};
use crate::Reply;

/// What is said about an attachment that is sent.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AttachmentNew {
    /// What it is called; a path before it is dropped.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
}

/// How an attachment is wanted.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AttachmentQuery {
    /// In which size, of a photograph; `full` unless it is said.
    pub size: Option<PhotoSizeWord>,
}

impl AttachmentQuery {
    /// The size.
    #[must_use]
    pub fn size(&self) -> PhotoSize {
        self.size.map_or(PhotoSize::Full, |word| word.0)
    }
}

/// A photograph or document.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentView {
    /// The attachment.
    pub id: AttachmentRef,
    /// What it is.
    pub kind: AttachmentKindWord,
    /// What it is called, with the ending of what it is.
    pub name: String,
    /// What it is by its bytes.
    pub content_type: &'static str,
    /// How many bytes it has.
    pub size: u64,
    /// The SHA-256 of its bytes as they are given, in hexadecimal: of a document as it was sent, of a photograph as it was drawn.
    pub sha256: String,
    /// How wide a photograph is, in pixels.
    pub width: Option<u32>,
    /// How high it is.
    pub height: Option<u32>,
    /// When it was added.
    pub added_at: DateTime<Utc>,
    /// Where it is, on this server.
    pub url: String,
    /// A photograph with no side longer than 1,280 pixels.
    pub preview_url: Option<String>,
    /// A photograph with no side longer than 320 pixels.
    pub thumbnail_url: Option<String>,
}

impl From<Attachment> for AttachmentView {
    fn from(attachment: Attachment) -> Self {
        let Attachment { id, to, kind, file, pixels, added_at } = attachment;
        let url = path_of(to, id);
        let sized = |size: PhotoSize| (kind == AttachmentKind::Photo).then(|| format!("{url}?size={size}"));
        Self {
            id: id.into(),
            kind: Word(kind),
            name: file.download_name(),
            content_type: file.content_type.as_str(),
            size: file.size,
            sha256: hex::encode(file.sha256),
            width: pixels.map(|(width, _)| width),
            height: pixels.map(|(_, height)| height),
            added_at,
            preview_url: sized(PhotoSize::Preview),
            thumbnail_url: sized(PhotoSize::Thumbnail),
            url,
        }
    }
}

impl AttachmentView {
    /// 201 with it.
    #[must_use]
    pub fn created(&self) -> Reply {
        Reply::created(self.url.clone(), self)
    }

    /// An example for the document: a photograph of a job.
    #[must_use]
    pub fn example() -> Self {
        Self::example_of(AttachedTo::Job(JobId::from(Uuid::nil())))
    }

    /// The same of a bid.
    #[must_use]
    pub fn bid_example() -> Self {
        Self::example_of(AttachedTo::Bid(BidId::from(Uuid::nil())))
    }

    fn example_of(to: AttachedTo) -> Self {
        let id = AttachmentId::from(Uuid::nil());
        let url = path_of(to, id);
        Self {
            id: id.into(),
            kind: Word(AttachmentKind::Photo),
            name: "sink.jpg".to_owned(),
            content_type: "image/jpeg",
            size: 482_044,
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
            width: Some(1_920),
            height: Some(2_560),
            added_at: DateTime::UNIX_EPOCH,
            preview_url: Some(format!("{url}?size=preview")),
            thumbnail_url: Some(format!("{url}?size=thumbnail")),
            url,
        }
    }
}

fn path_of(to: AttachedTo, id: AttachmentId) -> String {
    match to {
        AttachedTo::Job(job) => format!("/api/jobs/{job}/attachments/{id}"),
        AttachedTo::Bid(bid) => format!("/api/bids/{bid}/attachments/{id}"),
    }
}
