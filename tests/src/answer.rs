//! What came back, with the questions that tests ask of it. A test that is wrong about an answer is shown the answer.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked: `POST /api/jobs`.
    pub asked: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The body where it is JSON, null otherwise.
    pub json: Value,
}

impl Answer {
    /// The body, after the status was as it should be.
    ///
    /// # Panics
    /// When it was another status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text());
        self.json
    }

    /// The problem, after it was checked to be one: media type, status, code and request id.
    ///
    /// # Panics
    /// When it is no such problem.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.asked);
        assert_eq!(self.json["status"], status, "{}", self.json);
        assert_eq!(self.json["code"], code, "{}", self.json);
        assert!(self.json["requestId"].is_string(), "{}", self.json);
        self.json
    }

    /// The problem of a body with faults, after it was checked that exactly these pointers have one, in any order.
    ///
    /// # Panics
    /// When other pointers are at fault.
    #[track_caller]
    pub fn faults(self, pointers: &[&str]) -> Value {
        assert_eq!(self.status, 422, "{} answered {}", self.asked, self.text());
        let errors = self.json["errors"].as_array().cloned().unwrap_or_default();
        let mut found: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        found.sort_unstable();
        found.dedup();
        let mut expected = pointers.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{}", self.json);
        self.json
    }

    /// The refusal for a state that forbids it, after it was checked which state it names.
    ///
    /// # Panics
    /// When it is another refusal.
    #[track_caller]
    pub fn wrong_state(self, state: &str) -> Value {
        assert_eq!(self.status, 409, "{} answered {}", self.asked, self.text());
        assert_eq!(self.json["state"], state, "{}", self.json);
        assert!(self.json["allowedActions"].is_array(), "{}", self.json);
        self.json
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}: {}", self.status, String::from_utf8_lossy(&self.bytes))
    }
}
