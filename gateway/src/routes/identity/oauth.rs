//! `/api/auth/oauth/…`: signing in at an OpenID provider, by way of a browser.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use identity::{
    LinkTicket, LinkedIdentity, OauthAnswer, OauthCallback, OauthExchange, OauthForm, OauthSignIn, OauthStart,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::sessions::{AuthSignInView, AuthTokensView, caller};
use crate::{
    App, Body, Context, Cookie, Cookies, Operation, Path, Problem, Query, Reply, Secret, SignedIn, Who, error,
};

/// Keeps a sign-in with the browser that began it.
const COOKIE: &str = "fairtrade-oauth";
/// Where browsers send it back to, where it is not bound to the host by its name.
const COOKIE_PATH: &str = "/api/auth/oauth";

/// How somebody is sent to a provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthOauthStart {
    /// Where the browser is to come back to: an address of the server's list, letter for letter.
    #[schema(min_length = 1, max_length = 1000)]
    pub redirect_uri: String,
    /// What somebody new is to become: `customer`, `homeowner` or `contractor`. Without it only those who have an account get in.
    #[schema(min_length = 1, max_length = 32)]
    pub user_type: Option<String>,
    /// The base64url of the SHA-256 of a random text that the client keeps, to be shown as `codeVerifier`: without it, whoever slips a code
    /// of their own into the browser signs somebody in as themselves.
    #[schema(min_length = 43, max_length = 43)]
    pub code_challenge: Option<String>,
}

/// What a provider says through the browser; what else it says is ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AuthOauthCallback {
    /// What it was given to give back.
    #[schema(min_length = 1, max_length = 1000)]
    pub state: String,
    /// What it is asked with who it is.
    #[schema(min_length = 1, max_length = 8000)]
    pub code: Option<String>,
    /// Why there is no code.
    #[schema(min_length = 1, max_length = 1000)]
    pub error: Option<String>,
    /// Who says so.
    #[schema(min_length = 1, max_length = 1000)]
    pub iss: Option<String>,
}

/// What came back with the browser.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthOauthExchange {
    /// The code from the address; for linking also a `linkTicket`.
    pub code: Secret,
    /// What the `codeChallenge` was made of, where there was one.
    pub code_verifier: Option<Secret>,
}

/// An identity at a provider that is a way to sign in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthLinkView {
    /// The provider, by its name in the paths.
    pub provider: String,
    /// What people call it.
    pub display_name: String,
    /// Since when.
    pub linked_at: DateTime<Utc>,
}

/// Signing in at a provider.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![start(), finish(), exchange(), link()]
}

fn start() -> Operation {
    Operation::get("/api/auth/oauth/{provider}")
        .summary("Sign in at a provider")
        .description(
            "Where a client sends a browser. The browser goes on to the provider, comes back here, and returns to `redirectUri` with a `code` for \
             `POST /api/auth/oauth/exchange`, or with an `error`: `access_denied`, `expired`, `provider_unavailable`, `provider_refused` or \
             `identity_invalid`. Tokens never stand in an address.",
        )
        .by(Who::Newcomer)
        .query::<AuthOauthStart>()
        .answers_empty(303, "To the provider; or to `redirectUri` with an `error`, when the provider does not answer.")
        .to(start_oauth)
}

fn finish() -> Operation {
    Operation::get("/api/auth/oauth/{provider}/callback")
        .summary("Come back from a provider")
        .description(
            "Where the provider sends the browser; no client calls it. The state is good once, for ten minutes, and in the browser that began.",
        )
        .by(Who::Newcomer)
        .open_query::<AuthOauthCallback>()
        .answers_empty(303, "To the `redirectUri` of the start, with a `code` that is good once and for 60 seconds, or with an `error`.")
        .to(finish_oauth)
}

fn exchange() -> Operation {
    Operation::post("/api/auth/oauth/exchange")
        .summary("Exchange the code for tokens")
        .description(
            "A code is used up by the first try. Somebody new gets an account of the `userType` that the client started with, without a password. An \
             account that has the address already is joined when the address is verified here and at the provider; otherwise 409 \
             `link_requires_password` brings a `linkTicket`: sign in by password and hand it to `POST /api/auth/oauth/link` within ten minutes.",
        )
        .by(Who::Newcomer)
        .body::<AuthOauthExchange>(json!({ "code": "b3VyIGNvZGVzIGFyZSA0MyBjaGFyYWN0ZXJzIGxvbmc" }))
        .answers::<AuthSignInView>(
            200,
            "Signed in; or, with `secondFactorRequired`, asked for the second factor.",
            AuthTokensView::example(),
        )
        .errors(&[
            error(403, "suspended", "The account is suspended."),
            error(409, "link_requires_password", "An account has this address, and it is not certain that it is the same person's."),
            error(409, "user_type_missing", "Somebody new, and the client started without `userType`."),
            error(409, "provider_email_missing", "Somebody new, and the provider told no e-mail address."),
        ])
        .to(exchange_oauth)
}

