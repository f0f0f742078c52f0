//! Against a real mail server, and into a folder. The server is aiosmtpd from PyPI, installed below the build's folder; without
//! Python or a way to the index these tests say so and do nothing.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, LazyLock};

use kernel::Role::{Contractor, Homeowner};
use notifications::{FolderMailer, Mail, MailError, Mailer, Settings, SmtpMailer};
use secrecy::SecretString;
use serde_json::Value;

use crate::world::World;

/// Where aiosmtpd lies, or why it does not.
static AIOSMTPD: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aiosmtpd");
    if home.join("aiosmtpd/smtp.py").exists() {
        return Ok(home);
    }
    let installed = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
        .arg(&home)
        .arg("aiosmtpd==1.4.6")
        .output();
    match installed {
        Ok(output) if output.status.success() => Ok(home),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("python3: {error}")),
    }
});

/// A running server.
struct Peer {
    process: Child,
    lines: BufReader<ChildStdout>,
    port: u64,
}

impl Peer {
    /// None where it cannot be had, which is said.
    fn start() -> Option<Self> {
        let home = match AIOSMTPD.as_ref() {
            Ok(home) => home,
            Err(why) => {
                eprintln!("SKIPPED: no aiosmtpd to send mail to: {why}");
                return None;
            }
        };
        let mut process = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp_peer.py"))
            .env("PYTHONPATH", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 was there a moment ago");
        let lines = BufReader::new(process.stdout.take().unwrap());
        let mut peer = Self { process, lines, port: 0 };
        peer.port = peer.next()["port"].as_u64().unwrap();
        Some(peer)
    }

    /// What it says next.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.parse().unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn mailer(&self, query: &str, settings: &Settings) -> SmtpMailer {
        let url = SecretString::from(format!("smtp://127.0.0.1:{}{query}", self.port));
        SmtpMailer::new(&url, settings).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn mail_to(name: &str) -> Mail {
    Mail {
        id: format!("dlv_{name}"),
        written_at: "2026-11-21T10:15:30Z".parse().unwrap(),
        to_name: "Ada Lovelace".to_owned(),
        to_address: format!("{name}@example.org"),
        subject: "“Zaun” streichen".to_owned(),
        text: "Hello Ada,\n\nthe fence.\n".to_owned(),
        html: "<p>Hello Ada,</p>".to_owned(),
        important: false,
    }
}

#[test]
fn a_mail_arrives_whole_and_connections_are_used_again() {
    let Some(mut peer) = Peer::start() else { return };
    let settings =
        Settings { mail_from: "FairTradeWorker <no-reply@example.com>".to_owned(), ..Settings::default() };
    let mailer = peer.mailer("", &settings);
    for name in ["ada", "grace"] {
        mailer.send(&mail_to(name)).unwrap();
        let arrived = peer.next();
        assert_eq!(arrived["sender"], "no-reply@example.com");
        assert_eq!(arrived["to"][0], format!("{name}@example.org"));
        let mail = arrived["mail"].as_str().unwrap();
        for part in [
            "From: FairTradeWorker <no-reply@example.com>".to_owned(),
            format!("Message-ID: <dlv_{name}@example.com>"),
            "Content-Type: text/plain; charset=utf-8".to_owned(),
            "Content-Type: text/html; charset=utf-8".to_owned(),
            "the fence.".to_owned(),
        ] {
            assert!(mail.contains(&part), "{part} in {mail}");
        }
    }
}

#[test]
fn refusals_are_final_and_others_are_not() {
    let Some(peer) = Peer::start() else { return };
    let mailer = peer.mailer("", &Settings { smtp_timeout_seconds: 1, ..Settings::default() });
    let outcome = |name| mailer.send(&mail_to(name)).unwrap_err();
    assert_eq!(outcome("refused"), MailError::Permanent("smtp_550".to_owned()));
    assert_eq!(outcome("later"), MailError::Temporary("smtp_451".to_owned()));
    assert!(matches!(outcome("slow"), MailError::Temporary(reason) if reason.starts_with("smtp_")));
    // After a failed one the next still goes out.
    mailer.send(&mail_to("ada")).unwrap();
}

#[test]
fn a_server_that_cannot_encrypt_gets_nothing_when_encryption_is_asked_for() {
    let Some(peer) = Peer::start() else { return };
    let mailer = peer.mailer("?tls=required", &Settings::default());
    assert!(matches!(mailer.send(&mail_to("ada")), Err(MailError::Temporary(_))));
}

#[test]
fn from_an_event_to_the_mail_server() {
    let Some(mut peer) = Peer::start() else { return };
    let world = World::with_mailer(Arc::new(peer.mailer("", &Settings::default())));
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Refused"));
    world.tell("contract.activated", world.everything(ada, bob));
    assert_eq!(peer.next()["to"][0], "ada@example.org");
    let mut stand: Vec<_> = world.mails().split(", ").map(str::to_owned).collect();
    stand.sort();
    assert_eq!(stand, ["FAILED smtp_550 1", "SENT 1"]);
}

#[test]
fn from_an_event_into_the_folder() {
    let home = tempfile::tempdir().unwrap();
    let mailer = Arc::new(FolderMailer::new(home.path().join("mail"), "no-reply@example.com").unwrap());
    let world = World::with_mailer(mailer.clone());
    let (ada, bob) = (world.person(Homeowner, "Ada"), world.person(Contractor, "Bob"));
    world.tell("milestone.released", world.everything(ada, bob));
    let mut letters: Vec<_> = std::fs::read_dir(mailer.folder())
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    letters.sort();
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().any(|letter| letter.contains("ada@example.org")));
    let to_bob = letters.iter().find(|letter| letter.contains("bob@example.org")).unwrap();
    assert!(to_bob.contains("1,747.80 USD") && to_bob.contains("52.20 USD"), "{to_bob}");
    assert_eq!(world.service.describe_mail(), format!("as .eml files in {}", mailer.folder().display()));
}
