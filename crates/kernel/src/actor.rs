//! Who is acting. Every command takes an [`Actor`] or one of its checked views first, so that its signature says who
//! may call it; the owner-scoped finder below it asks again.

use serde::{Deserialize, Serialize};

crate::id!(
    /// A person with an account.
    PersonId,
    "usr"
);

crate::id!(
    /// Who owns things and is bound by contracts: a person now, an organization later. A person's party has the person's own UUID.
    PartyId,
    "pty"
);

crate::id!(
    /// A signed-in session.
    SessionId,
    "ses"
);

impl From<PersonId> for PartyId {
    fn from(person: PersonId) -> Self {
        Self::from(person.uuid())
    }
}

/// What somebody is on the marketplace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Posts jobs and pays.
    Homeowner,
    /// Bids and works.
    Contractor,
    /// Runs the marketplace.
    Admin,
}

impl Role {
    /// Every role, in the order of the documents.
    pub const ALL: [Self; 3] = [Self::Homeowner, Self::Contractor, Self::Admin];

    /// As the database and JSON have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Homeowner => "HOMEOWNER",
            Self::Contractor => "CONTRACTOR",
            Self::Admin => "ADMIN",
        }
    }

    /// Reads what [`Role::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Through what an actor came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A person signed in.
    Session(SessionId),
    /// The product itself: a scheduled task, an event handler.
    System,
    /// An administrator in somebody's place, with the reason that will be kept.
    AdminFor(String),
}

/// Who is acting, for whom, through what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The party whose things these are.
    pub party: PartyId,
    /// The person behind it; none for the system.
    pub person: Option<PersonId>,
    /// What the person is.
    pub role: Role,
    /// Through what.
    pub via: Via,
    /// Whether the person's e-mail address has been verified.
    pub email_verified: bool,
    /// The request that this is part of, for logs and events.
    pub request_id: String,
}

/// The actor is of another role than the command is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is for {needed:?} accounts")]
pub struct WrongRole {
    /// The role that the command is for.
    pub needed: Role,
}

impl Actor {
    /// Somebody signed in.
    #[must_use]
    pub fn person(
        person: PersonId,
        role: Role,
        session: SessionId,
        email_verified: bool,
        request_id: impl Into<String>,
    ) -> Self {
        Self {
            party: person.into(),
            person: Some(person),
            role,
            via: Via::Session(session),
            email_verified,
            request_id: request_id.into(),
        }
    }

    /// The product itself, with an administrator's rights.
    #[must_use]
    pub fn system(request_id: impl Into<String>) -> Self {
        Self {
            party: PartyId::from(uuid::Uuid::nil()),
            person: None,
            role: Role::Admin,
            via: Via::System,
            email_verified: true,
            request_id: request_id.into(),
        }
    }

    /// # Errors
    /// [`WrongRole`] for anyone but a homeowner.
    pub fn homeowner(&self) -> Result<HomeownerActor<'_>, WrongRole> {
        self.require(Role::Homeowner).map(|()| HomeownerActor(self))
    }

    /// # Errors
    /// [`WrongRole`] for anyone but a contractor.
    pub fn contractor(&self) -> Result<ContractorActor<'_>, WrongRole> {
        self.require(Role::Contractor).map(|()| ContractorActor(self))
    }

    /// # Errors
    /// [`WrongRole`] for anyone but an administrator or the system.
    pub fn admin(&self) -> Result<AdminActor<'_>, WrongRole> {
        self.require(Role::Admin).map(|()| AdminActor(self))
    }

    fn require(&self, needed: Role) -> Result<(), WrongRole> {
        if self.role == needed { Ok(()) } else { Err(WrongRole { needed }) }
    }
}

macro_rules! view {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name<'a>(&'a Actor);
        impl std::ops::Deref for $name<'_> {
            type Target = Actor;
            fn deref(&self) -> &Actor { self.0 }
        }
    };
}

view!(
    /// An [`Actor`] known to be a homeowner.
    HomeownerActor
);
view!(
    /// An [`Actor`] known to be a contractor.
    ContractorActor
);
view!(
    /// An [`Actor`] known to be an administrator, or the system.
    AdminActor
);
