//! One person's view of the API: an HTTP client with that person's token. It knows no more than any program outside.

use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::{Client, Response};
use serde_json::Value;

/// Why a step did not go as it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    /// Nobody answers at the address.
    #[error("{url} does not answer: {reason}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What the transport said.
        reason: String,
    },
    /// The server answered otherwise than the walk expects.
    #[error("{method} {path} answered {status} where {expected} was expected: {body}")]
    Unexpected {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// The expected one.
        expected: u16,
        /// The answer.
        body: String,
    },
    /// The answer lacks what the walk goes on with.
    #[error("the answer lacks {pointer}: {body}")]
    Lacking {
        /// A JSON Pointer.
        pointer: String,
        /// The answer.
        body: String,
    },
    /// What happens by itself did not happen in time.
    #[error("waited {seconds} s for {what}; are the workers running?")]
    Waited {
        /// For what.
        what: String,
        /// How long.
        seconds: u64,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// An answer with its status.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// The status.
    pub status: u16,
    /// The body; null where there is none.
    pub body: Value,
}

impl Answer {
    /// The text at a JSON Pointer.
    ///
    /// # Errors
    /// [`DemoError::Lacking`] when there is none.
    pub(super) fn text(&self, pointer: &str) -> Result<String, DemoError> {
        let found = self.body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| self.lacking(pointer))
    }

    /// The whole number at a JSON Pointer.
    ///
    /// # Errors
    /// [`DemoError::Lacking`] when there is none.
    pub(super) fn number(&self, pointer: &str) -> Result<i64, DemoError> {
        self.body.pointer(pointer).and_then(Value::as_i64).ok_or_else(|| self.lacking(pointer))
    }

    /// The list at a JSON Pointer.
    ///
    /// # Errors
    /// [`DemoError::Lacking`] when there is none.
    pub(super) fn list(&self, pointer: &str) -> Result<&[Value], DemoError> {
        let found = self.body.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice);
        found.ok_or_else(|| self.lacking(pointer))
    }

    fn lacking(&self, pointer: &str) -> DemoError {
        DemoError::Lacking { pointer: pointer.to_owned(), body: self.body.to_string() }
    }
}

/// Somebody with a browser, so to say.
#[derive(Debug, Clone)]
pub(super) struct Person {
    client: Client,
    base: String,
    /// First name, as the walk calls them.
    pub name: String,
    /// With what they signed up.
    pub email: String,
    token: Option<String>,
}

impl Person {
    /// Somebody who has not signed in.
    ///
    /// # Errors
    /// [`DemoError::Other`] when no client can be made.
    pub(super) fn new(base: &str, name: &str, email: &str) -> Result<Self, DemoError> {
        let client = Client::builder().timeout(Duration::from_secs(30)).build();
        Ok(Self {
            client: client.map_err(|error| DemoError::Other(error.to_string()))?,
            base: base.trim_end_matches('/').to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
            token: None,
        })
    }

    /// From now on with this access token.
    pub(super) fn hold_token(&mut self, token: String) {
        self.token = Some(token);
    }

    /// Asks for something that has to be there.
    ///
    /// # Errors
    /// [`DemoError`] when it is not answered with 200.
    pub(super) fn get(&self, path: &str) -> Result<Answer, DemoError> {
        self.ask(Method::GET, path, None, 200)
    }

    /// Sends a command and expects this status.
    ///
    /// # Errors
    /// [`DemoError`] when it is answered otherwise.
    pub(super) fn post(&self, path: &str, body: Value, expected: u16) -> Result<Answer, DemoError> {
        self.ask(Method::POST, path, Some(body), expected)
    }

    /// Sends a change and expects 200.
    ///
    /// # Errors
    /// [`DemoError`] when it is answered otherwise.
    pub(super) fn patch(&self, path: &str, body: Value) -> Result<Answer, DemoError> {
        self.ask(Method::PATCH, path, Some(body), 200)
    }

    /// Sends anything and expects this status. Each command carries a key of its own, as every client that may have to send it again
    /// should do.
    ///
    /// # Errors
    /// [`DemoError`] when it is answered otherwise.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        expected: u16,
    ) -> Result<Answer, DemoError> {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method.clone(), &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &body {
            request = request.header("idempotency-key", uuid::Uuid::now_v7().to_string()).json(body);
        }
        let response = request.send();
        let response = response.map_err(|error| DemoError::Unreachable { url, reason: reason(&error) })?;
        let answer = read(response);
        if answer.status == expected {
            return Ok(answer);
        }
        Err(DemoError::Unexpected {
            method: method.to_string(),
            path: path.to_owned(),
            status: answer.status,
            expected,
            body: answer.body.to_string(),
        })
    }
}

fn read(response: Response) -> Answer {
    let status = response.status().as_u16();
    let text = response.text().unwrap_or_default();
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

/// The innermost cause: reqwest's own text names only the address again.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
