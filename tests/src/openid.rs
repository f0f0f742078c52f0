//! The outside world's OpenID provider: npm's `oidc-provider`, a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use identity::{OauthSettings, ProviderSettings};
use serde_json::{Value, json};

/// As the tests call it in paths.
pub const PROVIDER: &str = "test";
/// Where the client of the tests lives: nobody is there, the browser is stopped before it goes.
pub const CLIENT: &str = "http://127.0.0.1:9/signed-in";

const HOW_TO_INSTALL: &str = "run `scripts/prerequisites tests` (`make test` does): it takes Node.js, 18 or newer, and `npm ci` in tests/openid";

/// A provider that runs until it is dropped.
pub struct OpenIdPeer {
    issuer: String,
    options: Value,
    process: Child,
    /// It ends when this does, even if nobody is left to kill it.
    _input: Option<ChildStdin>,
}

impl OpenIdPeer {
    /// Starts it, as the standard has it: claims at the user-info endpoint, the client's secret in the header, RS256.
    ///
    /// # Panics
    /// When it does not start; says what to install.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(json!({}))
    }

    /// Starts it another way; see `tests/openid/provider.mjs`.
    ///
    /// # Panics
    /// As [`OpenIdPeer::start`].
    #[must_use]
    pub fn start_with(options: Value) -> Self {
        let folder = folder();
        assert!(folder.join("node_modules/oidc-provider").is_dir(), "{HOW_TO_INSTALL}");
        let mut process = Command::new("node")
            .arg(folder.join("provider.mjs"))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node does not start: {error}; {HOW_TO_INSTALL}"));
        let mut issuer = String::new();
        if let Some(output) = process.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut issuer);
        }
        let issuer = issuer.trim().to_owned();
        if issuer.is_empty() {
            let told = process.wait_with_output().map(|output| output.stderr).unwrap_or_default();
            panic!("the provider did not start: {}; {HOW_TO_INSTALL}", String::from_utf8_lossy(&told));
        }
        // It has to be able to write down its warnings, whoever reads them.
        if let Some(errors) = process.stderr.take() {
            std::thread::spawn(move || BufReader::new(errors).lines().count());
        }
        Self { issuer, options, _input: process.stdin.take(), process }
    }

    /// Its address, and its name in tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Settings under which people can sign in at it.
    #[must_use]
    pub fn settings(&self) -> OauthSettings {
        let provider = ProviderSettings {
            display_name: Some("The Test".to_owned()),
            issuer: self.issuer.clone(),
            client_id: "fairtrade".to_owned(),
            client_secret: Some("a secret of the client, for tests only".to_owned().into()),
            ..ProviderSettings::default()
        };
        OauthSettings {
            redirect_uris: vec![CLIENT.to_owned()],
            providers: [(PROVIDER.to_owned(), provider)].into(),
            ..OauthSettings::default()
        }
    }

    /// Who signs in there next: `sub`, and `email`, `email_verified`, `name` as it will tell them; or `deny` with a word of OAuth's.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn next(&self, account: Value) {
        let sent = reqwest::Client::new()
            .post(format!("{}/control", self.issuer))
            .body(account.to_string())
            .send()
            .await;
        assert!(sent.is_ok_and(|answer| answer.status().is_success()), "the provider is not there");
    }

    /// Ends it, as a machine that fails.
    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Ends it and starts it again at the same address, with new keys and no memory.
    ///
    /// # Panics
    /// As [`OpenIdPeer::start`].
    pub fn restart(&mut self) {
        self.stop();
        let port = self.issuer.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
        let mut options = self.options.clone();
        options["port"] = json!(port);
        *self = Self::start_with(options);
    }
}

impl Drop for OpenIdPeer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openid")
}
