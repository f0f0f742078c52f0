//! Being asked to stop: Ctrl-C, SIGTERM, a terminal that closes.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;

/// Listens from when it is made, so that a request that comes while the program starts is not lost.
pub(super) struct StopRequest {
    streams: [Signal; 3],
}

impl StopRequest {
    /// Starts to listen. Has to be called within a runtime.
    ///
    /// # Errors
    /// [`Failure::Internal`] when the signals cannot be had.
    pub(super) fn listen() -> Result<Self, Failure> {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self { streams: [interrupt?, terminate?, hangup?] })
    }

    /// Waits for the next request.
    pub(super) async fn come(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.streams;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
