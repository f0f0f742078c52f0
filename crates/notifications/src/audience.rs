//! Who is told what: one table from events to people and templates. Nothing else decides who hears of an event.

use kernel::{PartyId, PersonId};
use outbox::{Event, TaskError};

/// Whom a row of the table means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// The person that the event is about.
    Person,
    /// The job's owner.
    Homeowner,
    /// The contractor: a bidder, or the contract's.
    Contractor,
    /// The party to the contract that did not just sign.
    OtherSigner,
    /// The party to the contract that the event is not about.
    OtherParty,
    /// The party that a review is of.
    Reviewed,
    /// Who wrote the review.
    Author,
    /// Who reported the review.
    Reporter,
    /// Everybody who may decide as an administrator.
    Administrators,
    /// Each contractor with a live bid for the job.
    Bidders,
}

/// When a row of the table applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Unless the bid is sealed: nobody is told of it before the deadline.
    Unsealed,
    /// When something changed that bids depend on, or something changed and nothing of that.
    Material,
    Aside,
    /// When silence approved, not the homeowner.
    BySilence,
    /// When the person is a homeowner, or is a contractor.
    IsHomeowner,
    IsContractor,
}

/// One row: of this event, this recipient is told by this template.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) event: &'static str,
    pub(crate) recipient: Recipient,
    pub(crate) template: &'static str,
    pub(crate) when: When,
}

const fn row(event: &'static str, recipient: Recipient, template: &'static str) -> Row {
    Row { event, recipient, template, when: When::Always }
}

impl Row {
    const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }
}

use Recipient::{
    Administrators, Author, Bidders, Contractor, Homeowner, OtherParty, OtherSigner, Person, Reporter,
    Reviewed,
};

