//! The text of a contract, written from facts alone: the same facts give the same bytes, on every machine and at any time. It
//! is written once for each version and kept (sealed); nobody writes an old one anew.
//!
//! Every text that a person entered is indented, so that no title or description can pass for a line of the contract itself.

use chrono::NaiveDate;
use kernel::{Money, PartyId};
use marketplace::JobId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{Contract, Milestone, Terms};

/// What the text says beside the milestones. Kept sealed with the contract, so that another version can be written while
/// nobody is bound yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Particulars {
    pub(crate) homeowner_name: String,
    pub(crate) contractor_name: String,
    pub(crate) job_category: String,
    pub(crate) job_place: String,
    pub(crate) job_description: String,
    /// The conditions that the bid named in its own words.
    pub(crate) bid_terms: Option<String>,
    pub(crate) starts_on: NaiveDate,
    pub(crate) ends_on: NaiveDate,
}

impl Particulars {
    /// In the names of the API, for a party's own account of the contract.
    pub(crate) fn for_people(&self) -> Value {
        json!({
            "homeownerName": self.homeowner_name,
            "contractorName": self.contractor_name,
            "jobCategory": self.job_category,
            "jobPlace": self.job_place,
            "jobDescription": self.job_description,
            "bidTerms": self.bid_terms,
            "startsOn": self.starts_on,
            "endsOn": self.ends_on,
        })
    }
}

/// Writes the text of one version.
pub(crate) fn write(
    contract: &Contract,
    version: i32,
    particulars: &Particulars,
    milestones: &[Milestone],
) -> String {
    let mut text = Text::default();
    text.line(&format!("CONTRACT {}", contract.id));
    text.line(&format!("Version {version} of its text"));
    parties(&mut text, contract, particulars);
    work(&mut text, contract.job_id, &contract.title, particulars);
    text.heading("PRICE");
    text.line(&format!("{} for the whole of the work.", contract.price));
    schedule(&mut text, contract.price, milestones);
    conditions(&mut text, &contract.terms);
    if let Some(own) = &particulars.bid_terms {
        text.heading("CONDITIONS NAMED IN THE BID");
        text.quote(own);
    }
    text.0
}

fn parties(text: &mut Text, contract: &Contract, particulars: &Particulars) {
    text.heading("PARTIES");
    let mut party = |side: &str, id: PartyId, name: &str| {
        text.line(&format!("{side} ({id}):"));
        text.quote(name);
    };
    party("Homeowner", contract.homeowner, &particulars.homeowner_name);
    party("Contractor", contract.contractor, &particulars.contractor_name);
}

fn work(text: &mut Text, job: JobId, title: &str, particulars: &Particulars) {
    text.heading("WORK");
    text.line(&format!("Job {job}:"));
    text.quote(title);
    text.line("Trade:");
    text.quote(&particulars.job_category);
    text.line("Place:");
    text.quote(&particulars.job_place);
    text.line("Description:");
    text.quote(&particulars.job_description);
    text.line(&format!("From {} to {}.", particulars.starts_on, particulars.ends_on));
}

fn schedule(text: &mut Text, price: Money, milestones: &[Milestone]) {
    text.heading("MILESTONES");
    for milestone in milestones {
        let amount = Money::new(milestone.amount, price.currency()).unwrap_or(Money::zero(price.currency()));
        text.line(&format!(
            "{}. {amount}, due {} ({}):",
            milestone.ordinal, milestone.due_date, milestone.id
        ));
        text.quote(&milestone.title);
        if let Some(start) = milestone.start_date {
            text.line(&format!("Work on it starts {start}."));
        }
        if let Some(description) = &milestone.description {
            text.line("Description:");
            text.quote(description);
        }
        if !milestone.deliverables.is_empty() {
            text.line("To be delivered:");
            for deliverable in &milestone.deliverables {
                text.quote(&format!("- {deliverable}"));
            }
        }
    }
}

fn conditions(text: &mut Text, terms: &Terms) {
    let percent = format!("{}.{:02}", terms.fee.points() / 100, terms.fee.points() % 100);
    text.heading("CONDITIONS");
    text.line("1. The homeowner pays each milestone in before work on it starts; the payment is held until it is released.");
    text.line(&format!(
        "2. A submitted milestone is inspected for at most {} times 24 hours. Silence until then approves it; a request for changes \
         ends the inspection, and a new submission begins it anew.",
        terms.inspection_days
    ));
    text.line(&format!(
        "3. Either party may release an approved milestone; the service does so {} hours after the approval.",
        terms.auto_release_hours
    ));
    text.line(&format!(
        "4. Of each release the platform keeps {percent} %, rounded half up, out of the contractor's share."
    ));
    text.line(&format!("5. Edition {} of the platform's rules applies.", terms.rules_version));
}

