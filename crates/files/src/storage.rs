//! Where bytes are: a folder, or an object store. What they are bytes of does not belong here.
//!
//! The library underneath is asynchronous. It runs on a small runtime of its own, so that this crate's face stays synchronous; its
//! functions block, and belong on threads that may.

use std::future::Future;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
#[cfg(feature = "s3")]
use std::time::Duration;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};

/// How many bytes are held before they go to a folder.
const FOLDER_PART_BYTES: usize = 256 * 1024;
/// S3 takes no smaller parts but the last.
#[cfg(feature = "s3")]
const S3_PART_BYTES: usize = 5 * 1024 * 1024;
/// How often S3 is asked again after a failure that may pass.
#[cfg(feature = "s3")]
const S3_RETRIES: usize = 4;
/// How long one request to S3 may take with all its retries: a part, or the first bytes of an answer.
#[cfg(feature = "s3")]
const S3_PATIENCE: Duration = Duration::from_secs(30);
/// What is kept to see whether something can be.
const PROOF: &[u8] = b"fairtrade";
/// Threads for what blocks underneath: opening, writing, syncing.
const FOLDER_THREADS: usize = 8;
/// The same for a bucket, where most of it is waiting.
#[cfg(feature = "s3")]
const S3_THREADS: usize = 32;

/// The folder or object store does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It failed.
    #[error("files cannot be stored or read: {0}")]
    Store(#[from] object_store::Error),
    /// The folder cannot be made, or a thread not be started.
    #[error("the storage of files cannot be opened: {0}")]
    Open(#[from] std::io::Error),
}

/// Where bytes are kept. Cheap to clone.
#[derive(Clone)]
pub struct Storage(Arc<Inner>);

struct Inner {
    objects: Arc<dyn ObjectStore>,
    runtime: Option<Runtime>,
    part_bytes: usize,
    folder: Option<PathBuf>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Whoever drops the last one may be an async thread, which must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Storage").field(&self.0.objects.to_string()).finish()
    }
}

impl Storage {
    /// A folder on this machine, made when it is missing; written through to the disk before a file counts.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be made or written to.
    pub fn folder(folder: &FsPath) -> Result<Self, StorageError> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let folder = folder.canonicalize()?;
        let objects = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
        Self::over(Arc::new(objects), (FOLDER_PART_BYTES, FOLDER_THREADS), Some(folder))
    }

    /// A bucket. Nobody is asked yet; [`Storage::prove`] does that.
    ///
    /// # Errors
    /// [`StorageError`] when what is stated cannot be.
    #[cfg(feature = "s3")]
    pub fn s3(settings: &crate::S3Settings) -> Result<Self, StorageError> {
        use object_store::RetryConfig;
        use object_store::aws::AmazonS3Builder;
        use secrecy::ExposeSecret;

        let retry =
            RetryConfig { max_retries: S3_RETRIES, retry_timeout: S3_PATIENCE, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&settings.bucket)
            .with_retry(retry)
            .with_http_connector(crate::http::Http::new())
            // Not everything that speaks like S3 can remove many at once, and we never do.
            .with_disable_bulk_delete(true);
        if let Some(region) = &settings.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(keys) = &settings.keys {
            builder = builder
                .with_access_key_id(&keys.access_key_id)
                .with_secret_access_key(keys.secret_access_key.expose_secret());
        }
        Self::over(Arc::new(builder.build()?), (S3_PART_BYTES, S3_THREADS), None)
    }

    /// Keeps a few bytes, reads them and removes them: everything that is needed later is tried.
    ///
    /// # Errors
    /// [`StorageError`] with what could not be done.
    pub fn prove(&self) -> Result<(), StorageError> {
        let path = Path::from(format!("proof/{}", uuid::Uuid::now_v7().simple()));
        let objects = self.objects();
        self.wait(async {
            objects.put(&path, PROOF.into()).await?;
            let read = objects.get(&path).await?.bytes().await?;
            objects.delete(&path).await?;
            Ok::<_, object_store::Error>(read)
        })?
        .map_err(StorageError::from)
        .and_then(|read| match read.as_ref() == PROOF {
            true => Ok(()),
            false => Err(std::io::Error::other("what was kept came back as something else").into()),
        })
    }

    fn over(
        objects: Arc<dyn ObjectStore>,
        (part_bytes, threads): (usize, usize),
        folder: Option<PathBuf>,
    ) -> Result<Self, StorageError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(threads)
            .thread_name("files")
            .enable_all()
            .build()?;
        Ok(Self(Arc::new(Inner { objects, runtime: Some(runtime), part_bytes, folder })))
    }

    /// Runs what is asynchronous underneath to its end.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, StorageError> {
        match &self.0.runtime {
            Some(runtime) => Ok(runtime.block_on(work)),
            None => Err(std::io::Error::other("the runtime has ended").into()),
        }
    }

    pub(crate) fn objects(&self) -> &dyn ObjectStore {
        self.0.objects.as_ref()
    }

    /// How many bytes go at once.
    pub(crate) fn part_bytes(&self) -> usize {
        self.0.part_bytes
    }

    /// All bytes of an object.
    pub(crate) fn whole(&self, key: &str) -> Result<Bytes, StorageError> {
        let path = Path::from(key);
        Ok(self.wait(async { self.objects().get(&path).await?.bytes().await })??)
    }

    /// Removes an object and what an interrupted upload left of it; that there is none is fine.
    pub(crate) fn delete(&self, key: &str) -> Result<(), StorageError> {
        let path = Path::from(key);
        match self.wait(self.objects().delete(&path))? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.0.folder.as_ref().map_or(Ok(()), |folder| remove_staged(&folder.join(key)))
    }
}

/// While it is being written, `name` is `name#1`; a killed process leaves it so.
fn remove_staged(file: &FsPath) -> Result<(), StorageError> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return Ok(()) };
    let staged = format!("{}#", name.to_string_lossy());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&staged) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
