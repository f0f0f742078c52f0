//! Mails as `.eml` files in a folder that a person can open: what happens while no mail server is configured.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use lettre::message::Mailbox;

use super::{BadSender, Mail, MailError, Mailer, compose, sender};

/// Writes each mail into a file of its own. Names sort by time and are the same for every try, so a mail is there once.
#[derive(Debug, Clone)]
pub struct FolderMailer {
    folder: PathBuf,
    from: Mailbox,
}

impl FolderMailer {
    /// Mails from this sender into this folder, which is made when the first one comes.
    ///
    /// # Errors
    /// [`BadSender`].
    pub fn new(folder: impl Into<PathBuf>, from: &str) -> Result<Self, BadSender> {
        Ok(Self { folder: folder.into(), from: sender(from)? })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        // Mails carry tokens: nobody but the program's own user may read them.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let unfinished = self.folder.join(format!(".{name}.unfinished"));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        // Whoever watches the folder sees whole mails only.
        fs::rename(&unfinished, self.folder.join(name))
    }
}

impl Mailer for FolderMailer {
    fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = compose(mail, &self.from)?;
        let name = format!("{}-{}.eml", mail.written_at.format("%Y%m%dT%H%M%S%.6fZ"), mail.id);
        self.write(&name, &message.formatted()).map_err(|error| {
            tracing::error!(folder = %self.folder.display(), %error, "a mail cannot be written");
            MailError::Temporary("folder_unwritable".to_owned())
        })
    }

    fn describe(&self) -> String {
        format!("as .eml files in {}", self.folder.display())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::mail::sample;

    #[test]
    fn a_mail_is_there_once_whole_and_private_however_often_it_is_tried() {
        let home = tempfile::tempdir().unwrap();
        let mailer = FolderMailer::new(home.path().join("mail"), "no-reply@example.com").unwrap();
        let later = Mail {
            id: "dlv_0".to_owned(),
            written_at: sample().written_at + chrono::TimeDelta::seconds(1),
            ..sample()
        };
        for mail in [&later, &sample(), &sample()] {
            mailer.send(mail).unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(mailer.folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["20261121T101530.123000Z-dlv_1.eml", "20261121T101531.123000Z-dlv_0.eml"]);
        let file = mailer.folder().join(&names[0]);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(mailer.folder()).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(fs::read_to_string(file).unwrap().contains("To: \"Ada Lovelace\" <ada@example.org>"));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_worth_another_try() {
        let home = tempfile::tempdir().unwrap();
        let in_the_way = home.path().join("mail");
        fs::write(&in_the_way, "not a folder").unwrap();
        let mailer = FolderMailer::new(in_the_way, "no-reply@example.com").unwrap();
        assert_eq!(mailer.send(&sample()), Err(MailError::Temporary("folder_unwritable".to_owned())));
    }
}
