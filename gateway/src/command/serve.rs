//! `fairtrade serve` and `fairtrade worker`: the programs that stay.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use escrow::provider::simulated::SimulatedProvider;
use outbox::Workers;
use platform::Platform;
use serde::Serialize;

use super::access::Access;
use super::args::Serve;
use super::assembly::{self, Assembled, Use};
use super::failure::Failure;
use super::output::{Voice, say};
use super::signals::StopRequest;
use super::trail;
use crate::config::{ConfigFaults, Environment, Loaded};
use crate::demo::{self, DemoLogin};
use crate::{Server, StartError};

/// How long tasks that run are waited for when the program stops; what does not end is run again after its lease.
const WORKERS_PATIENCE: Duration = Duration::from_secs(20);

/// What the program says when it is ready.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    address: String,
    api_docs: String,
    database: String,
    /// Where mail goes: a folder, or nothing to tell when a server sends it.
    mail_folder: Option<String>,
    workers: bool,
    demo: Vec<DemoLogin>,
}

/// Serves until it is asked to stop.
///
/// # Errors
/// [`Failure`], with what to do about it.
pub(super) fn serve(asked: &Serve, voice: Voice, loaded: &Loaded) -> Result<(), Failure> {
    if asked.demo && loaded.environment == Environment::Production {
        return Err(Failure::Refused(
            "the demo's passwords are known to everybody: it is not put into a production installation"
                .to_owned(),
        ));
    }
    runtime()?.block_on(async {
        let mut stop = StopRequest::listen()?;
        // Before anything is started or changed: what is most likely to be amiss.
        loaded.keys()?;
        probe(loaded)?;
        let access = Access::open(loaded)?;
        let result = serve_over(asked, voice, loaded, &access, &mut stop).await;
        access.close()?;
        result
    })
}

async fn serve_over(
    asked: &Serve,
    voice: Voice,
    loaded: &Loaded,
    access: &Access,
    stop: &mut StopRequest,
) -> Result<(), Failure> {
    assembly::current_schema(access, asked.migrate)?;
    let Assembled { platform, provider } = assembly::assemble(loaded, access, Use::Serve)?;
    let logins = if asked.demo { put_demo_in(&platform, &provider, loaded, voice)? } else { Vec::new() };
    let server = Server::start(loaded.server(&loaded.keys()?), &platform).map_err(not_started)?;
    let _webhooks = provider.start_deliveries().map_err(|error| Failure::Internal(error.to_string()))?;
    let workers = if asked.no_workers { None } else { Some(start_workers(&platform, loaded)?) };
    let ready = Ready {
        address: format!("http://{}", server.address()),
        api_docs: format!("http://{}/api-docs", server.address()),
        database: described(access),
        mail_folder: loaded
            .config
            .mail
            .smtp_url
            .is_none()
            .then(|| loaded.mail_folder().display().to_string()),
        workers: workers.is_some(),
        demo: logins,
    };
    tell(&ready, voice)?;
    stop.come().await;
    say_stopping(voice)?;
    tokio::select! {
        () = server.stop() => {}
        () = stop.come() => tracing::warn!("asked twice: what is under way is cut"),
    }
    stop_workers(workers);
    Ok(())
}

/// Puts the demo in and says how long that took: most of it is hashing nine passwords as slowly as real ones.
fn put_demo_in(
    platform: &Platform,
    provider: &SimulatedProvider,
    loaded: &Loaded,
    voice: Voice,
) -> Result<Vec<DemoLogin>, Failure> {
    let begun = Instant::now();
    let put_in = || {
        trail::acting(platform, "fairtrade serve --demo", || {
            let scenes = demo::seed(platform, provider, loaded.config.platform())?;
            let history = demo::history(platform.db(), &loaded.config.platform().marketplace)?;
            Ok(scenes || history)
        })
    };
    // On a thread of its own: the services wait for what they store, which a thread that carries others' work may not.
    let seeded = std::thread::scope(|scope| scope.spawn(put_in).join())
        .map_err(|_| Failure::Internal("the demo broke off".to_owned()))??;
    if seeded && voice == Voice::People {
        say(format!("The demo was put in, in {:.1} s.", begun.elapsed().as_secs_f32()))?;
    }
    Ok(demo::logins())
}

