//! The service over a database: authorises, opens a transaction, loads, asks the rules, stores and publishes.
//!
//! SQL belongs to the store, decisions to the rules.

mod accounts;
mod documents;
mod email_changes;
mod erasure;
mod exports;
mod links;
mod my_data;
mod oauth;
mod own_sessions;
mod passwords;
mod profiles;
mod second_factor;
mod sessions;
mod signing_keys;
mod suspensions;
mod trail;
mod verifications;

use std::sync::{Arc, OnceLock};

use database::Db;
use files::{File, FileId, FileName, NewFile, Received};
use kernel::{
    Actor, AdminActor, ContractorActor, Instant, Limit, Page, PartyId, PersonId, Position, SessionId, Via,
};

use crate::keys::{Keys, LinkPurpose};
use crate::model::{
    Account, AccountFilter, AccountKey, Caller, Decision, Enrolment, Export, ExportId, LinkedIdentity, Login,
    MailRequest, Me, NewAdmin, OauthCallback, OauthExchange, OauthSignIn, OauthStart, OauthStarted,
    OwnSession, PasswordChange, PasswordReset, PeopleFigures, Person, PersonalRecord, Profile, ProfilePatch,
    PublicContractor, Reason, RecoveryCodes, Registration, SignIn, SignedIn, SigningKeyView, StepUp,
    TypedCode, Verification, VerificationId, VerificationStanding, VerificationState, VerificationSubmission,
};
use crate::passwords::Hasher;
use crate::provider::Providers;
use crate::rules::PasswordPolicy;
use crate::token::Authenticator;
use crate::{Error, IdentityCommands, IdentityQueries, PersonalData, Settings, Vault};

/// This crate's service.
pub struct IdentityService {
    db: Db,
    keys: Keys,
    hasher: Hasher,
    authenticator: Authenticator,
    providers: Providers,
    vault: Vault,
    settings: Settings,
    /// Everybody beside this crate who keeps something about people.
    holders: OnceLock<Vec<Arc<dyn PersonalData>>>,
}

impl IdentityService {
    /// A service over this database, with these keys.
    #[must_use]
    pub fn new(db: Db, keys: Keys, settings: Settings) -> Self {
        Self {
            hasher: Hasher::new(keys.clone(), settings.bcrypt_cost),
            authenticator: Authenticator::new(keys.clone(), &settings),
            vault: Vault::new(keys.clone(), &settings),
            db,
            keys,
            providers: Providers::none(),
            settings,
            holders: OnceLock::new(),
        }
    }

    /// The same, where people may sign in at these providers too.
    #[must_use]
    pub fn with_providers(self, providers: Providers) -> Self {
        Self { providers, ..self }
    }

    /// Has these asked, in this order, what they hold about a person, what keeps it from being erased, and to forget it; this crate
    /// forgets last. For whoever composes the product, once and before anybody is served: a second call changes nothing.
    pub fn ask_for_personal_data(&self, holders: Vec<Arc<dyn PersonalData>>) {
        if self.holders.set(holders).is_err() {
            tracing::error!("those who hold personal data were named before; the second list is not used");
        }
    }

    /// The vault that second factors are sealed in: for the whole product to share what it remembers.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }
}

/// The person behind an actor; the system is none.
fn person_of(actor: &Actor) -> Result<PersonId, Error> {
    actor.person.ok_or(Error::SignedOut)
}

fn session_of(actor: &Actor) -> Result<SessionId, Error> {
    match actor.via {
        Via::Session(session) => Ok(session),
        Via::System | Via::AdminFor(_) => Err(Error::SignedOut),
    }
}

impl IdentityService {
    /// Signs and verifies access tokens; every clone shares the keys that this service knows.
    #[must_use]
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }
}

impl IdentityQueries for IdentityService {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn password_policy(&self) -> PasswordPolicy {
        PasswordPolicy::new(&self.settings)
    }

    fn authenticate(&self, access_token: &str, request_id: &str) -> Result<Actor, Error> {
        self.actor_behind(access_token, request_id)
    }

