//! `/api/auth/login`, `refresh`, `logout`: sessions and their tokens.

use chrono::{DateTime, Utc};
use identity::{Caller, Challenge, Login, SignIn};
use kernel::SessionId;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::{PersonView, SessionRef};
use crate::{Body, Context, Operation, Problem, Rate, Reply, Secret, SignedIn, Who, error};

/// Somebody who signs in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct AuthLogin {
    /// The e-mail address, in any spelling.
    #[schema(min_length = 1, max_length = 320)]
    pub email: String,
    /// The password.
    pub password: Secret,
}

/// Somebody whose session goes on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthRefresh {
    /// The refresh token of the last answer.
    pub refresh_token: Secret,
}

/// Somebody signed in, with the tokens for what follows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthTokensView {
    /// The account.
    pub user: PersonView,
    /// The session.
    pub session_id: SessionRef,
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// From when on the access token is refused.
    pub access_token_expires_at: DateTime<Utc>,
    /// Gets the next pair of tokens, once. Keep it secret.
    pub refresh_token: String,
    /// When the session ends unless it is refreshed.
    pub refresh_token_expires_at: DateTime<Utc>,
}

/// Somebody signed in; or somebody whose account asks for a second factor, and who is not signed in yet.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum AuthSignInView {
    /// The tokens.
    Done(Box<AuthTokensView>),
    /// The question.
    SecondFactor(AuthChallengeView),
}

/// What somebody gets who has to show a second factor: no tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthChallengeView {
    /// Always `true`.
    pub second_factor_required: bool,
    /// Send it with a code to `POST /api/auth/mfa/challenge`. Keep it secret.
    pub challenge: String,
    /// From when on it is too late.
    pub challenge_expires_at: DateTime<Utc>,
}

/// Sessions and their tokens.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/auth/login")
            .summary("Sign in")
            .description(
                "The answer to an unknown address is that to a wrong password, in the same time. Ten failures in 15 minutes, for an account or \
                 from an address, are 429; where an account signed in within 30 days, failures elsewhere do not lock it out. Who has a second factor \
                 gets no tokens but `secondFactorRequired` and a challenge, which `POST /api/auth/mfa/challenge` answers.",
            )
            .by(Who::Newcomer)
            .body::<AuthLogin>(json!({ "email": "bob@example.com", "password": "violet-mural-97-kestrel" }))
            .answers::<AuthSignInView>(
                200,
                "Signed in; or, with `secondFactorRequired`, asked for the second factor.",
                AuthTokensView::example(),
            )
            .errors(&[
                error(401, "wrong_credentials", "The address or the password is wrong."),
                error(403, "suspended", "The account is suspended."),
                error(429, "too_many_failed_sign_ins", "Too many sign-ins failed."),
            ])
            .to(login),
        Operation::post("/api/auth/refresh")
            .summary("Get the next pair of tokens")
            .description(
                "A refresh token is good once. The same one again within 10 seconds gets the same successor, so that a lost answer can be asked \
                 for again; later it ends the session, because somebody else has it too.",
            )
            .by(Who::Newcomer)
            .rate(Rate::Refresh)
            .body::<AuthRefresh>(json!({ "refreshToken": "b3VyIHRva2VucyBhcmUgNDMgY2hhcmFjdGVycyBsb25n" }))
            .answers::<AuthTokensView>(200, "The session goes on.", AuthTokensView::example())
            .errors(&[error(401, "invalid_refresh_token", "The token is unknown or spent, or its session has ended.")])
            .to(refresh),
        Operation::post("/api/auth/logout")
            .summary("Sign out")
            .description("Ends this session at once: its access token is refused from now on, too.")
            .by(Who::SignedIn)
            .answers_empty(204, "Signed out.")
            .to(logout),
    ]
}

async fn login(context: Context, body: Body<AuthLogin>) -> Result<Reply, Problem> {
    let caller = caller(&context);
    let login = Login::new(&body.email, body.password.0.expose_secret());
    let sign_in = context.hashing(move |commands| commands.identity.login(&caller, login)).await?;
    Ok(Reply::ok(&AuthSignInView::from(sign_in)).secret())
}

async fn refresh(context: Context, body: Body<AuthRefresh>) -> Result<Reply, Problem> {
    let (caller, token) = (caller(&context), body.into_inner().refresh_token.0);
    let shown = token.clone();
    let session = context.read(move |queries| queries.identity.find_refreshed_session(shown.expose_secret()));
    context.count_refresh(session.await?).await?;
    // Not as a command, whose transaction would take back that a refusal ended the session.
    let signed_in =
        context.heavy(move |commands| commands.identity.refresh(&caller, token.expose_secret())).await?;
    Ok(Reply::ok(&AuthTokensView::from(signed_in)).secret())
}

async fn logout(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    context.command(move |commands| commands.identity.logout(&actor), |()| Reply::no_content()).await
}

/// Who is asking, before anybody is signed in.
pub(super) fn caller(context: &Context) -> Caller {
    Caller {
        address: context.address(),
        request_id: context.request_id().to_owned(),
        user_agent: context.user_agent().map(str::to_owned),
    }
}

impl From<SignIn> for AuthSignInView {
    fn from(sign_in: SignIn) -> Self {
        match sign_in {
            SignIn::Done(signed_in) => Self::Done(Box::new((*signed_in).into())),
            SignIn::SecondFactor(challenge) => Self::SecondFactor(challenge.into()),
        }
    }
}

impl From<Challenge> for AuthChallengeView {
    fn from(challenge: Challenge) -> Self {
        Self {
            second_factor_required: true,
            challenge: challenge.token.expose_secret().to_owned(),
            challenge_expires_at: challenge.expires_at,
        }
    }
}

impl From<identity::SignedIn> for AuthTokensView {
    fn from(signed_in: identity::SignedIn) -> Self {
        Self {
            user: signed_in.person.into(),
            session_id: signed_in.session.into(),
            access_token: signed_in.access.token.expose_secret().to_owned(),
            token_type: "Bearer",
            access_token_expires_at: signed_in.access.expires_at,
            refresh_token: signed_in.refresh_token.expose_secret().to_owned(),
            refresh_token_expires_at: signed_in.session_expires_at,
        }
    }
}

impl AuthTokensView {
    /// An example for the document.
    #[must_use]
    pub fn example() -> Self {
        Self {
            user: PersonView::example(),
            session_id: SessionId::from(Uuid::nil()).into(),
            access_token: "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9.….…".to_owned(),
            token_type: "Bearer",
            access_token_expires_at: DateTime::UNIX_EPOCH,
            refresh_token: "b3VyIHRva2VucyBhcmUgNDMgY2hhcmFjdGVycyBsb25n".to_owned(),
            refresh_token_expires_at: DateTime::UNIX_EPOCH,
        }
    }
}
