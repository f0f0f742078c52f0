//! Who is asking, as handlers take it. The gate has let nobody in whom the operation's [`Who`](crate::Who) does not admit.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use kernel::{Actor, AdminActor, ContractorActor, HomeownerActor, WrongRole};

use super::call::Call;
use crate::http::Problem;

/// Somebody signed in.
#[derive(Debug, Clone)]
pub struct SignedIn(Actor);

/// Somebody signed in, or nobody: for operations that anyone may call and that show more to some.
#[derive(Debug, Clone)]
pub struct MaybeSignedIn(pub Option<Actor>);

impl MaybeSignedIn {
    /// The actor, when there is one.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.0.as_ref()
    }
}

impl std::ops::Deref for SignedIn {
    type Target = Actor;
    fn deref(&self) -> &Actor {
        &self.0
    }
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(signed_in(request).map(Self))
    }
}

impl FromRequest for MaybeSignedIn {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Call::of(request).map(|call| Self(call.actor.clone())))
    }
}

fn signed_in(request: &HttpRequest) -> Result<Actor, Problem> {
    Call::of(request)?.actor.clone().ok_or_else(Problem::unauthenticated)
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident, $view:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Actor);

        impl $name {
            fn checked(actor: Actor) -> Result<Self, WrongRole> {
                actor.$check()?;
                Ok(Self(actor))
            }

            /// The view that commands take.
            ///
            /// # Panics
            /// Never: the role was checked when this was made.
            #[must_use]
            pub fn view(&self) -> $view<'_> {
                match self.0.$check() {
                    Ok(view) => view,
                    Err(_) => unreachable!("the role was checked when this was made"),
                }
            }
        }

        impl std::ops::Deref for $name {
            type Target = Actor;
            fn deref(&self) -> &Actor { &self.0 }
        }

        impl FromRequest for $name {
            type Error = Problem;
            type Future = Ready<Result<Self, Problem>>;
            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(signed_in(request).and_then(|actor| Ok(Self::checked(actor)?)))
            }
        }
    };
}

role!(
    /// A homeowner who is signed in.
    Homeowner, HomeownerActor, homeowner
);
role!(
    /// A contractor who is signed in.
    Contractor, ContractorActor, contractor
);
role!(
    /// An administrator who is signed in.
    Admin, AdminActor, admin
);