/// Lines, each ended by a line feed.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        self.line("");
        self.line(heading);
    }

    /// What a person entered, indented line by line.
    fn quote(&mut self, words: &str) {
        // Every character at which some reader might begin a new line ends one here.
        for line in words.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
            self.line(format!("    {line}").trim_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};
    use kernel::{BasisPoints, Currency, PartyId};
    use marketplace::BidId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::model::{ContractId, ContractStatus, DocumentHash, MilestoneId, MilestoneStatus};

    fn contract(title: &str) -> Contract {
        let at = Utc.with_ymd_and_hms(2027, 3, 1, 12, 0, 0).unwrap();
        Contract {
            id: ContractId::from(Uuid::from_u128(1)),
            job_id: JobId::from(Uuid::from_u128(2)),
            bid_id: BidId::from(Uuid::from_u128(3)),
            homeowner: PartyId::from(Uuid::from_u128(4)),
            contractor: PartyId::from(Uuid::from_u128(5)),
            title: title.to_owned(),
            price: Money::new(180_000, Currency::USD).unwrap(),
            status: ContractStatus::PendingSignatures,
            terms: Terms {
                rules_version: 1,
                fee: BasisPoints::new(290),
                inspection_days: 14,
                auto_release_hours: 24,
            },
            document_version: 1,
            version: 1,
            sign_by: at,
            activated_at: None,
            work_started_at: None,
            completed_at: None,
            terminated: None,
            verification_lapsed_at: None,
            created_at: at,
            updated_at: at,
        }
    }

    fn milestone(title: &str, description: Option<&str>) -> Milestone {
        let at = Utc.with_ymd_and_hms(2027, 3, 1, 12, 0, 0).unwrap();
        Milestone {
            id: MilestoneId::from(Uuid::from_u128(6)),
            contract_id: ContractId::from(Uuid::from_u128(1)),
            ordinal: 1,
            title: title.to_owned(),
            description: description.map(str::to_owned),
            deliverables: vec!["a tight roof".to_owned()],
            amount: 180_000,
            status: MilestoneStatus::Pending,
            start_date: None,
            due_date: NaiveDate::from_ymd_opt(2027, 4, 1).unwrap(),
            submission: 0,
            inspection_ends_at: None,
            inspection_paused_at: None,
            version: 1,
            started_at: None,
            approved_at: None,
            released_at: None,
            created_at: at,
            updated_at: at,
        }
    }

    fn particulars(name: &str) -> Particulars {
        Particulars {
            homeowner_name: name.to_owned(),
            contractor_name: "Grace Hopper".to_owned(),
            job_category: "roofing".to_owned(),
            job_place: "1 Elm Street".to_owned(),
            job_description: "Old roof off,\nnew roof on.".to_owned(),
            bid_terms: None,
            starts_on: NaiveDate::from_ymd_opt(2027, 3, 2).unwrap(),
            ends_on: NaiveDate::from_ymd_opt(2027, 4, 1).unwrap(),
        }
    }

    /// The bytes of a signed text must never change by accident: a change of the wording is a new edition of the rules.
    #[test]
    fn the_text_is_what_it_always_was() {
        let text = write(
            &contract("New roof"),
            1,
            &particulars("Ada Lovelace"),
            &[milestone("Roof", Some("Slate."))],
        );
        assert_eq!(text, include_str!("document/example.txt"));
    }

    #[test]
    fn another_version_is_another_text() {
        let of = |version| {
            DocumentHash::of(&write(
                &contract("Roof"),
                version,
                &particulars("Ada"),
                &[milestone("Roof", None)],
            ))
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    proptest! {
        /// Whatever people enter, every line of theirs is indented, and the lines of the contract itself stay the same.
        #[test]
        fn entered_text_never_passes_for_the_contracts_own(name in any::<String>(), title in any::<String>(), words in "(\\PC|\n|\r|\u{85}|\u{2028}|PRICE){0,200}") {
            let own = |text: &str| -> Vec<String> {
                text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])
                    .filter(|line| !line.starts_with("    "))
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned)
                    .collect()
            };
            let plain = write(&contract("x"), 1, &particulars("x"), &[milestone("x", Some("x"))]);
            let entered = write(&contract(&title), 1, &particulars(&name), &[milestone(&title, Some(&words))]);
            prop_assert_eq!(own(&entered), own(&plain));
        }
    }
}
