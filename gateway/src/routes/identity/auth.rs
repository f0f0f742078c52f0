//! `/api/auth/register`, `verify-email`, `me`: making an account, and asking who one is.

use chrono::{DateTime, Utc};
use identity::{Me, Registration, RegistrationForm, SecondFactor, VerificationState};
use kernel::SessionId;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::oauth::AuthLinkView;
use super::sessions::{AuthTokensView, caller};
use super::views::{PersonView, SessionRef, VerificationStatus};
use crate::{Body, Context, Operation, Problem, Rate, Reply, Secret, SignedIn, Who, error};

/// Somebody new.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthRegister {
    /// The e-mail address; one mailbox is one account, however it is written.
    #[schema(min_length = 3, max_length = 320)]
    pub email: String,
    /// At least 8 characters of any kind, and not easily guessed.
    pub password: Secret,
    /// `customer`, `homeowner` or `contractor`, in any case.
    #[schema(min_length = 1, max_length = 32)]
    pub user_type: String,
    /// The full name. Others see the first name and an initial.
    #[schema(min_length = 1, max_length = 120)]
    pub name: Option<String>,
    /// The phone number; without a country code it is taken to be one of the server's country.
    #[schema(min_length = 1, max_length = 40)]
    pub phone: Option<String>,
    /// The IANA time zone.
    #[schema(min_length = 1, max_length = 64)]
    pub time_zone: Option<String>,
}

/// The proof of an address.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct AuthVerifyEmail {
    /// The token from the mail.
    pub token: Secret,
}

/// Who is signed in, and how.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthMeView {
    /// The account.
    pub user: PersonView,
    /// The session that asks.
    pub session: AuthSessionView,
    /// How the second factor stands.
    pub second_factor: AuthSecondFactorView,
    /// The identities at providers that are ways to sign in, the first one first.
    #[schema(max_items = 10)]
    pub identities: Vec<AuthLinkView>,
    /// How a contractor's verification stands; null for everybody else.
    pub verification: Option<VerificationStanding>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthSessionView {
    /// The session.
    pub id: SessionRef,
    /// When it ends unless it is refreshed.
    pub expires_at: DateTime<Utc>,
    /// Until when it may do what asks for a step-up; null when that has to be done first.
    pub stepped_up_until: Option<DateTime<Utc>>,
}

/// How a second factor stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthSecondFactorView {
    /// Whether signing in asks for it.
    pub enabled: bool,
    /// Since when; null when it does not.
    pub enabled_at: Option<DateTime<Utc>>,
    /// Whether the account can do nothing else before it has one.
    pub required: bool,
    /// How many recovery codes are unused.
    #[schema(minimum = 0, maximum = 10)]
    pub recovery_codes_left: u32,
}

/// How a contractor's verification stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationStanding {
    /// The newest verification's status; null when none was handed in.
    pub status: Option<VerificationStatus>,
    /// Whether the contractor may bid now.
    pub may_bid: bool,
}

/// Making an account, and asking who one is.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/auth/register")
            .summary("Register an account")
            .description("Signs in at once, and sends a mail with a link that proves the address.")
            .by(Who::Newcomer)
            .rate(Rate::Register)
            .body::<AuthRegister>(json!({
                "email": "bob@example.com", "password": "violet-mural-97-kestrel", "userType": "contractor",
                "name": "Bob Mason", "timeZone": "America/Chicago",
            }))
            .answers::<AuthTokensView>(201, "The account, signed in.", AuthTokensView::example())
            .errors(&[error(409, "email_in_use", "An account with this e-mail address exists.")])
            .to(register),
        Operation::post("/api/auth/verify-email")
            .summary("Prove an e-mail address")
            .description("Takes the token from the mail. It is good once, and for 48 hours. The token from a mail to another address makes that one the account's.")
            .by(Who::Newcomer)
            .body::<AuthVerifyEmail>(json!({ "token": "b3VyIHRva2VucyBhcmUgNDMgY2hhcmFjdGVycyBsb25n" }))
            .answers::<PersonView>(200, "The account, its address verified.", PersonView::example())
            .errors(&[error(409, "email_in_use", "Somebody else has the new address by now.")])
            .to(verify_email),
        Operation::get("/api/auth/me")
            .summary("Who is signed in")
            .description("Who the access token belongs to, as what, in which session, and how the second factor and the verification of a contractor stand.")
            .by(Who::SignedIn)
            .answers::<AuthMeView>(200, "The account, the session, the second factor and the verification.", example_me())
            .to(get_me),
    ]
}

async fn register(context: Context, body: Body<AuthRegister>) -> Result<Reply, Problem> {
    let (caller, form) = (caller(&context), RegistrationForm::from(body.into_inner()));
    let signed_in = context
        .hashing(move |commands| {
            let identity = &commands.identity;
            let region = identity.settings().region();
            let registration = Registration::new_in(region, &form, &identity.password_policy())?;
            commands.identity.register(&caller, registration)
        })
        .await?;
    Ok(Reply::created("/api/users/profile", &AuthTokensView::from(signed_in)).secret())
}

async fn verify_email(context: Context, body: Body<AuthVerifyEmail>) -> Result<Reply, Problem> {
    let (caller, token) = (caller(&context), body.into_inner().token.0);
    context
        .command(
            move |commands| commands.identity.verify_email(&caller, token.expose_secret()),
            |person| Reply::ok(&PersonView::from(person)),
        )
        .await
}

async fn get_me(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    let me = context.read(move |queries| queries.identity.get_me(&actor)).await?;
    Ok(Reply::ok(&AuthMeView::from(me)).tagged())
}

impl From<AuthRegister> for RegistrationForm {
    fn from(body: AuthRegister) -> Self {
        Self {
            email: body.email,
            password: body.password.0,
            user_type: body.user_type,
            name: body.name,
            phone: body.phone,
            time_zone: body.time_zone,
        }
    }
}

impl From<Me> for AuthMeView {
    fn from(me: Me) -> Self {
        let is_contractor = me.person.role == kernel::Role::Contractor;
        Self {
            user: me.person.into(),
            session: AuthSessionView {
                id: me.session.into(),
                expires_at: me.session_expires_at,
                stepped_up_until: me.stepped_up_until,
            },
            second_factor: me.second_factor.into(),
            identities: me.identities.into_iter().map(AuthLinkView::from).collect(),
            verification: is_contractor.then(|| VerificationStanding {
                status: me.verification.map(VerificationStatus::from),
                may_bid: me.may_bid,
            }),
        }
    }
}

impl From<SecondFactor> for AuthSecondFactorView {
    fn from(factor: SecondFactor) -> Self {
        Self {
            enabled: factor.since.is_some(),
            enabled_at: factor.since,
            required: factor.owed,
            recovery_codes_left: factor.recovery_codes_left,
        }
    }
}

fn example_me() -> AuthMeView {
    AuthMeView {
        user: PersonView::example(),
        session: AuthSessionView {
            id: SessionId::from(Uuid::nil()).into(),
            expires_at: DateTime::UNIX_EPOCH,
            stepped_up_until: None,
        },
        second_factor: AuthSecondFactorView {
            enabled: true,
            enabled_at: Some(DateTime::UNIX_EPOCH),
            required: false,
            recovery_codes_left: 10,
        },
        identities: vec![AuthLinkView::example()],
        verification: Some(VerificationStanding {
            status: Some(VerificationState::Approved.into()),
            may_bid: true,
        }),
    }
}
