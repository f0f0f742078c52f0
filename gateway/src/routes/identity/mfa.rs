//! `/api/auth/mfa`, `/api/auth/step-up`: the second factor, and proving again who one is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use identity::{Enrolment, RecoveryCodes, StepUp, TypedCode};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::sessions::{AuthTokensView, caller};
use crate::operation::ErrorDoc;
use crate::{Body, Context, Operation, Problem, Reply, Secret, SignedIn, Who, error};

/// A code that proves the second factor.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct AuthCode {
    /// Six digits from the authenticator app, or one of the recovery codes; spaces and hyphens do not matter.
    pub code: Secret,
}

/// The answer to what signing in asked for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct AuthChallengeAnswer {
    /// The challenge from the answer to the sign-in.
    pub challenge: Secret,
    /// Six digits from the authenticator app, or one of the recovery codes; spaces and hyphens do not matter.
    pub code: Secret,
}

/// Who one is, proved again: by one of both.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct AuthStepUp {
    /// The password, of an account without a second factor.
    pub password: Option<Secret>,
    /// A code, of an account with one.
    pub code: Option<Secret>,
}

/// A new secret for an authenticator app. It is shown once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthEnrolmentView {
    /// In base32, to be typed into the app.
    pub secret: String,
    /// The same as an `otpauth:` URI, which apps on the same device open.
    pub otpauth_uri: String,
    /// The URI as a QR code: an SVG picture as a `data:` URI.
    pub qr_code: String,
}

/// What stands in for a lost app. It is shown once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthRecoveryCodesView {
    /// Ten codes; each is good once.
    #[schema(max_items = 10)]
    pub recovery_codes: Vec<String>,
}

/// A step-up.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthStepUpView {
    /// Until when this session may do what asks for it.
    pub stepped_up_until: DateTime<Utc>,
}

/// The second factor, and proving again who one is.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![enroll(), confirm(), challenge(), switch_off(), step_up_again()]
}

fn enroll() -> Operation {
    Operation::post("/api/auth/mfa/enroll")
        .summary("Begin to set up a second factor")
        .description(
            "Gives a new secret for an authenticator app (TOTP: SHA-1, 6 digits, 30 seconds). Nothing is asked for at sign-in until the first \
             code is confirmed; a secret that was never confirmed is replaced. Needs a step-up.",
        )
        .by(Who::SignedIn)
        .answers::<AuthEnrolmentView>(200, "The secret, in the forms that apps take.", AuthEnrolmentView::example())
        .errors(&[
            step_up_required(),
            error(409, "wrong_state", "A second factor is on.").in_state("ON", &["switch_off"]),
        ])
        .to(enroll_second_factor)
}

fn confirm() -> Operation {
    Operation::post("/api/auth/mfa/confirm")
        .summary("Switch the second factor on")
        .description(
            "Takes the first code that the app shows, and answers with the recovery codes, which are never shown again. From now on signing in \
             asks for a code. A wrong code is 422 and counts as a failed sign-in. The person is told. Needs a step-up.",
        )
        .by(Who::SignedIn)
        .body::<AuthCode>(json!({ "code": "492039" }))
        .answers::<AuthRecoveryCodesView>(200, "On; the recovery codes.", AuthRecoveryCodesView::example())
        .errors(&[
            step_up_required(),
            error(409, "wrong_state", "There is no secret that waits for its first code.").in_state("OFF", &["enroll"]),
            too_many_failures(),
        ])
        .to(confirm_second_factor)
}

fn challenge() -> Operation {
    Operation::post("/api/auth/mfa/challenge")
        .summary("Sign in with the second factor")
        .description(
            "Answers what `POST /api/auth/login` asked for with `secondFactorRequired`. A code is good once, a challenge for one session and for \
             5 minutes. A wrong answer counts as a failed sign-in; after a recovery code the person is told.",
        )
        .by(Who::Newcomer)
        .body::<AuthChallengeAnswer>(
            json!({ "challenge": "b3VyIHRva2VucyBhcmUgNDMgY2hhcmFjdGVycyBsb25n", "code": "492039" }),
        )
        .answers::<AuthTokensView>(200, "Signed in.", AuthTokensView::example())
        .errors(&[
            error(401, "wrong_code", "The challenge or the code is wrong, used, or too old; which of them is not said."),
            error(403, "suspended", "The account is suspended."),
            too_many_failures(),
        ])
        .to(answer_challenge)
}

fn switch_off() -> Operation {
    Operation::delete("/api/auth/mfa")
        .summary("Switch the second factor off")
        .description("Takes a code. The secret and the recovery codes are forgotten, and the person is told. Needs a step-up.")
        .by(Who::SignedIn)
        .body::<AuthCode>(json!({ "code": "492039" }))
        .answers_empty(204, "Off.")
        .errors(&[
            step_up_required(),
            error(409, "wrong_state", "No second factor is on.").in_state("OFF", &["enroll"]),
            too_many_failures(),
        ])
        .to(switch_off_second_factor)
}