/// Runs the workers until it is asked to stop.
///
/// # Errors
/// [`Failure`], with what to do about it.
pub(super) fn work(voice: Voice, loaded: &Loaded) -> Result<(), Failure> {
    runtime()?.block_on(async {
        let mut stop = StopRequest::listen()?;
        let access = Access::open(loaded)?;
        let result = async {
            assembly::current_schema(&access, false)?;
            let platform = assembly::assemble(loaded, &access, Use::Work)?.platform;
            let workers = start_workers(&platform, loaded)?;
            voice.tell_line(&serde_json::json!({ "workers": true }), || {
                "The workers run. Ctrl-C stops them.".to_owned()
            })?;
            stop.come().await;
            say_stopping(voice)?;
            stop_workers(Some(workers));
            Ok(())
        }
        .await;
        access.close()?;
        result
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn start_workers(platform: &Platform, loaded: &Loaded) -> Result<Workers, Failure> {
    let started = Workers::start(platform.db().clone(), platform.registry(), loaded.config.workers.clone());
    started.map_err(|error| Failure::Database(error.to_string()))
}

fn stop_workers(workers: Option<Workers>) {
    if workers.is_some_and(|workers| !workers.stop(WORKERS_PATIENCE)) {
        tracing::warn!("some tasks still ran; they are run again once their leases have run out");
    }
}

fn probe(loaded: &Loaded) -> Result<(), Failure> {
    let (host, port) = (&loaded.config.server.host, loaded.config.server.port);
    // Both at once, so that one of the two cannot be the other.
    let _main = TcpListener::bind((host.as_str(), port))
        .map_err(|source| taken(&format!("{host}:{port}"), &source))?;
    let metrics = loaded.config.metrics.listen;
    let _metrics = metrics
        .map(|address| TcpListener::bind(address).map_err(|source| metrics_taken(address, &source)))
        .transpose()?;
    Ok(())
}

fn not_started(error: StartError) -> Failure {
    match error {
        StartError::Listen { address, source } => taken(&address, &source),
        StartError::ListenMetrics { address, source } => metrics_taken(address, &source),
        StartError::RateLimit(why) => {
            let mut told = ConfigFaults::default();
            told.push("rate_limit.redis_url", "Redis", format!("requests cannot be counted there: {why}"));
            Failure::Config(told)
        }
        other => Failure::Internal(other.to_string()),
    }
}

fn taken(address: &str, source: &std::io::Error) -> Failure {
    let port = address.rsplit(':').next().unwrap_or_default();
    Failure::Address(match source.kind() {
        std::io::ErrorKind::AddrInUse => format!(
            "port {port} is taken: something listens on {address} already. End it, or choose another port with PORT \
             (the setting server.port), for example `PORT=8081 make run`"
        ),
        std::io::ErrorKind::PermissionDenied => format!(
            "{address} may not be listened on: ports below 1024 are root's. Choose another with PORT (the setting server.port)"
        ),
        _ => format!(
            "{address} cannot be listened on: {source}. HOST and PORT (the settings server.host and server.port) name it"
        ),
    })
}

fn metrics_taken(address: SocketAddr, source: &std::io::Error) -> Failure {
    let why = match source.kind() {
        std::io::ErrorKind::AddrInUse => "something listens there already".to_owned(),
        _ => source.to_string(),
    };
    Failure::Address(format!(
        "port {} for /metrics cannot be had: {address}: {why}. Choose another with FAIRTRADE__METRICS__LISTEN (the setting \
         metrics.listen), for example `FAIRTRADE__METRICS__LISTEN=127.0.0.1:9465 make run`",
        address.port()
    ))
}

fn described(access: &Access) -> String {
    access.cluster().map_or_else(
        || "the server that DATABASE_URL names".to_owned(),
        |cluster| {
            format!(
                "a private Postgres {} in {}",
                cluster.server().binaries().major(),
                cluster.server().data().display()
            )
        },
    )
}

fn tell(ready: &Ready, voice: Voice) -> Result<(), Failure> {
    voice.tell_line(ready, || {
        let mut lines = vec![
            String::new(),
            format!("FairTradeWorker   {}", ready.address),
            format!("  Swagger UI      {}", ready.api_docs),
            format!("  database        {}", ready.database),
        ];
        lines.extend(ready.mail_folder.iter().map(|folder| format!("  mail            written to {folder}")));
        if !ready.workers {
            lines.push("  workers         none here: run `fairtrade worker`".to_owned());
        }
        if let Some(first) = ready.demo.first() {
            lines.push(format!("  demo logins     password for all: {}", first.password));
            lines.extend(
                ready
                    .demo
                    .iter()
                    .map(|login| format!("                  {:<12} {}", login.role, login.email)),
            );
            lines.push("  try it          make demo, in another terminal".to_owned());
        }
        lines.push("  Ctrl-C stops all of it.".to_owned());
        lines.join("\n")
    })
}

fn say_stopping(voice: Voice) -> Result<(), Failure> {
    match voice {
        Voice::People => say("\nStopping: what is under way is finished first."),
        Voice::Programs => Ok(()),
    }
}
