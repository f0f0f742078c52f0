#![doc = include_str!("../README.md")]

mod archive;
pub mod bulk;
mod error;
mod facts;
pub mod geo;
mod keys;
mod model;
mod passwords;
mod personal;
pub mod provider;
mod rules;
#[rustfmt::skip]
mod schema;
mod service;
mod settings;
mod signing;
mod store;
mod tasks;
mod token;
mod totp;
mod traces;
pub mod vault;

pub use error::Error;
pub use facts::{
    LAST_USE_SECONDS, administrators, cards, contact, contact_about_change, contractor_ids,
    contractor_may_bid, contractors, credential, hold_people, live_sessions, lock_person, lock_verified,
    remain, require_step_up, suspended_since, touch_sessions, traces,
};
pub use keys::{
    Keys, LinkPurpose, LinkTokenId, SECRET_BYTES_MIN, SecretRing, Secrets, link_token, random_secret,
};
pub use model::*;
pub use personal::{Blocker, FORMER_MEMBER, Held, PersonalData};
pub use provider::{IdentityProvider, OauthSettings, ProviderSettings, Providers};
pub use rules::PasswordPolicy;
pub use service::IdentityService;
pub use settings::Settings;
pub use tasks::{CredentialReminder, ExportEnd, MakeExport, VerificationExpiry, register};
pub use token::{AccessToken, Authenticator, Claims, TokenError};
pub use traces::Traces;
pub use vault::{Vault, VaultError, VaultSubject};

use files::{File, FileId, FileName, NewFile, Received};
use kernel::{
    Actor, AdminActor, ContractorActor, Instant, Limit, Page, PartyId, PersonId, Position, SessionId,
};

/// What can be asked of this crate.
pub trait IdentityQueries: Send + Sync {
    /// The numbers that commands are checked by.
    fn settings(&self) -> &Settings;

    /// What new passwords must be; [`Registration::new`] and [`NewAdmin::new`] judge by it.
    fn password_policy(&self) -> PasswordPolicy;

    /// Who is behind an access token, if its session lives.
    ///
    /// # Errors
    /// [`Error::Token`], or [`Error::SignedOut`] when the session has ended.
    fn authenticate(&self, access_token: &str, request_id: &str) -> Result<Actor, Error>;

    /// Which session a refresh token is of, good or spent, living or ended: whom its use is counted for. It tells nothing about whether
    /// it may go on.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn find_refreshed_session(&self, refresh_token: &str) -> Result<Option<SessionId>, Error>;

    /// Who is signed in, and how.
    ///
    /// # Errors
    /// [`Error::SignedOut`] for anyone but a person with a living session.
    fn get_me(&self, actor: &Actor) -> Result<Me, Error>;

    /// The actor's own sessions that live, the newest first.
    ///
    /// # Errors
    /// [`Error::SignedOut`] for anyone but a person.
    fn list_sessions(
        &self,
        actor: &Actor,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<OwnSession>, Error>;

    /// The keys that access tokens are signed with, the newest first: for the operator's command.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn list_signing_keys(&self) -> Result<Vec<SigningKeyView>, Error>;

    /// The actor's own profile.
    ///
    /// # Errors
    /// [`Error::SignedOut`] for anyone but a person.
    fn get_profile(&self, actor: &Actor) -> Result<Profile, Error>;

    /// A contractor as anyone may see it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn get_contractor(&self, contractor: PartyId) -> Result<PublicContractor, Error>;

    /// How the contractor's own verification stands, with a page of all that were handed in, newest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn get_verification_standing(
        &self,
        contractor: ContractorActor<'_>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<VerificationStanding, Error>;

    /// What file to receive as a document of the contractor's own verification: asked before the first byte, so that what would be
    /// refused is not received at all.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Decided`], [`Error::TooManyDocuments`].
    fn plan_document(
        &self,
        contractor: ContractorActor<'_>,
        verification: VerificationId,
        name: FileName,
    ) -> Result<NewFile, Error>;

    /// A document, for its contractor and for administrators.
    ///
    /// # Errors
    /// [`Error::NotFound`], for everybody else too.
    fn get_document(
        &self,
        actor: &Actor,
        verification: VerificationId,
        document: FileId,
    ) -> Result<File, Error>;

    /// Everything that is held about the actor, by every crate.
    ///
    /// # Errors
    /// [`Error::SignedOut`] for anyone but a person.
    fn get_personal_record(&self, actor: &Actor) -> Result<PersonalRecord, Error>;

    /// One of the actor's own exports.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn get_export(&self, actor: &Actor, id: ExportId) -> Result<Export, Error>;

    /// The archive of an export, for whoever holds the token that [`IdentityQueries::get_export`] gave, signed in or not.
    ///
    /// # Errors
    /// [`Error::NotFound`], whatever it is that is not good.
    fn open_export(&self, id: ExportId, token: &str) -> Result<File, Error>;

    /// Verifications, oldest first, of one state or all.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn list_verifications(
        &self,
        admin: AdminActor<'_>,
        state: Option<VerificationState>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Verification>, Error>;

    /// People, found by what they are called and what they are.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn list_accounts(
        &self,
        admin: AdminActor<'_>,
        filter: &AccountFilter,
        after: Option<Position<AccountKey>>,
        limit: Limit,
    ) -> Result<Page<Account, AccountKey>, Error>;

