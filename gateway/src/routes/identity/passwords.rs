//! `/api/auth/forgot-password`, `reset-password`, `change-password`, `resend-verification`: new passwords, and the mails before them.

use identity::{MailRequest, PasswordChange, PasswordReset};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::sessions::caller;
use crate::operation::ErrorDoc;
use crate::{Body, Context, Operation, Problem, Reply, Secret, SignedIn, Who, error};

/// Somebody who cannot sign in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct AuthForgotPassword {
    /// The e-mail address, in any spelling.
    #[schema(min_length = 1, max_length = 320)]
    pub email: String,
}

/// Somebody whose mail did not come.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct AuthResendVerification {
    /// The e-mail address, in any spelling.
    #[schema(min_length = 1, max_length = 320)]
    pub email: String,
}

/// A new password, by a mail.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct AuthResetPassword {
    /// The token from the mail.
    pub token: Secret,
    /// At least 8 characters of any kind, and not easily guessed.
    pub password: Secret,
}

/// A new password, by the present one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthChangePassword {
    /// The present password.
    pub current_password: Secret,
    /// At least 8 characters of any kind, and not easily guessed.
    pub new_password: Secret,
}

const TOO_MANY_MAILS: ErrorDoc =
    error(429, "too_many_mails", "Too many mails were asked for from this network address.");

/// New passwords, and the mails before them.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/auth/forgot-password")
            .summary("Ask for a mail to set a new password")
            .description(
                "The same answer, in the same time, whether or not anybody has the address. A mailbox gets three such mails an hour; what is asked \
                 beyond is answered the same.",
            )
            .by(Who::Newcomer)
            .body::<AuthForgotPassword>(json!({ "email": "bob@example.com" }))
            .answers_empty(202, "If somebody has the address, a mail is on its way.")
            .errors(&[TOO_MANY_MAILS])
            .to(forgot_password),
        Operation::post("/api/auth/reset-password")
            .summary("Set a new password by a mail")
            .description(
                "Takes the token from the mail, which is good once and for an hour. Ends every session, takes linked providers and a wish for \
                 another e-mail address away, proves the address, and tells the person. Sign in with the new password afterwards.",
            )
            .by(Who::Newcomer)
            .body::<AuthResetPassword>(json!({
                "token": "b3VyIHRva2VucyBhcmUgNDMgY2hhcmFjdGVycyBsb25n", "password": "copper-lantern-48-heron",
            }))
            .answers_empty(204, "The password is set.")
            .to(reset_password),
        Operation::post("/api/auth/change-password")
            .summary("Change one's own password")
            .description(
                "Asks for the present one, and counts a wrong one as a failed sign-in. Ends every other session, takes a wish for \
                 another e-mail address away, and tells the person.",
            )
            .by(Who::SignedIn)
            .body::<AuthChangePassword>(json!({
                "currentPassword": "violet-mural-97-kestrel", "newPassword": "copper-lantern-48-heron",
            }))
            .answers_empty(204, "The password is changed.")
            .errors(&[error(429, "too_many_failed_sign_ins", "Too many passwords were wrong.")])
            .to(change_password),
        Operation::post("/api/auth/resend-verification")
            .summary("Ask again for the mail that proves an address")
            .description(
                "The same answer, in the same time, whether or not anybody has the address and has proved it. A mailbox gets three such mails an \
                 hour; what is asked beyond is answered the same.",
            )
            .by(Who::Newcomer)
            .body::<AuthResendVerification>(json!({ "email": "bob@example.com" }))
            .answers_empty(202, "If somebody has the address and has not proved it, a mail is on its way.")
            .errors(&[TOO_MANY_MAILS])
            .to(resend_verification),
    ]
}

async fn forgot_password(context: Context, body: Body<AuthForgotPassword>) -> Result<Reply, Problem> {
    let (caller, asked) = (caller(&context), MailRequest::new(&body.email));
    let work = context
        .command(move |commands| commands.identity.forgot_password(&caller, &asked), |()| Reply::taken());
    work.await
}

async fn resend_verification(context: Context, body: Body<AuthResendVerification>) -> Result<Reply, Problem> {
    let (caller, asked) = (caller(&context), MailRequest::new(&body.email));
    let work = context
        .command(move |commands| commands.identity.resend_verification(&caller, &asked), |()| Reply::taken());
    work.await
}

async fn reset_password(context: Context, body: Body<AuthResetPassword>) -> Result<Reply, Problem> {
    let (caller, body) = (caller(&context), body.into_inner());
    let reset = PasswordReset { token: body.token.0, password: body.password.0 };
    context.hashing(move |commands| commands.identity.reset_password(&caller, &reset)).await?;
    Ok(Reply::no_content())
}

async fn change_password(
    context: Context,
    actor: SignedIn,
    body: Body<AuthChangePassword>,
) -> Result<Reply, Problem> {
    let (caller, body) = (caller(&context), body.into_inner());
    let change = PasswordChange { current: body.current_password.0, new: body.new_password.0 };
    context.hashing(move |commands| commands.identity.change_password(&actor, &caller, &change)).await?;
    Ok(Reply::no_content())
}
