//! What comes back from a lane: the result, or why there is none.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use kernel::{Classify, ErrorKind};
use tokio::sync::oneshot;

/// Why a unit of work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The queue is full; nothing was done.
    #[error("too much is waiting")]
    Full {
        /// How long to wait before asking again.
        retry_after: Duration,
    },
    /// The deadline passed while it waited; nothing was done.
    #[error("it waited past its deadline")]
    Late {
        /// How long to wait before asking again.
        retry_after: Duration,
    },
    /// The executor is stopping; nothing was done.
    #[error("the server is stopping")]
    Stopping,
    /// The work panicked; its transaction was rolled back.
    #[error("the work panicked")]
    Panicked,
}

impl Rejected {
    /// How long to wait before asking again, where that makes sense.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Full { retry_after } | Self::Late { retry_after } => Some(*retry_after),
            Self::Stopping | Self::Panicked => None,
        }
    }
}

impl Classify for Rejected {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Full { .. } | Self::Late { .. } | Self::Stopping => ErrorKind::Unavailable,
            Self::Panicked => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } | Self::Late { .. } => "overloaded",
            Self::Stopping => "stopping",
            Self::Panicked => "internal",
        }
    }
}

/// A result on its way. A future that needs no particular runtime; [`Answer::wait`] is for callers without any. Dropping it
/// does not stop the work.
#[derive(Debug)]
#[must_use = "the work runs, but nobody looks at its result"]
pub struct Answer<T>(State<T>);

#[derive(Debug)]
enum State<T> {
    Rejected(Rejected),
    Waiting(oneshot::Receiver<Result<T, Rejected>>),
}

impl<T> Answer<T> {
    pub(super) fn rejected(why: Rejected) -> Self {
        Self(State::Rejected(why))
    }

    pub(super) fn waiting(receiver: oneshot::Receiver<Result<T, Rejected>>) -> Self {
        Self(State::Waiting(receiver))
    }

    /// Blocks this thread until the result is there. Not for threads of an asynchronous runtime.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn wait(self) -> Result<T, Rejected> {
        match self.0 {
            State::Rejected(why) => Err(why),
            State::Waiting(receiver) => receiver.blocking_recv().unwrap_or(Err(Rejected::Stopping)),
        }
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, Rejected>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Rejected(why) => Poll::Ready(Err(*why)),
            // Without a sender it was thrown out of the queue unseen.
            State::Waiting(receiver) => {
                Pin::new(receiver).poll(context).map(|result| result.unwrap_or(Err(Rejected::Stopping)))
            }
        }
    }
}
