//! The mail that went out, as a person would find it in the folder.

use std::fs;

use crate::{Person, TestApp};

/// How long the tokens in mails are.
const TOKEN_CHARS: usize = 43;

impl TestApp {
    /// The mails to this address, oldest first, as they were written. What is due is sent by [`TestApp::settle`].
    ///
    /// # Panics
    /// When the folder cannot be read.
    #[must_use]
    pub fn mails_to(&self, email: &str) -> Vec<String> {
        let Ok(folder) = fs::read_dir(self.mail_folder()) else { return Vec::new() };
        let mut files: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let read = |path: &std::path::PathBuf| {
            fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let is_to = |mail: &String| {
            mail.lines().any(|line| line.strip_prefix("To: ").is_some_and(|to| to.contains(email)))
        };
        files.iter().map(read).filter(is_to).collect()
    }

    /// The token in the newest mail to this person that has one.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn mailed_token(&self, person: &Person) -> String {
        let mails = self.mails_to(&person.email);
        let token =
            mails.iter().rev().find_map(|mail| mail.lines().map(str::trim).find(|line| is_token(line)));
        token
            .map(str::to_owned)
            .unwrap_or_else(|| panic!("no token was mailed to {}: {mails:#?}", person.email))
    }
}

fn is_token(line: &str) -> bool {
    line.len() == TOKEN_CHARS && line.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
