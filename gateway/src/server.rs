//! [`Server`]: the listening gateway, on threads of its own. It needs no runtime around it, so the command, tests and embedders start it
//! alike.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, HttpResponse, HttpServer, web};
use platform::Platform;

use crate::app::App;
use crate::middleware::{cors, edge};
use crate::operation::Operation;
use crate::routes::operation::{docs, metrics};
use crate::settings::ServerConfig;
use crate::table::{self, Table};
use crate::{openapi, routes, telemetry};

/// Seconds between two rounds of housekeeping.
const HOUSEKEEPING_SECONDS: u64 = 10;
/// How long nothing may have been under way before idle connections are closed: the last answers are still being written, and a
/// client may just have sent one more request.
const QUIET: Duration = Duration::from_millis(500);
/// Between two looks at what is under way.
const QUIET_LOOK: Duration = Duration::from_millis(25);

/// A running server. Dropping it stops it at once; [`Server::stop`] lets requests under way end first.
pub struct Server {
    address: SocketAddr,
    app: App,
    handles: Vec<ServerHandle>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The address for the figures cannot be listened on.
    #[error("cannot listen on {address} for /metrics (the setting metrics.listen): {source}")]
    ListenMetrics {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// There are not enough connections or threads for the executor.
    #[error("the executor did not start: {0}")]
    Executor(#[from] database::Error),
    /// Requests cannot be counted in Redis as it was stated.
    #[error("requests cannot be counted in Redis (the setting rate_limit.redis_url): {0}")]
    RateLimit(String),
    /// Its threads did not come up.
    #[error("the server did not start: {0}")]
    Threads(String),
    /// The operations contradict each other; a test shows that they do not.
    #[error("the operations are not in order: {0}")]
    Operations(String),
}

/// What the server listens on.
struct Listeners {
    main: TcpListener,
    metrics: Option<TcpListener>,
}

impl Server {
    /// Listens, and serves the platform.
    ///
    /// # Errors
    /// [`StartError`], for one when the port is taken.
    pub fn start(config: ServerConfig, platform: &Platform) -> Result<Self, StartError> {
        Self::start_with(config, platform, routes::operations_with(platform.payments().name()))
    }

    /// Serves these operations: those of [`routes::operations`] and an embedder's own, for one.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with(
        config: ServerConfig,
        platform: &Platform,
        operations: Vec<Operation>,
    ) -> Result<Self, StartError> {
        telemetry::recorder();
        let listeners = listen(&config)?;
        let address = listeners
            .main
            .local_addr()
            .map_err(|source| StartError::Listen { address: config.host.clone(), source })?;
        let document = openapi::document(&operations).to_string();
        let table = Table::new(operations).map_err(|error| StartError::Operations(error.to_string()))?;
        let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let app = App::start(ServerConfig { public_url: Some(public_url), ..config }, platform, document)?;
        let (sender, receiver) = mpsc::channel();
        let serving = app.clone();
        let thread = std::thread::Builder::new()
            .name("gateway".to_owned())
            .spawn(move || serve(serving, table, listeners, &sender))
            .map_err(|error| StartError::Threads(error.to_string()))?;
        match receiver.recv() {
            Ok(handles) => Ok(Self { address, app, handles, thread: Some(thread) }),
            Err(_) => Err(StartError::Threads(match thread.join() {
                Ok(Err(error)) => error.to_string(),
                _ => "its thread ended".to_owned(),
            })),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its state.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Says that it is not ready, waits for load balancers to notice, takes no new connection, and lets what is under way end. What has
    /// not ended after `http.shutdown_seconds` is cut.
    pub async fn stop(mut self) {
        let http = self.app.config().http.clone();
        self.app.drain();
        tokio::time::sleep(Duration::from_secs(http.drain_seconds)).await;
        for handle in &self.handles {
            handle.pause().await;
        }
        let patience = Duration::from_secs(http.shutdown_seconds);
        // Actix would wait for idle connections too; those that browsers keep open have nothing under way.
        quiet(&self.app, Instant::now() + patience).await;
        for handle in &self.handles {
            handle.stop(false).await;
        }
        let (thread, app) = (self.thread.take(), self.app.clone());
        let ended = tokio::task::spawn_blocking(move || {
            let ended = thread.map(JoinHandle::join);
            app.refusals().finish();
            app.write_views();
            if !app.lanes().drain(patience) {
                tracing::warn!("work was still under way on the executor's threads");
            }
            ended
        });
        if let Ok(Some(Ok(Err(error)))) = ended.await {
            tracing::error!(%error, "the server ended with an error");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.thread.is_some() {
            for handle in &self.handles {
                // The command is sent when the future is made; nobody waits for the answer.
                drop(handle.stop(false));
            }
        }
    }
}

/// Waits until nothing has been under way for a while.
async fn quiet(app: &App, deadline: Instant) {
    let mut since = Instant::now();
    while Instant::now() < deadline && since.elapsed() < QUIET {
        tokio::time::sleep(QUIET_LOOK).await;
        if app.under_way() > 0 {
            since = Instant::now();
        }
    }
}

fn listen(config: &ServerConfig) -> Result<Listeners, StartError> {
    let address = (config.host.as_str(), config.port);
    let main = TcpListener::bind(address).map_err(|source| StartError::Listen {
        address: format!("{}:{}", config.host, config.port),
        source,
    })?;
    let metrics = config.metrics.listen.map(|address| {
        TcpListener::bind(address).map_err(|source| StartError::ListenMetrics { address, source })
    });
    Ok(Listeners { main, metrics: metrics.transpose()? })
}

/// Runs the server on this thread until it is stopped.
fn serve(
    app: App,
    table: Table,
    listeners: Listeners,
    started: &mpsc::Sender<Vec<ServerHandle>>,
) -> io::Result<()> {
    let http = app.config().http.clone();
    actix_web::rt::System::new().block_on(async move {
        let housekeeping = app.clone();
        let factory = move || {
            let (edge_app, table_app, table) = (app.clone(), app.clone(), table.clone());
            ActixApp::new()
                .configure(move |service| table.configure(&table_app, service))
                .configure(docs::configure)
                .default_service(web::to(table::no_such_path))
                .wrap(cors::middleware(&app.config().cors))
                .wrap(from_fn(move |request, next| edge::around(edge_app.clone(), request, next)))
        };
        let mut server = HttpServer::new(factory)
            .keep_alive(Duration::from_secs(http.keep_alive_seconds))
            .client_request_timeout(Duration::from_secs(http.head_timeout_seconds))
            .max_connections(http.connections_per_worker)
            .backlog(http.backlog)
            .disable_signals();
        if http.workers > 0 {
            server = server.workers(http.workers);
        }
        let server = server.listen(listeners.main)?.run();
        let mut handles = vec![server.handle()];
        if let Some(listener) = listeners.metrics {
            let figures = serve_metrics(listener)?;
            handles.push(figures.handle());
            actix_web::rt::spawn(figures);
        }
        actix_web::rt::spawn(keep_house(housekeeping));
        // Whoever started us may be gone already; then there is nobody to serve for.
        if started.send(handles).is_err() {
            return Ok(());
        }
        server.await
    })
}

/// The figures on a listener of their own.
fn serve_metrics(listener: TcpListener) -> io::Result<actix_web::dev::Server> {
    let figures =
        || async { HttpResponse::Ok().content_type(metrics::TEXT_FORMAT).body(telemetry::render()) };
    let factory = move || ActixApp::new().route("/metrics", web::get().to(figures));
    Ok(HttpServer::new(factory).workers(1).disable_signals().listen(listener)?.run())
}

async fn keep_house(app: App) {
    let mut rounds = tokio::time::interval(Duration::from_secs(HOUSEKEEPING_SECONDS));
    loop {
        rounds.tick().await;
        app.rates().tidy();
        app.refusals().tidy();
        telemetry::upkeep();
    }
}
