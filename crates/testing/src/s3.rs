//! What speaks like Amazon S3, for one test: npm's `s3rver`, a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

const HOW_TO_INSTALL: &str = "run `scripts/prerequisites tests` (`make test` does): it takes Node.js, 18 or newer, and `npm ci` in tests/s3";

/// An object store with one bucket that runs until it is dropped.
pub struct S3Server {
    endpoint: String,
    folder: TempDir,
    process: Child,
    /// It ends when this does, even if nobody is left to kill it.
    _life: Option<ChildStdin>,
}

impl S3Server {
    /// The name of its bucket.
    pub const BUCKET: &'static str = "papers";
    /// The name of the key that it knows.
    pub const ACCESS_KEY_ID: &'static str = "S3RVER";
    /// What proves it.
    pub const SECRET_ACCESS_KEY: &'static str = "S3RVER";

    /// Starts it.
    ///
    /// # Panics
    /// When it does not start; says what to install.
    #[must_use]
    pub fn start() -> Self {
        let folder = TempDir::new().expect("no folder for objects");
        let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/s3");
        assert!(server.join("node_modules/s3rver").is_dir(), "{HOW_TO_INSTALL}");
        let options = json!({ "folder": folder.path(), "bucket": Self::BUCKET });
        let mut process = Command::new("node")
            .arg(server.join("server.mjs"))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("node does not start: {error}; {HOW_TO_INSTALL}"));
        let mut endpoint = String::new();
        if let Some(output) = process.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut endpoint);
        }
        let endpoint = endpoint.trim().to_owned();
        assert!(!endpoint.is_empty(), "the object store did not start; {HOW_TO_INSTALL}");
        Self { endpoint, folder, _life: process.stdin.take(), process }
    }

    /// Its address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The objects in its bucket, by their keys, in order.
    ///
    /// # Panics
    /// When its folder cannot be read.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        const CONTENT: &str = "._S3rver_object";
        let bucket = self.folder.path().join(Self::BUCKET);
        let mut keys = Vec::new();
        let mut open: Vec<PathBuf> = vec![bucket.clone()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).expect("the bucket's folder").flatten() {
                let path = entry.path();
                let name = path.strip_prefix(&bucket).map(|name| name.to_string_lossy().into_owned());
                let name = name.unwrap_or_default();
                if path.is_dir() {
                    // Parts that wait to be put together.
                    if !name.contains("._S3rver_uploads") {
                        open.push(path);
                    }
                } else if let Some(key) = name.strip_suffix(CONTENT) {
                    keys.push(key.to_owned());
                }
            }
        }
        keys.sort();
        keys
    }

    /// Ends it, as a machine that fails.
    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop();
    }
}
