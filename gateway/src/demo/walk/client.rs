//! One person's view of the API: an HTTP client with that person's token. It knows no more than any program outside.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::blocking::{Client, Response};
use serde_json::Value;

use super::WalkError;

/// How long anything may take to be answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How often something that happens by itself is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// An answer with its status.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// The status.
    pub status: u16,
    /// The body; null where there is none.
    pub body: Value,
    /// Whether it is what an earlier request with the same key was answered.
    pub replayed: bool,
}

impl Answer {
    /// The text at a JSON Pointer.
    ///
    /// # Errors
    /// [`WalkError::Lacking`] when there is none.
    pub(super) fn text(&self, pointer: &str) -> Result<String, WalkError> {
        text_at(&self.body, pointer)
    }

    /// The whole number at a JSON Pointer.
    ///
    /// # Errors
    /// [`WalkError::Lacking`] when there is none.
    pub(super) fn number(&self, pointer: &str) -> Result<i64, WalkError> {
        number_at(&self.body, pointer)
    }

    /// The list at a JSON Pointer.
    ///
    /// # Errors
    /// [`WalkError::Lacking`] when there is none.
    pub(super) fn list(&self, pointer: &str) -> Result<&[Value], WalkError> {
        let found = self.body.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice);
        found.ok_or_else(|| lacking(&self.body, pointer))
    }
}

/// The text at a JSON Pointer.
///
/// # Errors
/// [`WalkError::Lacking`] when there is none.
pub(super) fn text_at(body: &Value, pointer: &str) -> Result<String, WalkError> {
    let found = body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| lacking(body, pointer))
}

/// The whole number at a JSON Pointer.
///
/// # Errors
/// [`WalkError::Lacking`] when there is none.
pub(super) fn number_at(body: &Value, pointer: &str) -> Result<i64, WalkError> {
    body.pointer(pointer).and_then(Value::as_i64).ok_or_else(|| lacking(body, pointer))
}

fn lacking(body: &Value, pointer: &str) -> WalkError {
    WalkError::Lacking { pointer: pointer.to_owned(), body: body.to_string() }
}

/// Somebody with a browser, so to say.
#[derive(Debug, Clone)]
pub(super) struct Person {
    client: Client,
    base: String,
    /// First name, as the walk calls them.
    pub name: String,
    /// With what they sign in, and where mail reaches them; empty for somebody signed out.
    pub email: String,
    /// As whom they own things, `pty_…`; empty for somebody signed out.
    pub party: String,
    token: Option<String>,
}

impl Person {
    /// Somebody who has not signed in.
    ///
    /// # Errors
    /// [`WalkError::Otherwise`] when no client can be made.
    pub(super) fn new(base: &str) -> Result<Self, WalkError> {
        let client = Client::builder().timeout(ANSWER_TIMEOUT).build();
        Ok(Self {
            client: client.map_err(|error| WalkError::Otherwise(error.to_string()))?,
            base: base.trim_end_matches('/').to_owned(),
            name: String::new(),
            email: String::new(),
            party: String::new(),
            token: None,
        })
    }

    /// Whoever a registration or a sign-in was answered for, called by this name.
    ///
    /// # Errors
    /// [`WalkError::Lacking`] when the answer is none of these.
    pub(super) fn signed_in(&self, name: &str, answer: &Answer) -> Result<Self, WalkError> {
        Ok(Self {
            name: name.to_owned(),
            email: answer.text("/user/email")?,
            party: answer.text("/user/partyId")?,
            token: Some(answer.text("/accessToken")?),
            ..self.clone()
        })
    }

    /// Asks for something that has to be there.
    ///
    /// # Errors
    /// [`WalkError`] when it is not answered with 200.
    pub(super) fn get(&self, path: &str) -> Result<Answer, WalkError> {
        self.ask(Method::GET, path, None, 200)
    }

    /// Sends a command and expects this status.
    ///
    /// # Errors
    /// [`WalkError`] when it is answered otherwise.
    pub(super) fn post(&self, path: &str, body: Value, expected: u16) -> Result<Answer, WalkError> {
        self.ask(Method::POST, path, Some(body), expected)
    }

    /// Sends a change and expects 200.
    ///
    /// # Errors
    /// [`WalkError`] when it is answered otherwise.
    pub(super) fn patch(&self, path: &str, body: Value) -> Result<Answer, WalkError> {
        self.ask(Method::PATCH, path, Some(body), 200)
    }

    /// Sends anything, under a key of its own, and expects this status.
    ///
    /// # Errors
    /// [`WalkError`] when it is answered otherwise.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        expected: u16,
    ) -> Result<Answer, WalkError> {
        let answer = self.send(&method, path, body.as_ref(), &new_key())?;
        if answer.status == expected {
            return Ok(answer);
        }
        Err(WalkError::Unexpected {
            method: method.to_string(),
            path: path.to_owned(),
            status: answer.status,
            expected,
            body: answer.body.to_string(),
        })
    }

    /// Sends anything, whatever it is answered. A command carries a key, as of every client that may have to send it again.
    ///
    /// # Errors
    /// [`WalkError::Unreachable`] when there is no answer.
    pub(super) fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        key: &str,
    ) -> Result<Answer, WalkError> {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method.clone(), &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("idempotency-key", key).json(body);
        }
        let unreachable =
            |error: reqwest::Error| WalkError::Unreachable { url: url.clone(), reason: reason(&error) };
        read(request.send().map_err(unreachable)?).map_err(unreachable)
    }
}

/// A key that no other request has.
#[must_use]
pub(super) fn new_key() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Looks until something is there that comes by itself.
///
/// # Errors
/// [`WalkError::Waited`] when it does not come, or what looking gives.
pub(super) fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>, WalkError>,
) -> Result<T, WalkError> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if begun.elapsed() > patience {
            return Err(WalkError::Waited { what: what.to_owned(), seconds: patience.as_secs() });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn read(response: Response) -> Result<Answer, reqwest::Error> {
    let status = response.status().as_u16();
    let replayed = response.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
    let text = response.text()?;
    Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), replayed })
}

/// The innermost cause: reqwest's own text names only the address again.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_comes_is_named() {
        let error = wait_for("a payout", Duration::ZERO, || Ok(None::<()>)).unwrap_err();
        assert_eq!(error.to_string(), "waited 0 s for a payout; are the workers running?");
    }

    #[test]
    fn nobody_at_the_address_is_told_with_the_address() {
        let error = Person::new("http://127.0.0.1:1/").unwrap().get("/health").unwrap_err();
        assert!(error.to_string().starts_with("http://127.0.0.1:1/health does not answer: "), "{error}");
    }
}
