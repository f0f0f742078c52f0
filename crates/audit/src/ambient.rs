//! [`Context`]: who is at it, and with what, for as long as a call lasts on its thread. Set once around a call; whatever the call
//! writes down is written in this name.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use database::Db;
use kernel::PartyId;
use uuid::Uuid;

use crate::keys::AddressKey;
use crate::model::{ActorKind, Object, Who};
use crate::record;

/// Who does what, by which request, from where.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) who: Who,
    pub(crate) action: Cow<'static, str>,
    pub(crate) request_id: String,
    pub(crate) address: Option<AddressKey>,
    pub(crate) about: Vec<Object>,
}

impl Context {
    /// `action` is a word of the program, the same for all calls of a kind: it is what the trail is searched by.
    #[must_use]
    pub fn new(who: Who, action: impl Into<Cow<'static, str>>, request_id: impl Into<String>) -> Self {
        Self { who, action: action.into(), request_id: request_id.into(), address: None, about: Vec::new() }
    }

    /// From where.
    #[must_use]
    pub fn from(self, address: AddressKey) -> Self {
        Self { address: Some(address), ..self }
    }

    /// What the call names, whether or not it changes.
    #[must_use]
    pub fn about(mut self, object: Object) -> Self {
        self.about.push(object);
        self
    }

    /// The same caller, for a row that stands for several calls.
    #[must_use]
    pub fn summary(&self, action: &'static str) -> Self {
        Self { action: Cow::Borrowed(action), about: Vec::new(), ..self.clone() }
    }

    /// Whose things the caller acts on, when that is known.
    #[must_use]
    pub fn party(&self) -> Option<PartyId> {
        self.who.party
    }

    /// What stands for the caller's network.
    #[must_use]
    pub fn address(&self) -> Option<AddressKey> {
        self.address
    }
}

/// A context while it is in force.
pub(crate) struct Ambient {
    pub(crate) context: Context,
    /// Whether a transaction of this call has committed a row already.
    pub(crate) written: Cell<bool>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Ambient>>> = const { RefCell::new(None) };
}

/// Does something in this context: a transaction in which something was [`changed`](crate::changed) leaves a row that says so.
pub fn context<T>(context: Context, work: impl FnOnce() -> T) -> T {
    /// Puts the former context back, also when `work` panics.
    struct Restore(Option<Rc<Ambient>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let former = self.0.take();
            CURRENT.with_borrow_mut(|current| *current = former);
        }
    }
    let ambient = Rc::new(Ambient { context, written: Cell::new(false) });
    let _restore = Restore(CURRENT.with_borrow_mut(|current| current.replace(ambient)));
    work()
}

/// Carries out a command in this context. Its first transaction on `db` that writes anything leaves a row, whether or not the service
/// says what [`changed`](crate::changed); further ones leave one when it does. A transaction that writes nothing, such as the replay
/// of a stored answer, leaves none.
pub fn command<T>(db: &Db, context: Context, work: impl FnOnce() -> T) -> T {
    self::context(context, || db.opening(record::enrol, work))
}

/// The request that whatever happens on this thread now is part of: for what is done in the name of a call that was not told it.
#[must_use]
pub fn request_id() -> String {
    current().context.request_id.clone()
}

/// What is in force on this thread: what was set, or the task that a worker carries out, or nothing that anybody said.
pub(crate) fn current() -> Rc<Ambient> {
    CURRENT.with_borrow(Clone::clone).unwrap_or_else(|| {
        let request = outbox::trace::current().unwrap_or_else(|| Uuid::now_v7().to_string());
        let context = match outbox::trace::task_kind() {
            Some(kind) => Context::new(Who::of(ActorKind::System), kind, request),
            None => Context::new(Who::of(ActorKind::Program), "unnamed", request),
        };
        Rc::new(Ambient { context, written: Cell::new(false) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_ends_with_its_work() {
        let named = |action: &'static str| Context::new(Who::of(ActorKind::Operator), action, "r");
        context(named("outer"), || {
            let caught = std::panic::catch_unwind(|| context(named("inner"), || panic!("for the test")));
            assert!(caught.is_err());
            assert_eq!(current().context.action, "outer");
        });
        assert_eq!(current().context.action, "unnamed");
        outbox::trace::within("trace-1", || {
            assert_eq!(current().context.request_id, "trace-1");
            assert_eq!(current().context.who.kind, ActorKind::Program);
        });
    }
}