fn link() -> Operation {
    Operation::post("/api/auth/oauth/link")
        .summary("Link a provider to my account")
        .description(
            "Takes the code of a sign-in that a client started for somebody who is signed in, or a `linkTicket`. From then on the provider signs this \
             account in. Linking what is linked already changes nothing.",
        )
        .by(Who::SignedIn)
        .body::<AuthOauthExchange>(json!({ "code": "b3VyIGNvZGVzIGFyZSA0MyBjaGFyYWN0ZXJzIGxvbmc" }))
        .answers::<AuthLinkView>(200, "It signs this account in.", AuthLinkView::example())
        .errors(&[
            error(403, "email_unverified", "The account's address is not verified, and the provider does not vouch for it."),
            error(409, "identity_in_use", "It signs another account in."),
            error(409, "too_many_identities", "Ten identities sign this account in already."),
        ])
        .to(link_oauth)
}

async fn start_oauth(
    context: Context,
    provider: Path<String>,
    query: Query<AuthOauthStart>,
) -> Result<Reply, Problem> {
    let form = form_of(context.app(), provider.0, query.0);
    let started = context.outside(move |commands| {
        let start = OauthStart::new(form, &commands.identity.settings().oauth)?;
        commands.identity.start_oauth(&start)
    });
    let started = started.await.map_err(Problem::in_query)?;
    let reply = Reply::see_other(started.location).secret();
    Ok(match started.browser {
        Some(kept) => {
            let lifetime = kept.lifetime_seconds;
            reply.with_cookie(cookie(context.app()).holding(kept.secret.expose_secret(), lifetime))
        }
        None => reply,
    })
}

async fn finish_oauth(
    context: Context,
    provider: Path<String>,
    query: Query<AuthOauthCallback>,
    cookies: Cookies,
) -> Result<Reply, Problem> {
    let cookie = cookie(context.app());
    let callback = OauthCallback {
        callback: callback_of(context.app(), &provider.0),
        provider: provider.0,
        answer: answer_of(&query)?,
        state: SecretString::from(query.0.state),
        issuer: query.0.iss,
        browser: cookies.find(cookie.name()).cloned(),
    };
    let back = context.outside(move |commands| commands.identity.finish_oauth(&callback));
    let back = back.await.map_err(Problem::in_query)?;
    Ok(Reply::see_other(back).secret().with_cookie(cookie.emptied()))
}

async fn exchange_oauth(context: Context, body: Body<AuthOauthExchange>) -> Result<Reply, Problem> {
    let (caller, exchange) = (caller(&context), OauthExchange::from(body.into_inner()));
    let done = context.heavy(move |commands| commands.identity.exchange_oauth(&caller, &exchange)).await?;
    match done {
        OauthSignIn::Known(sign_in) => Ok(Reply::ok(&AuthSignInView::from(sign_in)).secret()),
        OauthSignIn::LinkRequired(ticket) => Err(link_required(&ticket)),
    }
}

async fn link_oauth(
    context: Context,
    actor: SignedIn,
    body: Body<AuthOauthExchange>,
) -> Result<Reply, Problem> {
    let exchange = OauthExchange::from(body.into_inner());
    let linked = context.heavy(move |commands| commands.identity.link_oauth(&actor, &exchange)).await?;
    Ok(Reply::ok(&AuthLinkView::from(linked)))
}

/// Where this provider sends browsers: under the address that the operator gave this server.
fn callback_of(app: &App, provider: &str) -> String {
    format!("{}/api/auth/oauth/{provider}/callback", app.public_url())
}

fn form_of(app: &App, provider: String, query: AuthOauthStart) -> OauthForm {
    OauthForm {
        callback: callback_of(app, &provider),
        provider,
        redirect_uri: query.redirect_uri,
        user_type: query.user_type,
        code_challenge: query.code_challenge,
    }
}

/// Over TLS its name binds it to this host, so that no neighbouring site can plant one.
fn cookie(app: &App) -> Cookie {
    if app.public_url().starts_with("https:") {
        Cookie::of_host(COOKIE)
    } else {
        Cookie::plain(COOKIE, COOKIE_PATH)
    }
}

fn answer_of(query: &AuthOauthCallback) -> Result<OauthAnswer, Problem> {
    match (&query.error, &query.code) {
        (Some(error), _) => Ok(OauthAnswer::Error(error.clone())),
        (None, Some(code)) => Ok(OauthAnswer::Code(SecretString::from(code.clone()))),
        (None, None) => {
            let fault = kernel::Fault::new("?code", "required", "there is neither a code nor an error");
            Err(Problem::invalid(StatusCode::BAD_REQUEST, vec![fault]))
        }
    }
}

fn link_required(ticket: &LinkTicket) -> Problem {
    let detail = "an account has this address: sign in by password and link the provider with this ticket";
    Problem::new(StatusCode::CONFLICT, "link_requires_password", detail)
        .with_link_ticket(ticket.token.expose_secret())
}

impl From<AuthOauthExchange> for OauthExchange {
    fn from(body: AuthOauthExchange) -> Self {
        Self::new(body.code.0, body.code_verifier.map(|verifier| verifier.0))
    }
}

impl From<LinkedIdentity> for AuthLinkView {
    fn from(linked: LinkedIdentity) -> Self {
        Self { provider: linked.provider, display_name: linked.display_name, linked_at: linked.linked_at }
    }
}

impl AuthLinkView {
    /// An example for the document.
    #[must_use]
    pub fn example() -> Self {
        Self {
            provider: "google".to_owned(),
            display_name: "Google".to_owned(),
            linked_at: DateTime::UNIX_EPOCH,
        }
    }
}