fn step_up_again() -> Operation {
    Operation::post("/api/auth/step-up")
        .summary("Prove again who one is")
        .description(
            "What hurts when somebody else does it asks for this first, and is 403 `step_up_required` without. Takes the password; of an account \
             with a second factor, a code instead. Good for 10 minutes in this session. A wrong proof is 422 and counts as a failed sign-in.",
        )
        .by(Who::SignedIn)
        .body::<AuthStepUp>(json!({ "password": "violet-mural-97-kestrel" }))
        .answers::<AuthStepUpView>(200, "Proved.", AuthStepUpView { stepped_up_until: DateTime::UNIX_EPOCH })
        .errors(&[too_many_failures()])
        .to(step_up)
}

pub(super) fn step_up_required() -> ErrorDoc {
    error(403, "step_up_required", "The caller has to prove again who they are: `POST /api/auth/step-up`.")
}

fn too_many_failures() -> ErrorDoc {
    error(429, "too_many_failed_sign_ins", "Too many sign-ins failed, or codes, or step-ups.")
}

async fn enroll_second_factor(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    context
        .command(
            move |commands| commands.identity.enroll_second_factor(&actor),
            |enrolment| Reply::ok(&AuthEnrolmentView::from(enrolment)).secret(),
        )
        .await
}

// The others not as commands, whose transaction would take back that a refusal counted a failure.

async fn confirm_second_factor(
    context: Context,
    actor: SignedIn,
    body: Body<AuthCode>,
) -> Result<Reply, Problem> {
    let (caller, code) = (caller(&context), body.into_inner().typed());
    let codes =
        context.heavy(move |commands| commands.identity.confirm_second_factor(&caller, &actor, code)).await?;
    Ok(Reply::ok(&AuthRecoveryCodesView::from(codes)).secret())
}

async fn answer_challenge(context: Context, body: Body<AuthChallengeAnswer>) -> Result<Reply, Problem> {
    let (caller, body) = (caller(&context), body.into_inner());
    let (challenge, code) = (body.challenge.0, TypedCode::new(body.code.0.expose_secret()));
    let signed_in = context
        .heavy(move |commands| commands.identity.answer_challenge(&caller, challenge.expose_secret(), code))
        .await?;
    Ok(Reply::ok(&AuthTokensView::from(signed_in)).secret())
}

async fn switch_off_second_factor(
    context: Context,
    actor: SignedIn,
    body: Body<AuthCode>,
) -> Result<Reply, Problem> {
    let (caller, code) = (caller(&context), body.into_inner().typed());
    context.heavy(move |commands| commands.identity.switch_off_second_factor(&caller, &actor, code)).await?;
    Ok(Reply::no_content())
}

async fn step_up(context: Context, actor: SignedIn, body: Body<AuthStepUp>) -> Result<Reply, Problem> {
    let caller = caller(&context);
    let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.0.clone());
    let (password, code) = (text(&body.password), text(&body.code));
    let proof = StepUp::new(
        password.as_ref().map(ExposeSecret::expose_secret),
        code.as_ref().map(ExposeSecret::expose_secret),
    )
    .map_err(identity::Error::from)?;
    let until = context.heavy(move |commands| commands.identity.step_up(&caller, &actor, proof)).await?;
    Ok(Reply::ok(&AuthStepUpView { stepped_up_until: until }))
}

impl AuthCode {
    fn typed(&self) -> TypedCode {
        TypedCode::new(self.code.0.expose_secret())
    }
}

impl From<Enrolment> for AuthEnrolmentView {
    fn from(enrolment: Enrolment) -> Self {
        let picture = STANDARD.encode(enrolment.qr_code.expose_secret());
        Self {
            secret: enrolment.secret.expose_secret().to_owned(),
            otpauth_uri: enrolment.uri.expose_secret().to_owned(),
            qr_code: format!("data:image/svg+xml;base64,{picture}"),
        }
    }
}

impl From<RecoveryCodes> for AuthRecoveryCodesView {
    fn from(codes: RecoveryCodes) -> Self {
        Self { recovery_codes: codes.0.iter().map(|code| code.expose_secret().to_owned()).collect() }
    }
}

impl AuthEnrolmentView {
    fn example() -> Self {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        Self {
            secret: secret.to_owned(),
            otpauth_uri: format!(
                "otpauth://totp/FairTradeWorker:bob%40example.com?secret={secret}&issuer=FairTradeWorker"
            ),
            qr_code: "data:image/svg+xml;base64,PD94bWwgdmVyc2lvbj0iMS4wIj8+…".to_owned(),
        }
    }
}

impl AuthRecoveryCodesView {
    fn example() -> Self {
        Self { recovery_codes: vec!["k3m9qd-07vyh2-rr5ctx-9w1bze".to_owned()] }
    }
}
