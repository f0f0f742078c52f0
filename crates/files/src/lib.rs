#![doc = include_str!("../README.md")]

mod error;
#[cfg(feature = "s3")]
mod http;
mod model;
mod picture;
#[rustfmt::skip]
mod schema;
mod service;
mod settings;
mod storage;
mod store;
mod tasks;
mod transfer;

use std::ops::Range;

pub use error::Error;
pub use model::{ContentType, Delivery, Drawing, Drawn, File, FileId, FileName, Limits, NewFile, Received};
pub use service::{FilesService, find_all, forget_owner, keep, remove};
pub use settings::{S3Keys, S3Settings, Settings};
pub use storage::{Storage, StorageError};
pub use tasks::{Sweep, register};
pub use transfer::{Download, Upload};

/// What can be asked of this crate. That whoever asks may is for the caller to know.
pub trait FilesQueries: Send + Sync {
    /// A stored file's bytes, piece by piece.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn open(&self, file: &File) -> Result<Download, Error>;

    /// The bytes of a stored file in this range, which lies within it, piece by piece.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn open_part(&self, file: &File, part: Range<u64>) -> Result<Download, Error>;
}

/// What can be told to this crate.
pub trait FilesCommands: FilesQueries {
    /// Begins to receive a file. What comes of it counts once [`keep`] is called in the transaction of whatever it is for; until then it
    /// is swept up after a day. Call it in no transaction of your own: that a file is coming has to stay known if the process dies.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn begin(&self, new: NewFile) -> Result<Upload, Error>;

    /// Draws a picture that was received anew, in each of these sizes: the way up that it was taken, in colours that every screen shows,
    /// and without a word of what the camera or anybody else wrote into it. What comes of it counts once it is [kept](keep), as of an
    /// upload. Takes up to twelve bytes of memory for each pixel that was received; how many are drawn at once is for the caller to limit.
    ///
    /// # Errors
    /// [`Error::TooManyPixels`], [`Error::BrokenPicture`], [`Error::Gone`], [`Error::Storage`], [`Error::Database`]; nothing is left to keep
    /// then.
    fn draw(&self, received: &Received, drawing: &Drawing) -> Result<Vec<Drawn>, Error>;

    /// Gives up at once a file that was received and is not wanted; one that is kept stays.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Database`]; the sweep does it later then.
    fn discard(&self, id: FileId) -> Result<(), Error>;
}
