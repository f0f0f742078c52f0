//! [`Server`]: the listening gateway, on threads of its own. It needs no runtime around it, so the command, tests and embedders start it
//! alike.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, HttpServer, web};
use platform::Platform;

use crate::app::App;
use crate::middleware::{cors, edge};
use crate::settings::ServerConfig;
use crate::table::{self, Table};
use crate::{openapi, routes, telemetry};

/// Seconds between two rounds of housekeeping.
const HOUSEKEEPING_SECONDS: u64 = 10;

/// A running server. Dropping it stops it at once; [`Server::stop`] lets requests under way end first.
pub struct Server {
    address: SocketAddr,
    app: App,
    handle: ServerHandle,
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
    /// There are not enough connections or threads for the executor.
    #[error("the executor did not start: {0}")]
    Executor(#[from] database::Error),
    /// Its threads did not come up.
    #[error("the server did not start: {0}")]
    Threads(String),
    /// The operations contradict each other; a test shows that they do not.
    #[error("the operations are not in order: {0}")]
    Operations(String),
}

impl Server {
    /// Listens, and serves the platform.
    ///
    /// # Errors
    /// [`StartError`], for one when the port is taken.
    pub fn start(config: ServerConfig, platform: &Platform) -> Result<Self, StartError> {
        telemetry::recorder();
        let address = format!("{}:{}", config.host, config.port);
        let failed = |source| StartError::Listen { address: address.clone(), source };
        let listener = TcpListener::bind(&address).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let operations = routes::operations();
        let document = openapi::document(&operations).to_string();
        let table = Table::new(operations).map_err(|error| StartError::Operations(error.to_string()))?;
        let app = App::start(config, platform, document)?;
        let (sender, receiver) = mpsc::channel();
        let serving = app.clone();
        let thread = std::thread::Builder::new()
            .name("gateway".to_owned())
            .spawn(move || serve(serving, table, listener, &sender))
            .map_err(|error| StartError::Threads(error.to_string()))?;
        match receiver.recv() {
            Ok(handle) => Ok(Self { address: bound, app, handle, thread: Some(thread) }),
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

    /// Says that it is not ready, waits for load balancers to notice, takes no new connection, and lets what is under way end.
    pub async fn stop(mut self) {
        self.app.drain();
        tokio::time::sleep(Duration::from_secs(self.app.config().http.drain_seconds)).await;
        self.handle.stop(true).await;
        if let Some(thread) = self.thread.take() {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if let Ok(Ok(Err(error))) = joined {
                tracing::error!(%error, "the server ended with an error");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The command is sent when the future is made; nobody waits for the answer.
        if self.thread.is_some() {
            drop(self.handle.stop(false));
        }
    }
}

/// Runs the server on this thread until it is stopped.
fn serve(
    app: App,
    table: Table,
    listener: TcpListener,
    started: &mpsc::Sender<ServerHandle>,
) -> io::Result<()> {
    let http = app.config().http.clone();
    actix_web::rt::System::new().block_on(async move {
        let housekeeping = app.clone();
        let factory = move || {
            let (edge_app, table_app, table) = (app.clone(), app.clone(), table.clone());
            ActixApp::new()
                .configure(move |service| table.configure(&table_app, service))
                .configure(routes::operation::docs::configure)
                .default_service(web::to(table::no_such_path))
                .wrap(cors::middleware(&app.config().cors))
                .wrap(from_fn(move |request, next| edge::around(edge_app.clone(), request, next)))
        };
        let mut server = HttpServer::new(factory)
            .keep_alive(Duration::from_secs(http.keep_alive_seconds))
            .client_request_timeout(Duration::from_secs(http.head_timeout_seconds))
            .max_connections(http.connections_per_worker)
            .backlog(http.backlog)
            .shutdown_timeout(http.shutdown_seconds)
            .disable_signals();
        if http.workers > 0 {
            server = server.workers(http.workers);
        }
        let server = server.listen(listener)?.run();
        actix_web::rt::spawn(keep_house(housekeeping));
        // Whoever started us may be gone already; then there is nobody to serve for.
        if started.send(server.handle()).is_err() {
            return Ok(());
        }
        server.await
    })
}

async fn keep_house(app: App) {
    let mut rounds = tokio::time::interval(Duration::from_secs(HOUSEKEEPING_SECONDS));
    loop {
        rounds.tick().await;
        app.rates().tidy();
        telemetry::upkeep();
    }
}
