#![doc = include_str!("../README.md")]

pub mod actor;
pub mod clock;
pub mod error;
pub mod id;
pub mod money;
pub mod paging;

pub use actor::{
    Actor, AdminActor, ContractorActor, HomeownerActor, PartyId, PersonId, Role, SessionId, Via, WrongRole,
};
pub use clock::{Clock, SystemClock};
pub use error::{Classify, ErrorKind, Fault, Faults};
pub use id::{IdError, TypedId};
pub use money::{BasisPoints, Currency, Money, MoneyError};
pub use paging::{Limit, Page, Position};

/// An instant, always in UTC.
pub type Instant = chrono::DateTime<chrono::Utc>;

// What the `id!` macro needs from here; not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use diesel;
    pub use serde;
    #[cfg(feature = "schema")]
    pub use utoipa;
    pub use uuid;
}
