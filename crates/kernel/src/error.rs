//! The kinds of failure. Each crate has one small error enum and says of each variant which kind it is; what a kind
//! becomes outside (an HTTP status, an exit code) is decided once, at the edge.

use serde::Serialize;

/// One fault in what was asked, with the place of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// A JSON Pointer (RFC 6901) into the request's body, or `?name` for a query parameter.
    pub pointer: String,
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Fault {
    /// A fault at a place.
    #[must_use]
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, message: message.into() }
    }
}

/// Every fault that was found, so that a person mends them all at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// None found yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Notes one.
    pub fn push(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.0.push(Fault::new(pointer, code, message));
    }

    /// Notes one unless the condition holds.
    pub fn check(&mut self, holds: bool, pointer: &str, code: &'static str, message: impl Into<String>) {
        if !holds {
            self.push(pointer, code, message);
        }
    }

    /// Notes a failed conversion and goes on without its value.
    pub fn take<T>(&mut self, pointer: &str, result: Result<T, Faults>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(faults) => {
                self.0.extend(
                    faults
                        .0
                        .into_iter()
                        .map(|fault| Fault { pointer: format!("{pointer}{}", fault.pointer), ..fault }),
                );
                None
            }
        }
    }

    /// The value when nothing was found.
    ///
    /// # Errors
    /// The faults, when there are any.
    pub fn or<T>(self, value: impl FnOnce() -> T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value()) } else { Err(self) }
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults, in the order they were found.
    #[must_use]
    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", fault.pointer, fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// What a failure means to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// Faults in what was sent.
    Invalid(Vec<Fault>),
    /// Nobody is signed in, or no longer.
    Unauthenticated,
    /// Theirs to see, but not theirs to do.
    Forbidden,
    /// Not there, or not theirs.
    NotFound,
    /// In the wrong state for this; names it and what could be done instead.
    WrongState {
        /// The state it is in.
        state: &'static str,
        /// What this actor could do now.
        allowed: Vec<&'static str>,
    },
    /// It clashes with something that is already so.
    Conflict,
    /// It changed since the caller read it.
    StalePrecondition,
    /// The caller must say which version it read.
    PreconditionRequired,
    /// Too often; try again after so many seconds.
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// Somebody else holds it this moment; trying again is right.
    Busy,
    /// Something we need is away or overloaded; trying again later is right.
    Unavailable,
    /// Our own fault.
    Internal,
}

/// An error that knows its kind.
pub trait Classify: std::error::Error {
    /// What it means to whoever asked.
    fn kind(&self) -> ErrorKind;
    /// A stable word for programs, `snake_case`; one per variant.
    fn code(&self) -> &'static str;
}

impl Classify for crate::WrongRole {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Forbidden
    }
    fn code(&self) -> &'static str {
        "wrong_role"
    }
}

impl Classify for Faults {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid(self.0.clone())
    }
    fn code(&self) -> &'static str {
        "invalid_request"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_kept_with_its_whole_place() {
        let mut faults = Faults::none();
        faults.check(1 > 2, "/amount", "out_of_range", "is too small");
        let inner: Option<()> =
            faults.take("/lines/0", Err(Fault::new("/quantity", "missing", "is missing").into()));
        assert_eq!(inner, None);
        let found = faults.or(|| ()).unwrap_err();
        assert_eq!(found.to_string(), "/amount: is too small; /lines/0/quantity: is missing");
    }
}