    /// How many people there are, and what of theirs waits.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn people_figures(&self, admin: AdminActor<'_>) -> Result<PeopleFigures, Error>;
}

/// What can be told to this crate.
pub trait IdentityCommands: IdentityQueries {
    /// Makes an account, signs it in, and has a verification mail sent. Hashes a password: call it where no connection is held.
    ///
    /// # Errors
    /// [`Error::EmailInUse`].
    fn register(&self, caller: &Caller, registration: Registration) -> Result<SignedIn, Error>;

    /// Proves an e-mail address by the token from its mail: the one that the person registered with, or another one that takes its place
    /// with that.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the token is unknown, used or too old; [`Error::EmailInUse`] when somebody else has the new address by now.
    fn verify_email(&self, caller: &Caller, token: &str) -> Result<Person, Error>;

    /// Has the mail that proves an address sent again. The same answer, in the same time, for an address of nobody and for one that is
    /// proved; nothing is sent then, nor to a mailbox that got enough of them within the window.
    ///
    /// # Errors
    /// [`Error::TooManyMails`] when too many were asked for from this network address.
    fn resend_verification(&self, caller: &Caller, asked: &MailRequest) -> Result<(), Error>;

    /// Has a mail sent by which a new password can be set. Answers as [`IdentityCommands::resend_verification`] does.
    ///
    /// # Errors
    /// [`Error::TooManyMails`].
    fn forgot_password(&self, caller: &Caller, asked: &MailRequest) -> Result<(), Error>;

    /// Sets a new password by the token from a mail, ends every session of the person, and takes identities at providers and a wish for
    /// another e-mail address away. Hashes a password: call it where no connection is held.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the token is unknown, used or too old, or the password is none to take.
    fn reset_password(&self, caller: &Caller, reset: &PasswordReset) -> Result<(), Error>;

    /// Sets a new password by the one that stands, ends every other session of the person, and takes a wish for another e-mail address away.
    /// A wrong one counts as a failed sign-in.
    /// Hashes passwords: call it where no connection is held, and in no transaction of your own.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the present password is wrong or the new one none to take; [`Error::TooManyFailures`];
    /// [`Error::SignedOut`] for anyone but a person with a living session.
    fn change_password(&self, actor: &Actor, caller: &Caller, change: &PasswordChange) -> Result<(), Error>;

    /// Signs somebody in, or asks for the second factor of whoever has one. Compares a password's hash, as long for an unknown address as for a known one: call it where no
    /// connection is held, and in no transaction of your own, with which a noted failure would be rolled back.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`], [`Error::TooManyFailures`], [`Error::Suspended`].
    fn login(&self, caller: &Caller, login: Login) -> Result<SignIn, Error>;

    /// Begins to set up a second factor: a new secret, in place of one that still waits for its first code.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`]; [`Error::SecondFactorState`] when one is on.
    fn enroll_second_factor(&self, actor: &Actor) -> Result<Enrolment, Error>;

