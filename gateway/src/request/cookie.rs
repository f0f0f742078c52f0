//! [`Cookies`]: what a browser sends back by itself. Nobody is signed in by a cookie here; one keeps a sign-in at a provider with the
//! browser that began it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::COOKIE;
use actix_web::{FromRequest, HttpRequest};
use secrecy::SecretString;

use crate::http::Problem;

/// The cookies of a request.
pub struct Cookies(Vec<(String, SecretString)>);

impl Cookies {
    /// The cookie of that name; none when there are two, of which nobody could say whose each is.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&SecretString> {
        let mut found = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let first = found.next()?;
        if found.next().is_none() { Some(first) } else { None }
    }

    fn read(header: &str) -> impl Iterator<Item = (String, SecretString)> {
        let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), SecretString::from(value.to_owned())))
    }
}

impl FromRequest for Cookies {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = request.headers().get_all(COOKIE).filter_map(|value| value.to_str().ok());
        ready(Ok(Self(headers.flat_map(Self::read).collect())))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_cookie_that_is_there_twice_is_not_there() {
        let cookies = Cookies(Cookies::read("a=1; b=x=y;c=; a=2; junk").collect());
        let find = |name: &str| cookies.find(name).map(|value| value.expose_secret().to_owned());
        assert_eq!(
            (find("a"), find("b"), find("c"), find("junk")),
            (None, Some("x=y".into()), Some(String::new()), None)
        );
    }
}
