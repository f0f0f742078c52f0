//! Another e-mail address: wished for, proved by a mail to it, and only then the person's.

use database::Tx;
use kernel::{Actor, Instant, PersonId};
use outbox::{Aggregate, NewEvent};
use serde_json::json;

use super::IdentityService;
use super::accounts::EMAIL_ONCE;
use super::links::refuse_link;
use crate::keys::{LinkPurpose, LinkTokenId};
use crate::model::{Email, Person};
use crate::{Error, require_step_up, rules, store};

impl IdentityService {
    /// Has the address proved by a mail to it; until then everything stays as it is. Whoever has the address can have the password, so the
    /// wish takes a step-up. Whether somebody has it is not looked at: nobody learns here who has an account. Says whether anything changed.
    pub(super) fn wish_for_email(
        &self,
        tx: &mut Tx<'_>,
        actor: &Actor,
        person: &Person,
        email: &Email,
    ) -> Result<bool, Error> {
        let now = tx.now()?;
        if email.canonical() == Email::lookup(&person.email) {
            // The same mailbox: whatever else was wished for is not any more.
            store::use_up_links(tx.conn(), person.id, LinkPurpose::ChangeEmail.as_str(), now)?;
            return Ok(store::cancel_email_change(tx.conn(), person.id)?);
        }
        require_step_up(tx, actor)?;
        self.refuse_too_many_wishes(tx, person.id, now)?;
        store::use_up_links(tx.conn(), person.id, LinkPurpose::ChangeEmail.as_str(), now)?;
        let request_id = &actor.request_id;
        let link = self.send_link(tx, LinkPurpose::ChangeEmail, person.id, email.canonical(), request_id)?;
        store::replace_email_change(tx.conn(), &store::NewEmailChange { person, email, link, now })?;
        publish(tx, "email.change_announced", person.id, link, request_id);
        Ok(true)
    }

    /// Grants the wish that a link stands for, if the address is still free.
    pub(super) fn grant_email(
        &self,
        tx: &mut Tx<'_>,
        hash: &[u8],
        request_id: &str,
    ) -> Result<Person, Error> {
        let now = tx.now()?;
        let used = store::use_link_token(tx.conn(), LinkPurpose::ChangeEmail.as_str(), hash, now)?;
        let (id, canonical) = used.ok_or_else(refuse_link)?;
        let old = store::lock_person(tx.conn(), id)?.ok_or_else(refuse_link)?;
        let granted = store::complete_email_change(tx.conn(), id, &canonical, now)?;
        let (email, link) = granted.ok_or_else(refuse_link)?;
        let person = store::replace_email(tx.conn(), id, &email, &canonical, now)
            .map_err(|error| if error.is_unique(EMAIL_ONCE) { Error::EmailInUse } else { error.into() })?;
        // What was mailed to the former address opens nothing any more.
        for purpose in LinkPurpose::ALL {
            store::use_up_links(tx.conn(), id, purpose.as_str(), now)?;
        }
        publish(tx, "email.changed", id, link, request_id);
        let state = |person: &Person| json!({ "version": person.version, "emailVerified": person.email_verified_at.is_some() });
        audit::changed(tx, audit::Object::new("person", id), state(&old), state(&person));
        Ok(person)
    }

    /// Each wish is a mail to somebody who did not ask for it, perhaps.
    fn refuse_too_many_wishes(&self, tx: &mut Tx<'_>, person: PersonId, now: Instant) -> Result<(), Error> {
        let (most, window) = (self.settings.mail_requests_max, self.mail_window());
        let purpose = LinkPurpose::ChangeEmail.as_str();
        let sent = store::newest_links(tx.conn(), person, purpose, now - window, i64::from(most))?;
        match rules::wait_for_window(&sent, usize::from(most), window, now) {
            None => Ok(()),
            Some(wait) => Err(Error::TooManyMails { retry_after: rules::retry_after(wait) }),
        }
    }
}

fn publish(tx: &mut Tx<'_>, name: &'static str, person: PersonId, link: LinkTokenId, request_id: &str) {
    outbox::publish(
        tx,
        NewEvent {
            name,
            version: 1,
            aggregate: Aggregate { kind: "person", id: person.uuid() },
            request_id: request_id.to_owned(),
            data: json!({ "personId": person, "linkTokenId": link }),
        },
    );
}