    /// Switches the second factor on, by the first code that the app shows. Call it in no transaction of your own: a wrong code is noted
    /// as a failed sign-in is.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`]; [`Error::SecondFactorState`] when none waits; [`Error::Invalid`] when the code is not good;
    /// [`Error::TooManyFailures`].
    fn confirm_second_factor(
        &self,
        caller: &Caller,
        actor: &Actor,
        code: TypedCode,
    ) -> Result<RecoveryCodes, Error>;

    /// Answers the question that [`IdentityCommands::login`] put, by a code of the app or a recovery code, and signs in. Call it in no
    /// transaction of your own.
    ///
    /// # Errors
    /// [`Error::WrongCode`], [`Error::TooManyFailures`], [`Error::Suspended`].
    fn answer_challenge(&self, caller: &Caller, challenge: &str, code: TypedCode) -> Result<SignedIn, Error>;

    /// Switches the second factor off, by a code. Call it in no transaction of your own.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`]; [`Error::SecondFactorState`] when it is not on; [`Error::Invalid`] when the code is not good;
    /// [`Error::TooManyFailures`].
    fn switch_off_second_factor(&self, caller: &Caller, actor: &Actor, code: TypedCode) -> Result<(), Error>;

    /// Proves again who the actor is; until when [`require_step_up`] lets this session through. May compare a password's hash: call it
    /// where no connection is held, and in no transaction of your own.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the proof is wrong or not of the kind that is asked for; [`Error::TooManyFailures`].
    fn step_up(&self, caller: &Caller, actor: &Actor, proof: StepUp) -> Result<Instant, Error>;

    /// Spends a refresh token for a new pair. Call it in no transaction of your own: a refusal may have ended the session, and that has to
    /// stay.
    ///
    /// # Errors
    /// [`Error::RefreshToken`]; a token spent before ends its whole session.
    fn refresh(&self, caller: &Caller, refresh_token: &str) -> Result<SignedIn, Error>;

    /// Ends the actor's session at once.
    ///
    /// # Errors
    /// [`Error::SignedOut`] for anyone but a person with a session.
    fn logout(&self, actor: &Actor) -> Result<(), Error>;

    /// Ends one of the actor's own sessions at once; the present one signs out.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is another's or has ended.
    fn end_session(&self, actor: &Actor, session: SessionId) -> Result<(), Error>;

    /// Ends all the actor's sessions but the present one at once.
    ///
    /// # Errors
    /// [`Error::SignedOut`] for anyone but a person with a session.
    fn end_other_sessions(&self, actor: &Actor) -> Result<(), Error>;

    /// Begins a sign-in at a provider. Asks the provider what it is, when that is not known: call it where no connection is held and in
    /// no transaction. A provider that is away is no error: the browser is sent back to the client, which is told.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such provider.
    fn start_oauth(&self, start: &OauthStart) -> Result<OauthStarted, Error>;

    /// Takes a browser back from a provider, and says where it goes now: to the client, with a code for
    /// [`IdentityCommands::exchange_oauth`] or with the word of an [`OauthRefusal`]. Asks the provider who it is: call it where no
    /// connection is held and in no transaction.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such provider, [`Error::Invalid`] when this browser was not sent there, or came back before.
    fn finish_oauth(&self, callback: &OauthCallback) -> Result<String, Error>;

    /// Exchanges the code for a session, making an account for somebody new. Call it in no transaction of your own: a code is used up
    /// whatever comes of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the code is unknown, used or too old; [`Error::Suspended`]; [`Error::ProviderEmailMissing`] and
    /// [`Error::UserTypeMissing`] when nobody can be made of what is known.
    fn exchange_oauth(&self, caller: &Caller, exchange: &OauthExchange) -> Result<OauthSignIn, Error>;

    /// Makes the identity behind a code or ticket a way to sign in as the actor. Call it in no transaction of your own, as the exchange.
    ///
    /// # Errors
    /// [`Error::Invalid`] as for the exchange; [`Error::IdentityInUse`] when it is another's; [`Error::EmailUnverified`]
    /// unless the provider vouches for the account's address; [`Error::TooManyIdentities`].
    fn link_oauth(&self, actor: &Actor, exchange: &OauthExchange) -> Result<LinkedIdentity, Error>;