/// The table.
pub(crate) const TABLE: &[Row] = &[
    row("person.registered", Person, "welcome_customer").when(When::IsHomeowner),
    row("person.registered", Person, "welcome_contractor").when(When::IsContractor),
    row("export.ready", Person, "data_export_ready"),
    row("email.verification_requested", Person, "verify_email"),
    row("email.change_requested", Person, "change_email"),
    row("email.change_announced", Person, "email_change_announced"),
    row("email.changed", Person, "email_changed"),
    row("password.reset_requested", Person, "reset_password"),
    row("password.reset", Person, "password_reset"),
    row("password.changed", Person, "password_changed"),
    row("session.reuse_detected", Person, "session_reuse_detected"),
    row("person.suspended", Person, "account_suspended"),
    row("person.reinstated", Person, "account_reinstated"),
    row("person.identity_linked", Person, "identity_linked"),
    row("second_factor.switched_on", Person, "second_factor_on"),
    row("second_factor.switched_off", Person, "second_factor_off"),
    row("second_factor.reset", Person, "second_factor_reset"),
    row("second_factor.recovery_code_used", Person, "recovery_code_used"),
    row("verification.submitted", Administrators, "verification_submitted"),
    row("verification.approved", Contractor, "verification_approved"),
    row("verification.rejected", Contractor, "verification_rejected"),
    row("credential.expiring", Contractor, "credential_expiring"),
    row("verification.expired", Contractor, "verification_expired"),
    row("job.published", Homeowner, "job_published"),
    row("job.edited", Bidders, "job_edited").when(When::Aside),
    row("job.edited", Bidders, "bid_confirmation_asked").when(When::Material),
    row("job.cancelled", Homeowner, "job_cancelled"),
    row("job.bidding_closed", Homeowner, "job_bidding_closed"),
    row("job.expired", Homeowner, "job_expired"),
    row("bid.submitted", Contractor, "bid_submitted"),
    row("bid.submitted", Homeowner, "bid_received").when(When::Unsealed),
    row("bid.revised", Homeowner, "bid_revised").when(When::Unsealed),
    row("bid.withdrawn", Homeowner, "bid_withdrawn").when(When::Unsealed),
    row("bid.confirmed", Homeowner, "bid_confirmed").when(When::Unsealed),
    row("bid.rejected", Contractor, "bid_rejected"),
    row("bid.expired", Contractor, "bid_expired"),
    row("bid.lapsed", Contractor, "bid_lapsed"),
    row("review.submitted", Reviewed, "review_submitted"),
    row("review.published", Reviewed, "review_published"),
    row("review.replied", Author, "review_replied"),
    row("review.reported", Administrators, "review_reported"),
    row("review.removed", Author, "review_removed"),
    row("review.restored", Author, "review_restored"),
    row("review_report.upheld", Reporter, "review_report_upheld"),
    row("review_report.dismissed", Reporter, "review_report_dismissed"),
    row("contract.created", Homeowner, "contract_created_homeowner"),
    row("contract.created", Contractor, "contract_created_contractor"),
    row("contract.signed", OtherSigner, "contract_signed"),
    row("contract.activated", Homeowner, "contract_activated_homeowner"),
    row("contract.activated", Contractor, "contract_activated_contractor"),
    row("contract.unsigned", Homeowner, "contract_unsigned"),
    row("contract.unsigned", Contractor, "contract_unsigned"),
    row("contract.completed", Homeowner, "contract_completed"),
    row("contract.completed", Contractor, "contract_completed"),
    row("contract.verification_lapsed", Homeowner, "contract_verification_lapsed_homeowner"),
    row("contract.verification_lapsed", Contractor, "contract_verification_lapsed_contractor"),
    row("contract.verification_restored", Homeowner, "contract_verification_restored"),
    row("contract.party_suspended", OtherParty, "contract_party_suspended"),
    row("contract.party_reinstated", OtherParty, "contract_party_reinstated"),
    row("milestone.started", Homeowner, "milestone_started"),
    row("milestone.submitted", Homeowner, "milestone_submitted"),
    row("milestone.inspection_reminder", Homeowner, "milestone_inspection_reminder"),
    row("milestone.changes_requested", Contractor, "milestone_changes_requested"),
    row("milestone.approved", Contractor, "milestone_approved"),
    row("milestone.approved", Homeowner, "milestone_approved_by_silence").when(When::BySilence),
    row("escrow.created", Homeowner, "escrow_created_homeowner"),
    row("escrow.created", Contractor, "escrow_created_contractor"),
    row("payment.succeeded", Homeowner, "payment_succeeded"),
    row("payment.failed", Homeowner, "payment_failed"),
    row("payment.lapsed", Homeowner, "payment_lapsed"),
    row("milestone.funded", Contractor, "milestone_funded"),
    row("milestone.released", Contractor, "milestone_released_contractor"),
    row("milestone.released", Homeowner, "milestone_released_homeowner"),
    row("payout.paid", Contractor, "payout_paid"),
    row("payout.failed", Contractor, "payout_failed"),
    row("payout.waiting_account", Contractor, "payout_waiting_account"),
];

/// The events that somebody is told of, each once.
pub(crate) fn events() -> Vec<&'static str> {
    let mut events: Vec<_> = TABLE.iter().map(|row| row.event).collect();
    events.dedup();
    events
}

/// The rows that apply to an event.
pub(crate) fn rows_for<'a>(event: &'a Event) -> impl Iterator<Item = &'static Row> + 'a {
    TABLE.iter().filter(|row| row.event == event.name && applies(row.when, event))
}

fn applies(when: When, event: &Event) -> bool {
    let role = event.data.get("role").and_then(serde_json::Value::as_str);
    match when {
        When::Always => true,
        When::Unsealed => !event.flag("sealed"),
        When::Material => event.flag("material"),
        When::Aside => !event.flag("material") && changed(event).next().is_some(),
        When::BySilence => event.flag("bySilence"),
        When::IsHomeowner => role == Some("HOMEOWNER"),
        When::IsContractor => role == Some("CONTRACTOR"),
    }
}

/// The names of what changed.
pub(crate) fn changed(event: &Event) -> impl Iterator<Item = &str> {
    let names = event.data.get("changed").and_then(serde_json::Value::as_array);
    names.into_iter().flatten().filter_map(serde_json::Value::as_str)
}

