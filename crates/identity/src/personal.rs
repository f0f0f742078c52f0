//! What a crate owes a person about whom it keeps something: an account of it, a word when the person cannot leave yet, and to forget.
//!
//! Every crate that keeps rows about people implements [`PersonalData`] for its service; whoever composes the product hands them all to
//! identity, which asks each in turn. Which column of which table is personal is declared in `tests/it/house/personal.rs`.

use database::{PgConnection, Tx};
use files::File;
use kernel::PersonId;
use serde_json::Value;

use crate::Error;

/// What whoever was erased is called ever after, by everybody.
pub const FORMER_MEMBER: &str = "Former member";

/// Everything that one crate holds about a person.
#[derive(Debug, Clone)]
pub struct Held {
    /// As JSON: what the person wrote and what was written about the person, in the names of the API. Nothing secret (hashes, keys), and
    /// nothing that the person could not read over the API: a sealed bid of another stays sealed.
    pub data: Value,
    /// The stored files that belong to it.
    pub files: Vec<File>,
}

/// Why a person cannot be erased yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// A stable word, such as `money_held`.
    pub code: &'static str,
    /// What has to end first, for a person to read.
    pub message: String,
    /// The kind of thing that holds the person, such as `contract`.
    pub kind: &'static str,
    /// The thing, as the API writes its id.
    pub id: String,
}

/// A crate that keeps something about people.
pub trait PersonalData: Send + Sync {
    /// The name of its part in an export, such as `marketplace`.
    fn section(&self) -> &'static str;

    /// Everything held about the person.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Vault`].
    fn held_about(&self, conn: &mut PgConnection, person: PersonId) -> Result<Held, Error>;

    /// What keeps the person from being erased now; none when nothing does. Called with the person's row locked, which keeps everything from
    /// beginning that takes [`hold_people`](crate::hold_people) first; locks what it judges by besides, so that it still holds when
    /// [`PersonalData::erase`] is called in the same transaction.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn blockers(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<Vec<Blocker>, Error>;

    /// Forgets the person: ends what is open, anonymises what others need to keep, removes the rest. Called after no crate named a
    /// blocker, in the transaction that erases the person everywhere, while identity still knows what the person is called
    /// ([`traces`](crate::traces)); a second call changes nothing more.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn erase(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<(), Error>;
}
