//! The trace: what everything that one request led to has in common. A request's first event starts it, and what a worker
//! does for that event, or for a task of the same transaction, carries it on.

use std::cell::RefCell;

thread_local! {
    static CURRENT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The trace that this thread is working for.
#[must_use]
pub fn current() -> Option<String> {
    CURRENT.with_borrow(Clone::clone)
}

/// Does something for a trace; events and tasks written meanwhile carry it.
pub fn within<T>(trace: &str, work: impl FnOnce() -> T) -> T {
    /// Puts the former trace back, also when `work` panics.
    struct Restore(Option<String>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let former = self.0.take();
            CURRENT.with_borrow_mut(|current| *current = former);
        }
    }
    let _restore = Restore(CURRENT.with_borrow_mut(|current| current.replace(trace.to_owned())));
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
        });
        assert_eq!(current(), None);
    }
}
