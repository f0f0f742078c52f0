//! Where the files of people are kept: a folder, or a bucket.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::load::ConfigFaults;

/// Where the files of people are kept.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageSettings {
    /// The folder; `files` in the data directory when it is not stated. Several servers share one, or a bucket.
    pub folder: Option<PathBuf>,
    /// A bucket of Amazon S3, or of what speaks like it, instead.
    pub s3_bucket: Option<String>,
    /// The bucket's region.
    pub s3_region: Option<String>,
    /// Where the bucket is, when it is not Amazon's.
    pub s3_endpoint: Option<String>,
    /// Who we are there; that of `AWS_ACCESS_KEY_ID`, or the machine's role, when it is not stated.
    pub s3_access_key_id: Option<String>,
    /// What proves it.
    #[serde(skip_serializing)]
    pub s3_secret_access_key: Option<SecretString>,
}

impl StorageSettings {
    /// # Errors
    /// A fault where something is stated of a bucket that is not, or half of a key.
    pub(super) fn check(&self) -> Result<(), ConfigFaults> {
        let mut faults = ConfigFaults::default();
        let without_bucket = [
            ("s3_region", self.s3_region.is_some()),
            ("s3_endpoint", self.s3_endpoint.is_some()),
            ("s3_access_key_id", self.s3_access_key_id.is_some()),
            ("s3_secret_access_key", self.s3_secret_access_key.is_some()),
        ];
        for (name, _) in without_bucket.iter().filter(|(_, stated)| *stated && self.s3_bucket.is_none()) {
            let message = "is stated, but files are kept in a folder unless `storage.s3_bucket` is";
            faults.push(format!("storage.{name}"), "the configuration", message);
        }
        if self.s3_access_key_id.is_some() != self.s3_secret_access_key.is_some() {
            let message = "needs `storage.s3_secret_access_key` beside it, and that needs this";
            faults.push("storage.s3_access_key_id", "the configuration", message);
        }
        if self.s3_bucket.is_some() && self.folder.is_some() {
            let message =
                "is stated, but files are kept in the bucket `storage.s3_bucket`: leave one of both out";
            faults.push("storage.folder", "the configuration", message);
        }
        faults.or(())
    }

    /// The bucket, when one is stated.
    #[must_use]
    pub fn s3(&self) -> Option<files::S3Settings> {
        let keys = self.s3_access_key_id.clone().zip(self.s3_secret_access_key.clone());
        Some(files::S3Settings {
            bucket: self.s3_bucket.clone()?,
            region: self.s3_region.clone(),
            endpoint: self.s3_endpoint.clone(),
            keys: keys
                .map(|(access_key_id, secret_access_key)| files::S3Keys { access_key_id, secret_access_key }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_of_a_bucket_needs_one() {
        let key = || Some("AKIAEXAMPLE".to_owned());
        let faults = |storage: StorageSettings| storage.check().err().map_or(0, |faults| faults.0.len());
        let bucket = StorageSettings { s3_bucket: Some("papers".to_owned()), ..StorageSettings::default() };
        let secret = Some(SecretString::from("hunter2"));
        assert_eq!(faults(StorageSettings::default()), 0);
        assert_eq!(faults(bucket.clone()), 0);
        let keyed =
            StorageSettings { s3_access_key_id: key(), s3_secret_access_key: secret, ..bucket.clone() };
        assert_eq!(faults(keyed.clone()), 0);
        assert!(!format!("{keyed:?} {:?}", keyed.s3()).contains("hunter2"));
        assert_eq!(faults(StorageSettings { s3_access_key_id: key(), ..bucket.clone() }), 1);
        assert_eq!(faults(StorageSettings { folder: Some(PathBuf::from("files")), ..bucket }), 1);
        let region = Some("eu-central-1".to_owned());
        assert_eq!(faults(StorageSettings { s3_region: region, ..StorageSettings::default() }), 1);
    }
}
