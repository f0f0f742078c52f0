//! What is attached to jobs and bids: photographs and documents.

use files::{ContentType, Drawing, File, NewFile};
use kernel::Instant;

use super::bid::BidId;
use super::job::JobId;

kernel::id!(
    /// A photograph or a document of a job or of a bid.
    AttachmentId,
    "att"
);

super::words! {
    /// What an attachment is.
    AttachmentKind {
        /// A picture, drawn anew in several sizes: nothing in it tells where or with what it was taken.
        Photo = "photo",
        /// A file that is kept byte by byte.
        Document = "document",
    }
}

super::words! {
    /// In which size a photograph is wanted.
    PhotoSize {
        /// For a list.
        Thumbnail = "thumbnail",
        /// For a page.
        Preview = "preview",
        /// To look closely.
        Full = "full",
    }
}

/// The longest side of a preview, in pixels.
pub(crate) const PREVIEW_SIDE: u32 = 1_280;
/// The longest side of a thumbnail, in pixels.
pub(crate) const THUMBNAIL_SIDE: u32 = 320;

impl PhotoSize {
    /// The longest side in pixels, where the largest photographs are kept with that of `full`.
    #[must_use]
    pub const fn side(self, full: u32) -> u32 {
        match self {
            Self::Thumbnail => THUMBNAIL_SIDE,
            Self::Preview => PREVIEW_SIDE,
            Self::Full => full,
        }
    }
}

impl AttachmentKind {
    /// As what a file of this type is attached; none when it is not taken.
    #[must_use]
    pub const fn of(content_type: ContentType) -> Option<Self> {
        match content_type {
            ContentType::Jpeg | ContentType::Png | ContentType::Webp => Some(Self::Photo),
            ContentType::Pdf => Some(Self::Document),
            ContentType::Zip => None,
        }
    }
}

/// What can be attached.
pub(crate) const ATTACHED_TYPES: &[ContentType] =
    &[ContentType::Pdf, ContentType::Jpeg, ContentType::Png, ContentType::Webp];

/// What an attachment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachedTo {
    /// A job.
    Job(JobId),
    /// A bid.
    Bid(BidId),
}

/// How an attachment is to be received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentPlan {
    /// The file as it comes.
    pub file: NewFile,
    /// What is drawn of it when it is a picture, and kept in its place.
    pub drawing: Drawing,
}

/// An attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// What it belongs to.
    pub to: AttachedTo,
    /// What it is.
    pub kind: AttachmentKind,
    /// The file; of a photograph its largest size.
    pub file: File,
    /// Width and height of a photograph's largest size, in pixels.
    pub pixels: Option<(u32, u32)>,
    /// When it was added.
    pub added_at: Instant,
}

/// A file of an attachment, for somebody who may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedFile {
    /// The file.
    pub file: File,
    /// What it is of.
    pub kind: AttachmentKind,
    /// Whether everybody may have it now.
    pub public: bool,
}
