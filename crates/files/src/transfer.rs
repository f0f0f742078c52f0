//! A file on its way in or out, piece by piece: never more of it is in memory than one part. Every call here may block.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, MultipartUpload, ObjectStoreExt};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::model::{ContentType, File, FileId, NewFile, Received, media_type};
use crate::storage::{Storage, StorageError};

/// So many first bytes tell what a file is.
const HEAD_BYTES: usize = 512;
/// A piece of a file on its way out is about so long.
const PIECE_BYTES: usize = 256 * 1024;

/// A file that is being received. Dropped without [`Upload::finish`] it is swept up later.
pub struct Upload {
    id: FileId,
    key: Path,
    new: NewFile,
    storage: Storage,
    size: u64,
    hash: Sha256,
    content_type: Option<ContentType>,
    /// What is not stored yet.
    rest: BytesMut,
    /// None until there is more than one part.
    parts: Option<Box<dyn MultipartUpload>>,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("id", &self.id).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Upload {
    pub(crate) fn new(id: FileId, key: &str, new: NewFile, storage: Storage) -> Self {
        Self {
            id,
            key: Path::from(key),
            new,
            storage,
            size: 0,
            hash: Sha256::new(),
            content_type: None,
            rest: BytesMut::new(),
            parts: None,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> FileId {
        self.id
    }

    /// The most bytes that it may have.
    #[must_use]
    pub fn bytes_max(&self) -> u64 {
        self.new.limits.bytes_max
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Unsupported`], [`Error::Storage`]; abandon it then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.bytes_max() {
            return Err(Error::TooLarge { most: self.bytes_max() });
        }
        self.hash.update(bytes);
        self.rest.extend_from_slice(bytes);
        if self.content_type.is_none() && self.rest.len() >= HEAD_BYTES {
            self.judge()?;
        }
        while self.rest.len() > self.storage.part_bytes() {
            let part = self.rest.split_to(self.storage.part_bytes()).freeze();
            self.send(part)?;
        }
        Ok(())
    }

    /// Stores what is left; afterwards every byte is where it will stay.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Unsupported`], [`Error::Storage`].
    pub fn finish(mut self) -> Result<Received, Error> {
        if self.size == 0 {
            return Err(Error::Empty);
        }
        let content_type = match self.content_type {
            Some(known) => known,
            None => self.judge()?,
        };
        let rest = std::mem::take(&mut self.rest).freeze();
        if self.parts.is_some() {
            if !rest.is_empty() {
                self.send(rest)?;
            }
            if let Some(mut parts) = self.parts.take() {
                self.storage.wait(parts.complete())?.map_err(StorageError::from)?;
            }
        } else {
            let put = self.storage.objects().put(&self.key, rest.into());
            self.storage.wait(put)?.map_err(StorageError::from)?;
        }
        let sha256 = self.hash.clone().finalize().into();
        Ok(Received { id: self.id, owner: self.new.owner, content_type, size: self.size, sha256 })
    }

    /// Lets go of what was stored of it so far, as well as it can; the sweep does the rest.
    pub fn abandon(mut self) {
        if let Some(mut parts) = self.parts.take()
            && let Ok(Err(error)) = self.storage.wait(parts.abort())
        {
            tracing::debug!(%error, id = %self.id, "an upload could not be aborted");
        }
    }

    fn judge(&mut self) -> Result<ContentType, Error> {
        let allowed = self.new.limits.types;
        let found = media_type(&self.rest);
        self.content_type = found.and_then(ContentType::parse).filter(|found| allowed.contains(found));
        self.content_type.ok_or(Error::Unsupported { found, allowed })
    }

    fn send(&mut self, part: Bytes) -> Result<(), StorageError> {
        if self.parts.is_none() {
            let begun = self.storage.wait(self.storage.objects().put_multipart(&self.key))??;
            self.parts = Some(begun);
        }
        if let Some(parts) = &mut self.parts {
            self.storage.wait(parts.put_part(part.into()))??;
        }
        Ok(())
    }
}

/// A stored file's bytes, piece by piece.
pub struct Download {
    storage: Storage,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").finish_non_exhaustive()
    }
}

impl Download {
    pub(crate) fn open(file: &File, part: Option<Range<u64>>, storage: &Storage) -> Result<Self, Error> {
        let path = Path::from(file.storage_key.as_str());
        let options = GetOptions { range: part.map(GetRange::Bounded), ..GetOptions::default() };
        let found = storage.wait(storage.objects().get_opts(&path, options))?.map_err(StorageError::from)?;
        Ok(Self { stream: found.into_stream(), storage: storage.clone() })
    }

    async fn piece(
        stream: &mut BoxStream<'static, object_store::Result<Bytes>>,
    ) -> object_store::Result<Bytes> {
        let mut piece = BytesMut::new();
        while piece.len() < PIECE_BYTES {
            match stream.next().await {
                Some(next) => piece.extend_from_slice(&next?),
                None => break,
            }
        }
        Ok(piece.freeze())
    }
}

impl Iterator for Download {
    type Item = Result<Bytes, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let storage = self.storage.clone();
        let piece = storage.wait(Self::piece(&mut self.stream));
        match piece.and_then(|piece| piece.map_err(StorageError::from)) {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => Some(Ok(piece)),
            Err(error) => Some(Err(error.into())),
        }
    }
}
