//! Links in mails: who may have one sent, and what it stands for.

use chrono::TimeDelta;
use database::{Error as DbError, PgConnection, Tx};
use kernel::{Fault, Faults, Instant, PersonId};
use outbox::{Aggregate, NewEvent};
use secrecy::ExposeSecret;
use serde_json::json;

use super::IdentityService;
use crate::keys::{LinkPurpose, LinkTokenId, link_token, token_hash};
use crate::model::{Caller, Email, MailRequest, MailRequestId};
use crate::tasks::AnswerMailRequest;
use crate::{Error, rules, store};

impl IdentityService {
    /// Notes that somebody asks for a mail to an address. An address that nobody has takes the same statements and leaves the same row and
    /// the same task as a known one; what becomes of it is found out afterwards, when nobody waits for the answer any more.
    pub(super) fn ask_for_mail(
        &self,
        caller: &Caller,
        purpose: LinkPurpose,
        asked: &MailRequest,
    ) -> Result<(), Error> {
        let account = self.keys.throttle_key("account", asked.email_canonical.as_bytes());
        let address = self.keys.throttle_key("address", &rules::caller_network(caller.address));
        self.db.transaction(|tx| {
            let person_id = store::find_person_id(tx.conn(), &asked.email_canonical)?;
            store::lock_buckets(tx.conn(), &[&account, &address])?;
            let now = tx.now()?;
            self.refuse_too_many_mails(tx.conn(), &address, now)?;
            if self.mailbox_has_enough(tx.conn(), &account, purpose, now)? {
                return Ok(());
            }
            let id = MailRequestId::new();
            store::sweep_mail_requests(tx.conn(), now - self.mail_window())?;
            let new = store::NewMailRequest {
                id,
                purpose: purpose.as_str(),
                person_id,
                account_key: &account,
                address_key: &address,
                requested_at: now,
            };
            store::insert_mail_request(tx.conn(), &new)?;
            outbox::enqueue(tx, &AnswerMailRequest { request_id: id });
            Ok(())
        })
    }

    /// Answers a request for a mail, once: with a link, or not at all.
    pub(crate) fn answer_mail_request(&self, id: MailRequestId, request_id: &str) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let now = tx.now()?;
            let Some((purpose, Some(person))) = store::take_mail_request(tx.conn(), id, now)? else {
                return Ok(());
            };
            let Some(person) = store::lock_person(tx.conn(), person)? else { return Ok(()) };
            if purpose == LinkPurpose::VerifyEmail && person.email_verified_at.is_some() {
                return Ok(());
            }
            let email = Email::lookup(&person.email);
            self.send_link(tx, purpose, person.id, &email, request_id)?;
            Ok(())
        })
    }

    /// Stores a link to an address and asks for its mail. The event names the link; the token is made when the mail is rendered.
    pub(super) fn send_link(
        &self,
        tx: &mut Tx<'_>,
        purpose: LinkPurpose,
        person: PersonId,
        email_canonical: &str,
        request_id: &str,
    ) -> Result<LinkTokenId, DbError> {
        let id = LinkTokenId::new();
        let token = link_token(&self.keys, purpose, id);
        let now = tx.now()?;
        let new = store::NewLinkToken {
            id,
            person_id: person,
            purpose: purpose.as_str(),
            token_hash: &token_hash(token.expose_secret()),
            email_canonical,
            created_at: now,
            expires_at: now + self.link_lifetime(purpose),
        };
        store::insert_link_token(tx.conn(), &new)?;
        outbox::publish(
            tx,
            NewEvent {
                name: purpose.event(),
                version: 1,
                aggregate: Aggregate { kind: "person", id: person.uuid() },
                request_id: request_id.to_owned(),
                data: json!({ "personId": person, "linkTokenId": id }),
            },
        );
        Ok(id)
    }

    fn link_lifetime(&self, purpose: LinkPurpose) -> TimeDelta {
        match purpose {
            LinkPurpose::VerifyEmail | LinkPurpose::ChangeEmail => {
                TimeDelta::hours(i64::from(self.settings.verification_link_hours))
            }
            LinkPurpose::ResetPassword => TimeDelta::minutes(i64::from(self.settings.reset_link_minutes)),
        }
    }

    /// One network may ask for so many mails, whomever they are for: whoever asks for more is told, because that tells of nobody else.
    fn refuse_too_many_mails(
        &self,
        conn: &mut PgConnection,
        address: &[u8],
        now: Instant,
    ) -> Result<(), Error> {
        let most = self.settings.mail_requests_per_caller_max;
        let asked = store::newest_requests_from(conn, address, now - self.mail_window(), i64::from(most))?;
        match rules::wait_for_window(&asked, usize::from(most), self.mail_window(), now) {
            None => Ok(()),
            Some(wait) => Err(Error::TooManyMails { retry_after: rules::retry_after(wait) }),
        }
    }

    fn mailbox_has_enough(
        &self,
        conn: &mut PgConnection,
        account: &[u8],
        purpose: LinkPurpose,
        now: Instant,
    ) -> Result<bool, DbError> {
        let most = self.settings.mail_requests_max;
        let since = now - self.mail_window();
        let asked = store::newest_requests_for(conn, account, purpose, since, i64::from(most))?;
        Ok(rules::wait_for_window(&asked, usize::from(most), self.mail_window(), now).is_some())
    }

    pub(super) fn mail_window(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.settings.mail_request_window_minutes))
    }
}

/// One answer for unknown, used and too old: which of them it is, is nobody's business but the holder's.
pub(super) fn no_such_link() -> Faults {
    Fault::new("/token", "invalid_link", "is unknown, used, or too old; ask for a new mail").into()
}

/// The same, as the only fault.
pub(super) fn refuse_link() -> Error {
    no_such_link().into()
}
