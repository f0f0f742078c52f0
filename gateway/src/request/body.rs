//! A request's body: read within limits, checked against the operation's schema, then made into its type.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use kernel::{Fault, Faults};
use serde::de::DeserializeOwned;

use super::bounded;
use super::call::Call;
use crate::http::Problem;

/// The JSON body of an operation that was declared with `.body::<T>(…)`.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// The JSON body of an operation that was declared with `.optional_body::<T>(…)`; none when nothing was sent.
#[derive(Debug)]
pub struct OptionalBody<T>(pub Option<T>);

/// The bytes of the body as they came.
#[derive(Debug)]
pub struct RawBody(pub Bytes);

impl<T> Body<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Body<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Call::of(request).and_then(|call| read(&call).map(Self)))
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Call::of(request).and_then(|call| {
            if call.body.is_empty() { Ok(Self(None)) } else { read(&call).map(|body| Self(Some(body))) }
        }))
    }
}

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Call::of(request).map(|call| Self(call.body.clone())))
    }
}

fn read<T: DeserializeOwned>(call: &Call) -> Result<T, Problem> {
    let (value, faults) = bounded::read(&call.body).map_err(|bounded::NotJson(why)| {
        Problem::bad_request("not_json", format!("the body is not JSON: {why}"))
    })?;
    refuse(faults)?;
    if let Some(checker) = &call.entry.body {
        refuse(checker.faults(&value))?;
    }
    serde_json::from_value(value).map_err(|error| {
        // What the schema lets through and the type does not, such as an integer of more than 64 bits.
        invalid(vec![Fault::new("", "invalid", error.to_string())])
    })
}

fn refuse(faults: Faults) -> Result<(), Problem> {
    if faults.is_empty() { Ok(()) } else { Err(invalid(faults.into_vec())) }
}

fn invalid(faults: Vec<Fault>) -> Problem {
    Problem::invalid(StatusCode::UNPROCESSABLE_ENTITY, faults)
}
