//! The trace: what everything that one request led to has in common. A request's first event starts it, and what a worker
//! does for that event, or for a task of the same transaction, carries it on.

use std::cell::RefCell;

/// What a thread is working for.
#[derive(Debug, Clone)]
struct Work {
    trace: String,
    /// The kind of the task, when it is one.
    kind: Option<String>,
}

thread_local! {
    static CURRENT: RefCell<Option<Work>> = const { RefCell::new(None) };
}

/// The trace that this thread is working for.
#[must_use]
pub fn current() -> Option<String> {
    CURRENT.with_borrow(|work| work.as_ref().map(|work| work.trace.clone()))
}

/// The kind of task that this thread is carrying out; `event:` and the consumer's name for an event that is handed on.
#[must_use]
pub fn task_kind() -> Option<String> {
    CURRENT.with_borrow(|work| work.as_ref().and_then(|work| work.kind.clone()))
}

/// Does something for a trace; events and tasks written meanwhile carry it.
pub fn within<T>(trace: &str, work: impl FnOnce() -> T) -> T {
    with(Work { trace: trace.to_owned(), kind: None }, work)
}

/// Carries out a task of this kind, for its trace.
pub(crate) fn within_task<T>(trace: &str, kind: &str, work: impl FnOnce() -> T) -> T {
    with(Work { trace: trace.to_owned(), kind: Some(kind.to_owned()) }, work)
}

fn with<T>(next: Work, work: impl FnOnce() -> T) -> T {
    /// Puts the former one back, also when `work` panics.
    struct Restore(Option<Work>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let former = self.0.take();
            CURRENT.with_borrow_mut(|current| *current = former);
        }
    }
    let _restore = Restore(CURRENT.with_borrow_mut(|current| current.replace(next)));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_ends_with_its_work() {
        within("outer", || {
            let caught = std::panic::catch_unwind(|| within("inner", || panic!("for the test")));
            assert!(caught.is_err());
            assert_eq!(current().as_deref(), Some("outer"));
            assert_eq!(task_kind(), None);
            within_task("task", "escrow.pay_out", || {
                assert_eq!(
                    (current().as_deref(), task_kind().as_deref()),
                    (Some("task"), Some("escrow.pay_out"))
                );
            });
        });
        assert_eq!(current(), None);
    }
}
