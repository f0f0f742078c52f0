//! The errors that an operation documents. Those that follow from its classes (401, 403, 429 …) are added by the document.

/// One error answer: when, and under which code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorDoc {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) when: &'static str,
    pub(crate) state: Option<(&'static str, &'static [&'static str])>,
}

/// An error of an operation: its status, its code, and a sentence saying when it comes.
///
/// `error(409, "own_job", "The job is the bidder's own.")`
#[must_use]
pub const fn error(status: u16, code: &'static str, when: &'static str) -> ErrorDoc {
    ErrorDoc { status, code, when, state: None }
}

impl ErrorDoc {
    /// For a 409 that names a state: an example of it, with what could be done instead.
    #[must_use]
    pub const fn in_state(self, state: &'static str, allowed: &'static [&'static str]) -> Self {
        Self { state: Some((state, allowed)), ..self }
    }
}
