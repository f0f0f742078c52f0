//! An authenticator app, and people who have one.

use std::time::Duration;

use kernel::Instant;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use crate::{Person, TestApp};

/// How long a code is shown.
pub const STEP: Duration = Duration::from_secs(30);

/// An app that was told a secret, with the recovery codes that came with it.
pub struct Authenticator {
    totp: Totp,
    /// None before the first code was confirmed.
    pub recovery_codes: Vec<String>,
}

impl Authenticator {
    /// An app that is told the secret of an enrolment.
    ///
    /// # Panics
    /// When there is none in it.
    #[must_use]
    pub fn told(enrolment: &Value) -> Self {
        let secret = Secret::try_from_base32(enrolment["secret"].as_str().unwrap_or_default());
        let secret = secret.unwrap_or_else(|_| panic!("no secret: {enrolment}"));
        let totp = Builder::new().with_secret(secret).build();
        Self { totp: totp.unwrap_or_else(|error| panic!("{error:?}")), recovery_codes: Vec::new() }
    }

    /// What it shows then.
    #[must_use]
    pub fn code(&self, now: Instant) -> String {
        self.totp.generate(u64::try_from(now.timestamp()).unwrap_or_default()).to_string()
    }

    /// Six digits that it does not show then, nor just before or after.
    ///
    /// # Panics
    /// Never: of five codes one is none of four.
    #[must_use]
    pub fn wrong_code(&self, now: Instant) -> String {
        let near = [-60, -30, 0, 30, 60].map(|skew| self.code(now + chrono::TimeDelta::seconds(skew)));
        let mut guesses = (0..10).map(|digit| format!("{digit}{digit}{digit}{digit}{digit}{digit}"));
        guesses.find(|guess| !near.contains(guess)).unwrap_or_else(|| panic!("every guess is right"))
    }
}

impl TestApp {
    /// Somebody proves again, by the password, who they are.
    pub async fn step_up(&self, person: &Person) {
        let _ = person.post("/api/auth/step-up", json!({ "password": person.password })).await.expect(200);
    }

    /// Somebody switches the second factor on. The code that did is used up and shown no more.
    pub async fn switch_on_second_factor(&self, person: &Person) -> Authenticator {
        self.step_up(person).await;
        let enrolment = person.post_empty("/api/auth/mfa/enroll").await.expect(200);
        let mut app = Authenticator::told(&enrolment);
        let code = json!({ "code": app.code(self.now()) });
        let codes = person.post("/api/auth/mfa/confirm", code).await.expect(200);
        let codes = codes["recoveryCodes"].as_array().cloned().unwrap_or_default();
        app.recovery_codes = codes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        self.clock.advance(STEP);
        app
    }

    /// The first half of signing in somebody who has a second factor: the challenge.
    pub async fn challenge(&self, person: &Person) -> String {
        let form = json!({ "email": person.email, "password": person.password });
        let asked = self.anyone().post("/api/auth/login", form).await.expect(200);
        asked["challenge"].as_str().unwrap_or_default().to_owned()
    }
}
