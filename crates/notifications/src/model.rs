//! Notifications, the channels they take and how deliveries stand.

use std::collections::BTreeMap;

use kernel::Instant;

kernel::id!(
    /// One person told of one event.
    NotificationId,
    "ntf"
);

kernel::id!(
    /// One channel of one notification.
    DeliveryId,
    "dlv"
);

/// Declares an enum whose variants the database knows by a word.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As the database and JSON have it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads what `as_str` wrote.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }
    };
}

words! {
    /// What a notification concerns.
    Category {
        /// The safety of an account.
        Security = "SECURITY",
        /// An account and its verification.
        Account = "ACCOUNT",
        /// Jobs.
        Jobs = "JOBS",
        /// Bids.
        Bids = "BIDS",
        /// Contracts and their milestones.
        Contracts = "CONTRACTS",
        /// Money.
        Payments = "PAYMENTS",
        /// Reviews.
        Reviews = "REVIEWS",
    }
}

words! {
    /// A way to reach a person.
    Channel {
        /// The inbox.
        InApp = "IN_APP",
        /// E-mail.
        Email = "EMAIL",
    }
}

words! {
    /// How a delivery stands.
    DeliveryState {
        /// Waits to be sent, or for the next try.
        Pending = "PENDING",
        /// Left the house.
        Sent = "SENT",
        /// Decided against; the reason says why.
        Stopped = "STOPPED",
        /// Given up; the reason says why.
        Failed = "FAILED",
    }
}

/// Which of an inbox to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// All of it.
    #[default]
    All,
    /// What has not been read.
    Unread,
}

/// A notification in somebody's inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// What it concerns.
    pub category: Category,
    /// The template that it was written from, a stable word for programs.
    pub template: String,
    /// One line; empty after erasure.
    pub title: String,
    /// A few sentences; empty after erasure.
    pub body: String,
    /// The typed ids of what it is about, by the names that events give them.
    pub subjects: BTreeMap<String, String>,
    /// When it was stored.
    pub created_at: Instant,
    /// When it was read first.
    pub read_at: Option<Instant>,
}