    fn find_refreshed_session(&self, refresh_token: &str) -> Result<Option<SessionId>, Error> {
        self.family_of(refresh_token)
    }

    fn get_me(&self, actor: &Actor) -> Result<Me, Error> {
        self.me(person_of(actor)?, session_of(actor)?)
    }

    fn list_sessions(
        &self,
        actor: &Actor,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<OwnSession>, Error> {
        self.sessions_of(person_of(actor)?, after, limit)
    }

    fn list_signing_keys(&self) -> Result<Vec<SigningKeyView>, Error> {
        self.signing_keys()
    }

    fn get_profile(&self, actor: &Actor) -> Result<Profile, Error> {
        self.profile(person_of(actor)?)
    }

    fn get_contractor(&self, contractor: PartyId) -> Result<PublicContractor, Error> {
        self.public_contractor(contractor)
    }

    fn get_verification_standing(
        &self,
        contractor: ContractorActor<'_>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<VerificationStanding, Error> {
        self.verification_standing(&contractor, after, limit)
    }

    fn plan_document(
        &self,
        contractor: ContractorActor<'_>,
        verification: VerificationId,
        name: FileName,
    ) -> Result<NewFile, Error> {
        self.document_plan(&contractor, verification, name)
    }

    fn get_document(
        &self,
        actor: &Actor,
        verification: VerificationId,
        document: FileId,
    ) -> Result<File, Error> {
        self.document(actor, verification, document)
    }

    fn get_personal_record(&self, actor: &Actor) -> Result<PersonalRecord, Error> {
        self.personal_record(person_of(actor)?)
    }

    fn get_export(&self, actor: &Actor, id: ExportId) -> Result<Export, Error> {
        self.own_export(person_of(actor)?, id)
    }

    fn open_export(&self, id: ExportId, token: &str) -> Result<File, Error> {
        self.archive_behind(id, token)
    }

    fn list_verifications(
        &self,
        _: AdminActor<'_>,
        state: Option<VerificationState>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Verification>, Error> {
        self.verification_queue(state, after, limit)
    }

    fn list_accounts(
        &self,
        _: AdminActor<'_>,
        filter: &AccountFilter,
        after: Option<Position<AccountKey>>,
        limit: Limit,
    ) -> Result<Page<Account, AccountKey>, Error> {
        self.find_accounts(filter, after, limit)
    }

    fn people_figures(&self, _: AdminActor<'_>) -> Result<PeopleFigures, Error> {
        self.figures()
    }
}

impl IdentityCommands for IdentityService {
    fn register(&self, caller: &Caller, registration: Registration) -> Result<SignedIn, Error> {
        self.open_account(caller, &registration)
    }

    fn verify_email(&self, caller: &Caller, token: &str) -> Result<Person, Error> {
        self.prove_email(token, &caller.request_id)
    }

    fn resend_verification(&self, caller: &Caller, asked: &MailRequest) -> Result<(), Error> {
        self.ask_for_mail(caller, LinkPurpose::VerifyEmail, asked)
    }

    fn forgot_password(&self, caller: &Caller, asked: &MailRequest) -> Result<(), Error> {
        self.ask_for_mail(caller, LinkPurpose::ResetPassword, asked)
    }

    fn reset_password(&self, caller: &Caller, reset: &PasswordReset) -> Result<(), Error> {
        self.set_password_by_link(caller, reset)
    }

    fn change_password(&self, actor: &Actor, caller: &Caller, change: &PasswordChange) -> Result<(), Error> {
        self.set_password_by_password(actor, caller, change)
    }

    fn login(&self, caller: &Caller, login: Login) -> Result<SignIn, Error> {
        self.sign_in(caller, &login)
    }

    fn enroll_second_factor(&self, actor: &Actor) -> Result<Enrolment, Error> {
        self.begin_enrolment(actor)
    }

    fn confirm_second_factor(
        &self,
        caller: &Caller,
        actor: &Actor,
        code: TypedCode,
    ) -> Result<RecoveryCodes, Error> {
        self.switch_on(caller, actor, &code)
    }

    fn answer_challenge(&self, caller: &Caller, challenge: &str, code: TypedCode) -> Result<SignedIn, Error> {
        self.answer(caller, challenge, &code)
    }

    fn switch_off_second_factor(&self, caller: &Caller, actor: &Actor, code: TypedCode) -> Result<(), Error> {
        self.switch_off(caller, actor, &code)
    }

    fn step_up(&self, caller: &Caller, actor: &Actor, proof: StepUp) -> Result<Instant, Error> {
        self.prove_again(caller, actor, &proof)
    }

    fn refresh(&self, caller: &Caller, refresh_token: &str) -> Result<SignedIn, Error> {
        self.go_on(caller, refresh_token)
    }

    fn logout(&self, actor: &Actor) -> Result<(), Error> {
        person_of(actor)?;
        self.sign_out(session_of(actor)?)
    }

    fn end_session(&self, actor: &Actor, session: SessionId) -> Result<(), Error> {
        self.revoke_session(person_of(actor)?, session)
    }

    fn end_other_sessions(&self, actor: &Actor) -> Result<(), Error> {
        self.revoke_other_sessions(person_of(actor)?, session_of(actor)?)
    }

    fn start_oauth(&self, start: &OauthStart) -> Result<OauthStarted, Error> {
        self.send_to_provider(start)
    }

    fn finish_oauth(&self, callback: &OauthCallback) -> Result<String, Error> {
        self.take_back(callback)
    }

    fn exchange_oauth(&self, caller: &Caller, exchange: &OauthExchange) -> Result<OauthSignIn, Error> {
        self.exchange(caller, exchange)
    }

    fn link_oauth(&self, actor: &Actor, exchange: &OauthExchange) -> Result<LinkedIdentity, Error> {
        self.link(actor, exchange)
    }

    fn request_export(&self, actor: &Actor) -> Result<Export, Error> {
        self.arrange_export(person_of(actor)?)
    }

    fn erase_person(&self, actor: &Actor) -> Result<(), Error> {
        self.erase(actor)
    }

    fn update_profile(&self, actor: &Actor, patch: ProfilePatch) -> Result<Profile, Error> {
        self.change_profile(actor, &patch)
    }

    fn submit_verification(
        &self,
        contractor: ContractorActor<'_>,
        submission: VerificationSubmission,
    ) -> Result<Verification, Error> {
        self.hand_in(&contractor, &submission)
    }

    fn add_document(
        &self,
        contractor: ContractorActor<'_>,
        verification: VerificationId,
        received: &Received,
    ) -> Result<File, Error> {
        self.keep_document(&contractor, verification, received)
    }

    fn decide_verification(
        &self,
        admin: AdminActor<'_>,
        id: VerificationId,
        decision: Decision,
    ) -> Result<Verification, Error> {
        self.decide(&admin, id, &decision)
    }

    fn suspend_person(
        &self,
        admin: AdminActor<'_>,
        person: PersonId,
        reason: &Reason,
    ) -> Result<Account, Error> {
        self.suspend(&admin, person, reason)
    }

    fn reinstate_person(
        &self,
        admin: AdminActor<'_>,
        person: PersonId,
        reason: &Reason,
    ) -> Result<Account, Error> {
        self.reinstate(&admin, person, reason)
    }

    fn rotate_signing_keys(&self, at_once: bool) -> Result<Vec<SigningKeyView>, Error> {
        self.new_signing_key(at_once)
    }

    fn create_admin(&self, caller: &Caller, admin: NewAdmin) -> Result<Person, Error> {
        self.make_admin(caller, &admin)
    }

    fn reset_second_factor(&self, caller: &Caller, email: &str) -> Result<Person, Error> {
        self.take_away(caller, email)
    }

    fn vouch_for_email(&self, person: PersonId) -> Result<Person, Error> {
        self.take_email_as_proven(person)
    }
}
