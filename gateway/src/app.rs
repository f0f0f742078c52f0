//! [`App`]: what all requests of one server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use files::FilesCommands;
use kernel::{Clock, Instant};
use marketplace::{JobId, OpenPage, PublicJob};
use platform::Platform;

use crate::http::Problem;
use crate::http::cursor::CursorKey;
use crate::jobs::Jobs;
use crate::lanes::Lanes;
use crate::open_jobs::OpenJobs;
use crate::rates::Rates;
use crate::refusals::Refusals;
use crate::request::paging::Written;
use crate::server::StartError;
use crate::sessions::Sessions;
use crate::settings::ServerConfig;
use crate::views::Views;

/// One server's state. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: ServerConfig,
    clock: Arc<dyn Clock>,
    lanes: Lanes,
    cursors: CursorKey,
    rates: Rates,
    audit: audit::Keys,
    refusals: Refusals,
    sessions: Sessions,
    jobs: Jobs,
    open_jobs: OpenJobs,
    views: Views,
    files: Arc<dyn FilesCommands>,
    document: String,
    draining: AtomicBool,
    under_way: AtomicUsize,
}

/// One request under way; dropped when its answer was made.
pub(crate) struct UnderWay(App);

impl App {
    /// # Errors
    /// When there are not enough connections or threads, or Redis refuses us.
    pub(crate) fn start(
        config: ServerConfig,
        platform: &Platform,
        document: String,
    ) -> Result<Self, StartError> {
        Ok(Self(Arc::new(Inner {
            clock: platform.clock(),
            lanes: Lanes::start(platform, &config)?,
            cursors: CursorKey::new(config.cursor_key()),
            rates: Rates::start(&config, platform)?,
            audit: platform.audit().keys().clone(),
            refusals: Refusals::start(platform)?,
            sessions: Sessions::start(platform)?,
            jobs: Jobs::start(platform)?,
            open_jobs: OpenJobs::start(platform)?,
            views: Views::start(platform)?,
            files: platform.commands().files.clone(),
            document,
            draining: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
            config,
        })))
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &ServerConfig {
        &self.0.config
    }

    /// As which address the outside world knows it, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        self.0.config.public_url.as_deref().unwrap_or_default().trim_end_matches('/')
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.clock.now()
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.0.lanes
    }

    pub(crate) fn cursors(&self) -> &CursorKey {
        &self.0.cursors
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.0.rates
    }

    /// The keys of the audit trail.
    pub(crate) fn audit(&self) -> &audit::Keys {
        &self.0.audit
    }

    /// Where refused calls are written down.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// Files, for threads that may block and hold no connection.
    pub(crate) fn files(&self) -> Arc<dyn FilesCommands> {
        self.0.files.clone()
    }

    /// A job by its id, as it is before anybody in particular looks.
    pub(crate) async fn find_job(&self, id: JobId) -> Result<Option<PublicJob>, Problem> {
        self.0.jobs.find(self, id).await
    }

    /// A page of everybody's list of jobs.
    pub(crate) async fn open_jobs(&self, asked: OpenPage) -> Result<Arc<Written>, Problem> {
        self.0.open_jobs.page(self, asked).await
    }

    /// Looks at jobs, on their way into the database.
    pub(crate) fn views(&self) -> &Views {
        &self.0.views
    }

    /// Waits until the looks at jobs so far are written down: at the end, and for tests that ask what became of them. It blocks.
    pub fn write_views(&self) {
        self.0.views.finish();
    }

    /// The OpenAPI document, as text.
    pub(crate) fn document(&self) -> &str {
        &self.0.document
    }

    /// Whether the server is about to stop: it still answers, and says that it is not ready.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Counts a request until what this gives is dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// How many requests are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.0.under_way.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
