//! A bid on an open job, as several files begin with it.

use tests::{Person, TestApp};

/// A bid on an open job, with both sides of it. What is done with it stands where it is done.
pub(super) struct Scene {
    pub(super) app: TestApp,
    /// Whose job.
    pub(super) ada: Person,
    /// Whose bid.
    pub(super) bob: Person,
    pub(super) job: String,
    pub(super) bid: String,
    /// The bid's.
    pub(super) path: String,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let app = TestApp::start().await;
        let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
        let job = app.open_job(&ada).await;
        let bid = app.bid(&bob, &job).await;
        let path = format!("/api/bids/{bid}");
        Self { app, ada, bob, job, bid, path }
    }
}
