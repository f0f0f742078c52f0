//! People, sessions and verifications as they are, and what can be asked of them: commands of checked values.
//!
//! How any of it is stored or sent does not belong here.

mod account;
mod device;
mod email;
mod my_data;
mod oauth;
mod person;
mod phone;
mod profile;
mod second_factor;
mod session;
mod signing;
mod verification;

pub(crate) use account::state_of;
pub use account::{
    Account, AccountFilter, AccountKey, AccountOrder, AccountState, PeopleFigures, Reason, Standing,
    Suspension, SuspensionId, VerificationFilter,
};
pub(crate) use device::device;
pub use email::Email;
pub use my_data::{Export, ExportId, ExportState, PersonalRecord, path_in_export};
pub use oauth::{
    BrowserKey, CodeChallenge, LinkTicket, LinkedIdentity, OauthAnswer, OauthCallback, OauthExchange,
    OauthForm, OauthRefusal, OauthSignIn, OauthStart, OauthStarted, RedirectUri,
};
pub use person::{
    ChangedAddress, Contact, Me, NewAdmin, Password, Person, PersonCard, PersonName, Registration,
    RegistrationForm, TimeZone,
};
pub use phone::{Phone, PhoneRegion};
pub use profile::{
    ApprovedPapers, ContractorFacts, ContractorProfile, Patch, Profile, ProfileForm, ProfilePatch,
    PublicContractor, PublicCredential, Slug,
};
pub use second_factor::{Enrolment, FactorState, RecoveryCodes, SecondFactor, StepUp, TypedCode};
pub use session::{
    Caller, Challenge, LiveSession, Login, MailRequest, MailRequestId, OwnSession, PasswordChange,
    PasswordReset, SignIn, SignedIn,
};
pub use signing::{SigningKeyState, SigningKeyView};
pub use verification::{
    Credential, CredentialForm, CredentialKind, Decision, Verification, VerificationForm, VerificationId,
    VerificationStanding, VerificationState, VerificationStep, VerificationSubmission, bids_end, end_of_day,
};

use kernel::Faults;

/// A text within limits: trimmed, not empty, no control characters save those that `multiline` allows.
pub(crate) fn text(raw: &str, chars_max: usize, multiline: Multiline) -> Result<String, Faults> {
    let text = raw.trim();
    let mut faults = Faults::none();
    faults.check(!text.is_empty(), "", "empty", "must not be empty");
    faults.check(
        text.chars().count() <= chars_max,
        "",
        "too_long",
        format!("must have at most {chars_max} characters"),
    );
    let allowed =
        |c: char| !c.is_control() || (multiline == Multiline::Yes && matches!(c, '\n' | '\t' | '\r'));
    faults.check(text.chars().all(allowed), "", "control_character", "must not contain control characters");
    faults.or(|| text.to_owned())
}

/// Whether a text may have line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Multiline {
    Yes,
    No,
}