    /// Changes the actor's own profile. Another e-mail address takes a step-up, is noted and has a mail sent to it; it counts once
    /// [`verify_email`] has its token.
    ///
    /// [`verify_email`]: IdentityCommands::verify_email
    ///
    /// # Errors
    /// [`Error::Stale`] when it is of another version than the caller read; [`Error::StepUpRequired`] and [`Error::TooManyMails`] for another
    /// e-mail address.
    fn update_profile(&self, actor: &Actor, patch: ProfilePatch) -> Result<Profile, Error>;

    /// Has everything that is held about the actor made into an archive; while one is being made it is that one.
    ///
    /// # Errors
    /// [`Error::TooManyExports`]; [`Error::SignedOut`] for anyone but a person.
    fn request_export(&self, actor: &Actor) -> Result<Export, Error>;

    /// Erases the actor, everywhere and for good: what is open ends, what others need stays under no name, the rest is gone. The e-mail
    /// address is free for a new account. Needs a step-up.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`]; [`Error::ErasureBlocked`] with everything that has to end first; [`Error::LastAdministrator`];
    /// [`Error::SignedOut`] for anyone but a person with a living session.
    fn erase_person(&self, actor: &Actor) -> Result<(), Error>;

    /// Hands in licences and insurance; takes the place of what waits.
    ///
    /// # Errors
    /// [`Error::Invalid`] when one has expired.
    fn submit_verification(
        &self,
        contractor: ContractorActor<'_>,
        submission: VerificationSubmission,
    ) -> Result<Verification, Error>;

    /// Keeps a file that was received as a document of the contractor's own verification, while that waits.
    ///
    /// # Errors
    /// As [`IdentityQueries::plan_document`], and [`Error::File`] when it was kept before or is gone.
    fn add_document(
        &self,
        contractor: ContractorActor<'_>,
        verification: VerificationId,
        received: &Received,
    ) -> Result<File, Error>;

    /// Approves or rejects a verification that waits.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Decided`].
    fn decide_verification(
        &self,
        admin: AdminActor<'_>,
        id: VerificationId,
        decision: Decision,
    ) -> Result<Verification, Error>;

    /// Suspends somebody: every session ends at once, and nobody signs in with the account until it is reinstated. Contracts and money
    /// go on by themselves.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AccountState`], [`Error::OwnAccount`], [`Error::LastAdministrator`].
    fn suspend_person(
        &self,
        admin: AdminActor<'_>,
        person: PersonId,
        reason: &Reason,
    ) -> Result<Account, Error>;

    /// Takes a suspension back. Sessions that ended stay ended.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AccountState`].
    fn reinstate_person(
        &self,
        admin: AdminActor<'_>,
        person: PersonId,
        reason: &Reason,
    ) -> Result<Account, Error>;

    /// Makes a new signing key: for the operator's command. It signs after [`Settings::signing_key_delay_seconds`], when every server knows it, and
    /// nobody is signed out. `at_once` is for a key that others have got hold of: every access token is refused then, and sessions go on by
    /// their refresh tokens.
    ///
    /// # Errors
    /// [`Error::KeyWaiting`] while one made before waits to sign.
    fn rotate_signing_keys(&self, at_once: bool) -> Result<Vec<SigningKeyView>, Error>;

    /// Makes an administrator: for the operator's command, not for anybody over the network.
    ///
    /// # Errors
    /// [`Error::EmailInUse`].
    fn create_admin(&self, caller: &Caller, admin: NewAdmin) -> Result<Person, Error>;

    /// Switches somebody's second factor off, ends their sessions and tells them: for the operator's command, not for anybody over the
    /// network. The caller has made sure who asks.
    ///
    /// # Errors
    /// [`Error::NotFound`] when nobody has the address; [`Error::SecondFactorState`] when it is not on.
    fn reset_second_factor(&self, caller: &Caller, email: &str) -> Result<Person, Error>;

    /// Takes a person's address as theirs on the operator's word, without a mail: for the operator's commands, not for anybody over
    /// the network.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn vouch_for_email(&self, person: PersonId) -> Result<Person, Error>;
}