/// Whom the event itself names as a recipient; none for those who have to be looked up.
pub(crate) fn named(recipient: Recipient, event: &Event) -> Result<Option<PersonId>, TaskError> {
    let party = |key| event.id::<PartyId>(key).map(|party| Some(PersonId::from(party.uuid())));
    match recipient {
        Person => event.id::<PersonId>("personId").map(Some),
        Homeowner => party("homeownerId"),
        Contractor => party("contractorId"),
        Reviewed => party("subjectId"),
        Author => party("authorId"),
        Reporter => party("reporterId"),
        OtherSigner | OtherParty => {
            let one: PartyId = event.id(if recipient == OtherSigner { "signedBy" } else { "partyId" })?;
            if event.id::<PartyId>("homeownerId")? == one {
                party("contractorId")
            } else {
                party("homeownerId")
            }
        }
        Administrators | Bidders => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Clock, SystemClock};
    use outbox::EventId;
    use serde_json::{Value, json};

    use super::*;
    use crate::catalogue;

    fn event(name: &str, data: Value) -> Event {
        Event {
            id: EventId::new(),
            position: 1,
            name: name.to_owned(),
            version: 1,
            aggregate_kind: "thing".to_owned(),
            aggregate_id: uuid::Uuid::nil(),
            aggregate_sequence: 1,
            request_id: "req".to_owned(),
            trace_id: "req".to_owned(),
            data,
            occurred_at: SystemClock.now(),
        }
    }

    fn templates(event: &Event) -> Vec<&'static str> {
        rows_for(event).map(|row| row.template).collect()
    }

    #[test]
    fn a_sealed_bid_is_told_to_its_bidder_only() {
        let bid = |sealed| event("bid.submitted", json!({ "sealed": sealed }));
        assert_eq!(templates(&bid(true)), ["bid_submitted"]);
        assert_eq!(templates(&bid(false)), ["bid_submitted", "bid_received"]);
        for name in ["bid.revised", "bid.withdrawn"] {
            assert!(templates(&event(name, json!({ "sealed": true }))).is_empty(), "{name}");
            assert_eq!(templates(&event(name, json!({ "sealed": false }))).len(), 1, "{name}");
        }
    }

    #[test]
    fn an_edit_asks_bidders_or_tells_them_or_is_none_of_their_business() {
        let edit = |changed: &[&str], material: bool| {
            event("job.edited", json!({ "changed": changed, "material": material }))
        };
        assert_eq!(templates(&edit(&["title", "skills"], true)), ["bid_confirmation_asked"]);
        assert_eq!(templates(&edit(&["title"], false)), ["job_edited"]);
        assert!(templates(&edit(&[], false)).is_empty());
    }

    #[test]
    fn no_contractor_is_told_of_another_s_bid() {
        for row in TABLE.iter().filter(|row| row.event.starts_with("bid.")) {
            assert!(matches!(row.recipient, Contractor | Homeowner), "{}", row.event);
        }
    }

    #[test]
    fn a_homeowner_hears_of_an_approval_only_when_silence_gave_it() {
        assert_eq!(
            templates(&event("milestone.approved", json!({ "bySilence": false }))),
            ["milestone_approved"]
        );
        assert_eq!(
            templates(&event("milestone.approved", json!({ "bySilence": true }))),
            ["milestone_approved", "milestone_approved_by_silence"]
        );
    }

    #[test]
    fn the_one_who_signed_is_not_told_of_it() {
        let (homeowner, contractor) = (PartyId::new(), PartyId::new());
        let signed = |by| {
            event(
                "contract.signed",
                json!({ "signedBy": by, "homeownerId": homeowner, "contractorId": contractor }),
            )
        };
        let other = |by| named(OtherSigner, &signed(by)).unwrap().map(PersonId::uuid);
        assert_eq!(other(homeowner), Some(contractor.uuid()));
        assert_eq!(other(contractor), Some(homeowner.uuid()));
    }

    #[test]
    fn an_event_that_does_not_name_its_people_is_parked() {
        let lost = named(Homeowner, &event("job.published", json!({ "homeownerId": 7 })));
        assert!(matches!(lost, Err(TaskError::Park(_))), "{lost:?}");
    }

    #[test]
    fn the_table_and_the_catalogue_name_the_same_templates() {
        let mut told: Vec<_> = TABLE.iter().map(|row| row.template).collect();
        told.sort_unstable();
        told.dedup();
        let mut known: Vec<_> = catalogue::ALL.iter().map(|template| template.name).collect();
        known.sort_unstable();
        assert_eq!(told, known);
    }

    #[test]
    fn rows_of_one_event_stand_together() {
        let events = events();
        let mut distinct = events.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(events.len(), distinct.len());
    }
}
