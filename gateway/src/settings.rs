//! The settings of the gateway, each with its default.

use std::net::SocketAddr;

use database::ExecutorSettings;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address to listen on.
    pub host: String,
    /// The port; 0 is any free one.
    pub port: u16,
    /// As which address the outside world knows it, without a path; its own when it is not stated.
    pub public_url: Option<String>,
    /// Connections, bodies, time-outs.
    pub http: HttpSettings,
    /// How often anyone may ask.
    pub rate_limit: RateSettings,
    /// Which web pages of other origins may ask.
    pub cors: CorsSettings,
    /// What operators read.
    pub metrics: MetricsSettings,
    /// When the server calls itself degraded.
    pub health: HealthSettings,
    /// The threads between HTTP and the services.
    pub executor: ExecutorSettings,
    /// Signs cursors; at least 32 bytes.
    pub cursor_secret: SecretString,
}

impl ServerConfig {
    /// With defaults everywhere, on any free port of this machine: for tests.
    #[must_use]
    pub fn local(cursor_secret: SecretString) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 0,
            public_url: None,
            http: HttpSettings::default(),
            rate_limit: RateSettings::default(),
            cors: CorsSettings::default(),
            metrics: MetricsSettings { listen: None, token: None },
            health: HealthSettings::default(),
            executor: ExecutorSettings::default(),
            cursor_secret,
        }
    }

    /// The key that cursors are signed with.
    pub(crate) fn cursor_key(&self) -> [u8; 32] {
        self.subkey(b"fairtrade cursors\0")
    }

    /// The key that makes hashes of those whose requests are counted.
    pub(crate) fn rate_key(&self) -> [u8; 32] {
        self.subkey(b"fairtrade rates\0")
    }

    fn subkey(&self, label: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(label);
        hash.update(self.cursor_secret.expose_secret());
        hash.finalize().into()
    }
}

/// Connections, bodies, time-outs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Threads that speak HTTP; 0 is one for each processor.
    pub workers: usize,
    /// Connections that each of these threads keeps open at once.
    pub connections_per_worker: usize,
    /// Connections waiting to be accepted.
    pub backlog: u32,
    /// Seconds that an idle connection is kept; longer than a load balancer keeps it, so that the balancer closes it and not we.
    pub keep_alive_seconds: u64,
    /// Seconds for a request's head to arrive.
    pub head_timeout_seconds: u64,
    /// Seconds for a request's body to arrive.
    pub body_timeout_seconds: u64,
    /// Seconds for a file to arrive.
    pub upload_timeout_seconds: u64,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Milliseconds that work may wait for a thread; afterwards it is not begun, and answered with 503.
    pub queue_milliseconds: u64,
    /// Seconds that requests under way are given when the server stops.
    pub shutdown_seconds: u64,
    /// Seconds between saying "not ready" and stopping, so that load balancers notice.
    pub drain_seconds: u64,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether to ask browsers for HTTPS only (`Strict-Transport-Security`); for servers behind TLS.
    pub strict_transport_security: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            workers: 0,
            connections_per_worker: 12_500,
            backlog: 2_048,
            keep_alive_seconds: 75,
            head_timeout_seconds: 10,
            body_timeout_seconds: 30,
            upload_timeout_seconds: 300,
            body_bytes: 256 * 1024,
            queue_milliseconds: 5_000,
            shutdown_seconds: 30,
            drain_seconds: 0,
            trusted_proxies: Vec::new(),
            strict_transport_security: false,
        }
    }
}

/// How often anyone may ask.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateSettings {
    /// Requests from one address without a session.
    pub anonymous: u32,
    /// In so many seconds.
    pub anonymous_seconds: u64,
    /// Requests of one account.
    pub signed_in: u32,
    /// In so many seconds.
    pub signed_in_seconds: u64,
    /// Registrations from one address.
    pub register: u32,
    /// In so many seconds.
    pub register_seconds: u64,
    /// Networks that are not limited: benchmarks, health checks, a company's own.
    pub exempt: Vec<IpNet>,
    /// Where it is counted.
    pub count_in: CountIn,
    /// The Redis in which it is counted, when that is where.
    #[serde(skip_serializing)]
    pub redis_url: Option<SecretString>,
}

/// Where requests are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CountIn {
    /// In Postgres: all servers of one database count together.
    #[default]
    Postgres,
    /// In Redis: all servers that name the same one count together.
    Redis,
    /// In each process for itself.
    Process,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self {
            anonymous: 100,
            anonymous_seconds: 60,
            signed_in: 2_000,
            signed_in_seconds: 15 * 60,
            register: 5,
            register_seconds: 60 * 60,
            exempt: Vec::new(),
            count_in: CountIn::default(),
            redis_url: None,
        }
    }
}

/// Which web pages of other origins may ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorsSettings {
    /// Origins, as `https://app.example.org`; `*` is any. None by default: pages of the server's own origin need none.
    pub origins: Vec<String>,
    /// Seconds that a browser remembers the answer to its question.
    pub max_age_seconds: usize,
}

/// What operators read.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsSettings {
    /// A listener of its own for `/metrics`, without a token; keep it off the internet.
    pub listen: Option<SocketAddr>,
    /// A bearer token that opens `/metrics` on the main listener; without one it is not there.
    #[serde(skip_serializing)]
    pub token: Option<SecretString>,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self { listen: Some(SocketAddr::from(([127, 0, 0, 1], 9464))), token: None }
    }
}

/// When the server calls itself degraded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthSettings {
    /// Tasks due and waiting.
    pub queue_size_max: i64,
    /// Free bytes on the disk that holds the data directory.
    pub disk_free_bytes_min: u64,
    /// Bytes of memory that this process uses.
    pub memory_bytes_max: u64,
    /// The directory whose disk is looked at: the data directory, wherever the program starts from.
    #[serde(skip)]
    pub directory: std::path::PathBuf,
    /// Milliseconds that a check may take.
    pub timeout_milliseconds: u64,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            queue_size_max: 1_000,
            disk_free_bytes_min: 512 * 1024 * 1024,
            memory_bytes_max: 1024 * 1024 * 1024,
            directory: std::path::PathBuf::from("."),
            timeout_milliseconds: 2_000,
        }
    }
}
