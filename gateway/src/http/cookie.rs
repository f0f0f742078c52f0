//! [`Cookie`]: one that a browser is given to keep for a while, out of reach of scripts.

use std::borrow::Cow;

use actix_web::http::header::HeaderValue;

/// A cookie's name and reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    name: Cow<'static, str>,
    path: &'static str,
    secure: bool,
}

impl Cookie {
    /// Over TLS only, and this very host's: browsers take no cookie of this name from anybody else (RFC 6265bis, `__Host-`).
    #[must_use]
    pub fn of_host(name: &'static str) -> Self {
        Self { name: Cow::Owned(format!("__Host-{name}")), path: "/", secure: true }
    }

    /// For servers without TLS, under this path: a developer's own machine.
    #[must_use]
    pub const fn plain(name: &'static str, path: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), path, secure: false }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Kept for so many seconds. Sent back with navigations only, from wherever they begin: a provider sends the browser here.
    #[must_use]
    pub fn holding(&self, value: &str, seconds: u32) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path={}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
            self.name, self.path
        );
        HeaderValue::from_str(&text).ok()
    }

    /// Forgotten at once.
    #[must_use]
    pub fn emptied(&self) -> Option<HeaderValue> {
        self.holding("", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_tls_the_name_binds_it_to_the_host() {
        let text = |value: Option<HeaderValue>| value.unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            text(Cookie::of_host("x").holding("v", 600)),
            "__Host-x=v; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            text(Cookie::plain("x", "/api").emptied()),
            "x=; Path=/api; Max-Age=0; HttpOnly; SameSite=Lax"
        );
    }
}
