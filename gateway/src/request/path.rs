//! The ids in a path.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::http::Problem;

/// The path's one parameter: `Path<JobId>`. What is malformed names nothing: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

/// The path's two parameters, in order: `PathPair<ContractId, MilestoneId>`.
#[derive(Debug, Clone, Copy)]
pub struct PathPair<A, B>(pub A, pub B);

impl<T> Deref for Path<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: FromStr> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parameter(request, 0).map(Self))
    }
}

impl<A: FromStr, B: FromStr> FromRequest for PathPair<A, B> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parameter(request, 0).and_then(|first| Ok(Self(first, parameter(request, 1)?))))
    }
}

fn parameter<T: FromStr>(request: &HttpRequest, place: usize) -> Result<T, Problem> {
    let text = request.match_info().iter().nth(place).map(|(_, value)| value);
    text.and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)
}
