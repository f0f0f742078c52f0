//! The numbers of this crate, and what an object store is reached by.

use kernel::Faults;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Settings of this crate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// After how many hours a file that was begun, or received and not kept, is swept up.
    pub abandoned_hours: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { abandoned_hours: 24 }
    }
}

impl Settings {
    /// # Errors
    /// Every number out of its bounds, by the setting's name.
    pub fn check(&self) -> Result<(), Faults> {
        let bounds = 1..=720;
        if bounds.contains(&u64::from(self.abandoned_hours)) {
            Ok(())
        } else {
            Err(crate::model::out_of_range("files.abandoned_hours", &bounds).into())
        }
    }
}

/// A bucket of Amazon S3, or of what speaks like it.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// The bucket.
    pub bucket: String,
    /// Its region; that of `AWS_REGION`, or `us-east-1`, when it is not stated.
    pub region: Option<String>,
    /// Where it is, when it is not Amazon's: `https://minio.example.org`.
    pub endpoint: Option<String>,
    /// Who we are there; when it is not stated, whom `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` name, or the machine's own role.
    pub keys: Option<S3Keys>,
}

/// Who somebody is at an object store.
#[derive(Debug, Clone)]
pub struct S3Keys {
    /// The name of the key.
    pub access_key_id: String,
    /// What proves it.
    pub secret_access_key: SecretString,
}
