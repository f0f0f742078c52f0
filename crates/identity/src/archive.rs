//! An archive of everything that is held about a person: `data.json` and the files, one after the other into an upload. Nothing of it
//! touches this machine's disk on the way, and no more of it is in memory than the document and a part.

use std::io::{self, Write};

use files::{FilesQueries, Received, Upload};
use outbox::{TaskError, TaskRun};
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use crate::Error;
use crate::model::{PersonalRecord, path_in_export};

/// Where the document is.
const DOCUMENT: &str = "data.json";

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// It cannot be stored, or one of the files not be read.
    #[error(transparent)]
    Files(#[from] files::Error),
    /// It cannot be written.
    #[error("the archive cannot be written: {0}")]
    Write(#[from] ZipError),
    /// Another worker is at it.
    #[error("{0}")]
    Lease(TaskError),
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<files::Error>() {
            Ok(error) => Self::Files(error),
            Err(error) => Self::Write(error.into()),
        }
    }
}

impl From<ArchiveError> for Error {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Files(error) => Self::File(error),
            other => Self::Export(other.to_string()),
        }
    }
}

/// Writes the archive; its last byte is stored when this returns.
pub(crate) fn write(
    upload: Upload,
    storage: &dyn FilesQueries,
    record: &PersonalRecord,
    run: &TaskRun,
) -> Result<Received, ArchiveError> {
    let mut archive = ZipWriter::new_stream(Pipe(upload));
    begin(&mut archive, DOCUMENT)?;
    serde_json::to_writer_pretty(&mut archive, &record.document()).map_err(io::Error::from)?;
    for file in &record.files {
        run.renew().map_err(ArchiveError::Lease)?;
        begin(&mut archive, &path_in_export(file))?;
        for piece in storage.open(file)? {
            archive.write_all(&piece?)?;
        }
    }
    let Pipe(upload) = archive.finish().map_err(unwrapped)?.into_inner();
    Ok(upload.finish()?)
}

fn begin(archive: &mut ZipWriter<StreamWriter<Pipe>>, path: &str) -> Result<(), ArchiveError> {
    // How long a file becomes is not known before its end: the form for large ones holds for all.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .large_file(true)
        .unix_permissions(0o600);
    archive.start_file(path, options).map_err(unwrapped)
}

/// What went wrong below the archive's own format.
fn unwrapped(error: ZipError) -> ArchiveError {
    match error {
        ZipError::Io(error) => error.into(),
        other => other.into(),
    }
}

/// An upload as something to write to.
struct Pipe(Upload);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
