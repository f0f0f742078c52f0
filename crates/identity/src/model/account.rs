//! Accounts as administrators find them, suspend them and reinstate them.

use kernel::{Faults, Instant, PartyId, PersonId, Role};
use serde::{Deserialize, Serialize};

use super::{Multiline, Person, VerificationState, text};

const REASON_CHARS_MAX: usize = 2_000;

kernel::id!(
    /// One suspension of one person.
    SuspensionId,
    "sus"
);

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountState {
    /// It may.
    Active,
    /// Nobody signs in with it until an administrator reinstates it.
    Suspended,
    /// Its person had it erased: what others need of it stays under no name.
    Erased,
}

impl AccountState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Erased];

    /// As JSON has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Erased => "ERASED",
        }
    }

    /// What an administrator can do in this state.
    #[must_use]
    pub const fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Active => &["suspend"],
            Self::Suspended => &["reinstate"],
            Self::Erased => &[],
        }
    }
}

/// How a contractor has to stand to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationFilter {
    /// Has handed in nothing.
    None,
    /// Waits for an administrator, whether or not an earlier verification holds.
    Pending,
    /// Holds now.
    Approved,
    /// Was approved, and has ended.
    Expired,
    /// The last word was no.
    Rejected,
}

/// In which order people are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountOrder {
    /// By when the account was made, the newest first.
    #[default]
    Newest,
    /// By name without case and accents; who has none goes by the e-mail address.
    Name,
}

/// Where a list of people goes on: the key of the order that it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccountKey {
    /// Of [`AccountOrder::Newest`].
    Newest(Instant),
    /// Of [`AccountOrder::Name`].
    Name(String),
}

/// Which people are wanted; what is none is all.
#[derive(Debug, Clone, Default)]
pub struct AccountFilter {
    /// Words, or beginnings of words, each of which the name or the e-mail address has; or the id of one person.
    pub words: Option<String>,
    /// Only those of this role.
    pub role: Option<Role>,
    /// Only those in this state. Without it nobody who was erased, unless named by id.
    pub state: Option<AccountState>,
    /// Only contractors who stand so.
    pub verification: Option<VerificationFilter>,
    /// Only those whose address is verified, or not.
    pub email_verified: Option<bool>,
    /// In which order.
    pub order: AccountOrder,
}

impl AccountFilter {
    /// The one person that the words name by id.
    pub(crate) fn person(&self) -> Option<PersonId> {
        let words = self.words.as_deref()?.trim();
        let party = || words.parse::<PartyId>().ok().map(|party| PersonId::from(party.uuid()));
        words.parse().ok().or_else(party)
    }
}

/// How a contractor's verification stands, as far as lists go into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The state of the newest verification; none when none was handed in.
    pub newest: Option<VerificationState>,
    /// Whether one waits for an administrator.
    pub pending: bool,
    /// When the approved one ends, or ended.
    pub valid_until: Option<Instant>,
    /// Whether the contractor may bid now.
    pub may_bid: bool,
}

/// A suspension that lasts or has ended. The reasons are for administrators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Its id.
    pub id: SuspensionId,
    /// Since when.
    pub suspended_at: Instant,
    /// By which administrator; none when it was the operator.
    pub suspended_by: Option<PersonId>,
    /// Why; none after erasure.
    pub reason: Option<String>,
}

/// An account with what identity knows of it, for administrators.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The account.
    pub person: Person,
    /// A contractor's standing.
    pub verification: Option<Standing>,
    /// The suspension that lasts.
    pub suspension: Option<Suspension>,
    /// How often the person was suspended, this time included.
    pub suspensions: i64,
    /// How many sessions live.
    pub live_sessions: i64,
    /// How many verifications the person has handed in.
    pub verifications: i64,
    /// When the person signed in last with a password.
    pub signed_in_at: Option<Instant>,
    /// By what a list in [`AccountOrder::Name`] is sorted.
    pub(crate) name_key: String,
}

impl Account {
    /// Whether it may be used.
    #[must_use]
    pub fn state(&self) -> AccountState {
        state_of(&self.person)
    }

    /// Where a list in this order goes on after it.
    #[must_use]
    pub(crate) fn key(&self, order: AccountOrder) -> AccountKey {
        match order {
            AccountOrder::Newest => AccountKey::Newest(self.person.created_at),
            AccountOrder::Name => AccountKey::Name(self.name_key.clone()),
        }
    }
}

pub(crate) fn state_of(person: &Person) -> AccountState {
    match (person.erased_at, person.suspended_at) {
        (Some(_), _) => AccountState::Erased,
        (None, Some(_)) => AccountState::Suspended,
        (None, None) => AccountState::Active,
    }
}

/// How many people there are, and what of theirs waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleFigures {
    /// As of when.
    pub as_of: Instant,
    /// Each role in each state with how many there are, none left out.
    pub people: Vec<(Role, AccountState, i64)>,
    /// Verifications that wait for an administrator.
    pub verifications_waiting: i64,
    /// When the one that waits longest was handed in.
    pub oldest_waiting_since: Option<Instant>,
    /// Sessions that live.
    pub live_sessions: i64,
}

/// Why an administrator suspends or reinstates somebody: for other administrators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// # Errors
    /// A fault at `/reason` when it is empty, too long or has control characters.
    pub fn new(raw: &str) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        match faults.take("/reason", text(raw, REASON_CHARS_MAX, Multiline::Yes)) {
            Some(reason) => faults.or(|| Self(reason)),
            None => Err(faults),
        }
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_can_be_named_by_either_id() {
        let id = PersonId::new();
        for words in [id.to_string(), PartyId::from(id).to_string(), format!(" {id} ")] {
            let filter = AccountFilter { words: Some(words.clone()), ..AccountFilter::default() };
            assert_eq!(filter.person(), Some(id), "{words}");
        }
        for words in ["usr_1", "ada", ""] {
            let filter = AccountFilter { words: Some(words.to_owned()), ..AccountFilter::default() };
            assert_eq!(filter.person(), None, "{words}");
        }
    }

    #[test]
    fn a_key_reads_back_as_what_it_was() {
        let newest = AccountKey::Newest("2026-11-21T18:00:00.123456Z".parse().unwrap());
        let name = AccountKey::Name("2026-11-21t18:00:00z".to_owned());
        for key in [newest, name] {
            let text = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<AccountKey>(&text).unwrap(), key);
        }
    }

    #[test]
    fn a_reason_is_needed() {
        for bad in ["", "  \n ", "a\u{7}b", &"x".repeat(2_001)] {
            assert!(Reason::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Reason::new(" Two complaints.\nSee 14. ").unwrap().as_str(), "Two complaints.\nSee 14.");
    }
}
