//! The configuration: `config/default.toml`, under the file of the environment (`config/production.toml` …), under
//! environment variables. Each concern has one documented struct, next to the code that it is for; here they are put together.
//!
//! What a setting means does not belong here.

mod load;
mod secrets;
mod storage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use database::{ExecutorSettings, Roles};
use escrow::provider::simulated::SimulatedSettings;
use outbox::WorkerSettings;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::ServerConfig;
use crate::rates::redis::RedisQuotas;
use crate::settings::{CorsSettings, CountIn, HealthSettings, HttpSettings, MetricsSettings, RateSettings};

pub use load::{ConfigFault, ConfigFaults, SettingsFile, Sources, VARIABLE_PREFIX, load};
pub use secrets::{Keys, Secrets};
pub use storage::StorageSettings;

/// What kind of installation this is; `FAIRTRADE_ENV` says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Somebody's own machine: missing secrets are made and kept.
    #[default]
    Development,
    /// Under the project's tests.
    Test,
    /// Where real people are.
    Production,
}

impl Environment {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Development, Self::Test, Self::Production];

    /// As `FAIRTRADE_ENV` and the file names have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Production => "production",
        }
    }

    /// Whether a secret that nobody stated is made here.
    #[must_use]
    pub const fn makes_secrets(self) -> bool {
        match self {
            Self::Development | Self::Test => true,
            Self::Production => false,
        }
    }

    /// The settings of this environment, as they were when the program was built.
    const fn built_in(self) -> &'static str {
        match self {
            Self::Development => include_str!("../../../config/development.toml"),
            Self::Test => include_str!("../../../config/test.toml"),
            Self::Production => include_str!("../../../config/production.toml"),
        }
    }
}

/// Every setting of the program.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the program keeps what it writes.
    pub data: DataSettings,
    /// Where it listens.
    pub server: ServerSettings,
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
    /// Which Postgres.
    pub database: DatabaseSettings,
    /// How people are told by mail.
    pub mail: MailSettings,
    /// Where the files of people are kept.
    pub storage: StorageSettings,
    /// What it tells about itself.
    pub log: LogSettings,
    /// The background work.
    pub workers: WorkerSettings,
    /// The audit trail.
    pub audit: audit::Settings,
    /// Files of people.
    pub files: files::Settings,
    /// People, sessions, verification.
    pub identity: identity::Settings,
    /// Jobs, bids, reviews.
    pub marketplace: marketplace::Settings,
    /// Contracts, milestones, the inspection clock.
    pub contracts: contracts::Settings,
    /// Held payments, releases, payouts.
    pub escrow: escrow::Settings,
    /// What people are told.
    pub notifications: notifications::Settings,
    /// The payment provider that stands in until there is a real one.
    pub simulated_provider: SimulatedSettings,
    /// What must never be printed.
    #[serde(skip_serializing)]
    pub secrets: Secrets,
}

/// Where the program keeps what it writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// The one directory: the private Postgres, made secrets, mail that was not sent. `/var/lib/fairtrade` for root, because Postgres
    /// runs as another user then and cannot reach below root's home; `data` under the working directory for anybody else.
    pub directory: Option<PathBuf>,
}

impl DataSettings {
    /// The directory, stated or not.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.directory.clone().unwrap_or_else(|| {
            if nix::unistd::geteuid().is_root() {
                PathBuf::from("/var/lib/fairtrade")
            } else {
                PathBuf::from("data")
            }
        })
    }
}

/// Where the program listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// The address; 0.0.0.0 is every one. `HOST`.
    pub host: String,
    /// The port; 0 is any free one. `PORT`.
    pub port: u16,
    /// As which address the outside world knows it, as `https://api.example.org`; that of `host` and `port` when it is not stated.
    pub public_url: Option<String>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 8080, public_url: None }
    }
}

impl ServerSettings {
    /// # Errors
    /// A fault when the public address is none.
    fn check(&self) -> Result<(), ConfigFaults> {
        let mut faults = ConfigFaults::default();
        let bare = |url: &url::Url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
        };
        let stated = self.public_url.as_deref();
        if stated.is_some_and(|stated| !url::Url::parse(stated).is_ok_and(|url| bare(&url))) {
            let message = "must be like https://api.example.org, with nothing behind the host and port";
            faults.push("server.public_url", "the configuration", message);
        }
        faults.or(())
    }
}

/// Which Postgres; a private one under the data directory when no URL is stated.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// As the runtime role, which may not touch the ledger's rows. `DATABASE_URL`.
    #[serde(skip_serializing)]
    pub url: Option<SecretString>,
    /// As the owner, for migrations. `MIGRATION_DATABASE_URL`.
    #[serde(skip_serializing)]
    pub migration_url: Option<SecretString>,
    /// Past any pooler, for what keeps a session. `DIRECT_DATABASE_URL`.
    #[serde(skip_serializing)]
    pub direct_url: Option<SecretString>,
    /// Where the programs of the private Postgres are; the newest of the usual places when it is not stated.
    pub binaries: Option<PathBuf>,
    /// How many connections the private Postgres takes; what two server processes need, and at least 100, when it is not stated.
    pub private_max_connections: Option<u32>,
    /// The most connections that this process opens; what the executor and the workers need when it is not stated.
    pub max_connections: Option<u32>,
    /// How long to wait for a free connection.
    pub checkout_timeout_milliseconds: u64,
    /// The roles, and the limits of the one that serves.
    pub roles: Roles,
    /// The threads between the server and the database.
    pub executor: ExecutorSettings,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: None,
            migration_url: None,
            direct_url: None,
            binaries: None,
            private_max_connections: None,
            max_connections: None,
            checkout_timeout_milliseconds: 5_000,
            roles: Roles::default(),
            executor: ExecutorSettings::default(),
        }
    }
}

/// How people are told by mail.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// The server that sends it, as `smtps://user:password@host:465`; without one, mail is written into the folder. `SMTP_URL`.
    #[serde(skip_serializing)]
    pub smtp_url: Option<SecretString>,
    /// Where mail is written to instead; `mail` in the data directory when it is not stated.
    pub folder: Option<PathBuf>,
}

/// What the program tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Which lines: `info`, or by module as `info,escrow=debug`. `RUST_LOG`.
    pub filter: String,
    /// For people or for programs.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "info,actix_server=warn".to_owned(), format: LogFormat::Text }
    }
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Variables that stand for one setting under a name of their own, as hosts of programs set them.
pub const PLAIN_NAMES: [(&str, &str); 12] = [
    ("DATABASE_URL", "database.url"),
    ("MIGRATION_DATABASE_URL", "database.migration_url"),
    ("DIRECT_DATABASE_URL", "database.direct_url"),
    ("JWT_SECRET", "secrets.jwt_secret"),
    ("PASSWORD_PEPPER", "secrets.password_pepper"),
    ("VAULT_SECRET", "secrets.vault_secret"),
    ("SIMULATED_WEBHOOK_SECRET", "secrets.simulated_webhook_secret"),
    ("HOST", "server.host"),
    ("PORT", "server.port"),
    ("SMTP_URL", "mail.smtp_url"),
    ("RUST_LOG", "log.filter"),
    ("FAIRTRADE_DATA", "data.directory"),
];

/// The configuration of this run, whole.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What kind of installation.
    pub environment: Environment,
    /// The settings.
    pub config: Config,
}

impl Config {
    /// What no single value shows.
    ///
    /// # Errors
    /// Every fault.
    fn check(&self) -> Result<(), ConfigFaults> {
        let checks = [self.server.check(), check_counting(&self.rate_limit), self.storage.check()];
        ConfigFaults(checks.into_iter().filter_map(Result::err).flat_map(|faults| faults.0).collect()).or(())
    }

    /// The domains' part of it.
    #[must_use]
    pub fn platform(&self) -> platform::Settings {
        platform::Settings {
            files: self.files.clone(),
            audit: self.audit.clone(),
            identity: self.identity.clone(),
            marketplace: self.marketplace.clone(),
            contracts: self.contracts.clone(),
            escrow: self.escrow.clone(),
            notifications: self.notifications.clone(),
        }
    }
}

/// That what counting in Redis needs is stated, and that nobody believes to count there who does not.
fn check_counting(settings: &RateSettings) -> Result<(), ConfigFaults> {
    let mut faults = ConfigFaults::default();
    let wrong = match (settings.count_in, &settings.redis_url) {
        (CountIn::Redis, None) => {
            Some("is missing, and `rate_limit.count_in` is `redis`; like redis://:password@host:6379/0")
        }
        (CountIn::Redis, Some(url)) => RedisQuotas::at(url, Duration::ZERO)
            .is_err()
            .then_some("is none of redis://user:password@host:6379/0, rediss://… with TLS and redis+unix:///run/redis/redis.sock"),
        (CountIn::Postgres | CountIn::Process, Some(_)) => {
            Some("is stated, but nothing is counted there unless `rate_limit.count_in` is `redis`")
        }
        (CountIn::Postgres | CountIn::Process, None) => None,
    };
    if let Some(message) = wrong {
        faults.push("rate_limit.redis_url", "the configuration", message);
    }
    faults.or(())
}

impl Loaded {
    /// The simulated provider's settings, with this server's own address for its webhooks when no other is stated.
    #[must_use]
    pub fn simulated_provider(&self) -> SimulatedSettings {
        let ServerSettings { host, port, .. } = &self.config.server;
        let host = if matches!(host.as_str(), "0.0.0.0" | "::") { "127.0.0.1" } else { host };
        let here = || format!("http://{host}:{port}/webhooks/simulated");
        let settings = self.config.simulated_provider.clone();
        SimulatedSettings { webhook_url: settings.webhook_url.or_else(|| Some(here())), ..settings }
    }

    /// What the server is started with.
    #[must_use]
    pub fn server(&self, keys: &Keys) -> ServerConfig {
        let config = &self.config;
        let health = HealthSettings { directory: config.data.directory(), ..config.health.clone() };
        ServerConfig {
            host: config.server.host.clone(),
            port: config.server.port,
            public_url: config.server.public_url.clone(),
            http: config.http.clone(),
            rate_limit: config.rate_limit.clone(),
            cors: config.cors.clone(),
            metrics: config.metrics.clone(),
            health,
            executor: config.database.executor.clone(),
            cursor_secret: keys.cursor.clone(),
        }
    }

    /// Reads files and variables.
    ///
    /// # Errors
    /// [`ConfigFaults`], all at once.
    pub fn read() -> Result<Self, ConfigFaults> {
        let variables: Vec<(String, String)> = std::env::vars().collect();
        let find =
            |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let environment = environment(find("FAIRTRADE_ENV").as_deref())?;
        let directory = find("FAIRTRADE_CONFIG").map_or_else(|| PathBuf::from("config"), PathBuf::from);
        let sources = Sources { files: files(environment, &directory), variables };
        let config: Config = load(&sources, &PLAIN_NAMES)?;
        config.check()?;
        Ok(Self { environment, config })
    }

    /// Where mail is written that no server sends.
    #[must_use]
    pub fn mail_folder(&self) -> PathBuf {
        let stated = self.config.mail.folder.clone();
        stated.unwrap_or_else(|| self.config.data.directory().join("mail"))
    }

    /// Where files are kept when no bucket is stated.
    #[must_use]
    pub fn files_folder(&self) -> PathBuf {
        let stated = self.config.storage.folder.clone();
        stated.unwrap_or_else(|| self.config.data.directory().join("files"))
    }

    /// The keys that the server signs and seals with.
    ///
    /// # Errors
    /// [`ConfigFaults`] where one is missing or no good.
    pub fn keys(&self) -> Result<Keys, ConfigFaults> {
        self.config.secrets.keys(self.environment, &self.config.data.directory())
    }
}

fn environment(stated: Option<&str>) -> Result<Environment, ConfigFaults> {
    let name = stated.filter(|name| !name.is_empty()).unwrap_or(Environment::Development.as_str());
    let found = Environment::ALL.into_iter().find(|known| known.as_str() == name);
    found.ok_or_else(|| {
        let mut faults = ConfigFaults::default();
        let known = Environment::ALL.map(Environment::as_str).join(", ");
        faults.push("environment", "the variable FAIRTRADE_ENV", format!("`{name}` is none of {known}"));
        faults
    })
}

/// The files of an environment: those in the directory where they are there, and those that were built in otherwise.
fn files(environment: Environment, directory: &Path) -> Vec<SettingsFile> {
    let name = format!("{}.toml", environment.as_str());
    [("default.toml", include_str!("../../../config/default.toml")), (name.as_str(), environment.built_in())]
        .into_iter()
        .map(|(name, built_in)| {
            let path = directory.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => SettingsFile { name: path.display().to_string(), text },
                Err(_) => SettingsFile { name: format!("{name}, as built in"), text: built_in.to_owned() },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// What is nowhere stated has no line, so it has to be told of in a comment: `# key = …`.
    fn without_nulls(value: Value) -> Value {
        match value {
            Value::Object(map) => Value::Object(
                map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
            ),
            other => other,
        }
    }

    #[test]
    fn the_default_file_states_exactly_the_defaults() {
        let text = include_str!("../../../config/default.toml");
        let parsed =
            config::Config::builder().add_source(config::File::from_str(text, config::FileFormat::Toml));
        let stated: Value = parsed.build().unwrap().try_deserialize().unwrap();
        let defaults = without_nulls(serde_json::to_value(Config::default()).unwrap());
        for (section, settings) in defaults.as_object().unwrap() {
            assert_eq!(stated.get(section), Some(settings), "[{section}] of config/default.toml");
        }
        // The secrets have no defaults, so their section states nothing.
        let others = stated.as_object().unwrap().keys().filter(|section| *section != "secrets");
        assert_eq!(others.count(), defaults.as_object().unwrap().len());
    }

    #[test]
    fn a_setting_without_a_default_is_told_of_in_a_comment() {
        fn nulls(value: &Value, found: &mut Vec<String>) {
            for (key, inner) in value.as_object().into_iter().flatten() {
                if inner.is_null() {
                    found.push(key.clone());
                }
                nulls(inner, found);
            }
        }
        let mut missing = Vec::new();
        nulls(&serde_json::to_value(Config::default()).unwrap(), &mut missing);
        missing.extend(
            PLAIN_NAMES.iter().filter_map(|(_, path)| path.split_once('.')).map(|(_, key)| key.to_owned()),
        );
        let text = include_str!("../../../config/default.toml");
        missing.retain(|key| {
            !text.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} =")))
        });
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn the_files_of_every_environment_are_read_without_a_fault() {
        for environment in Environment::ALL {
            let sources = Sources { files: files(environment, Path::new("/nowhere")), variables: Vec::new() };
            load::<Config>(&sources, &PLAIN_NAMES).unwrap();
        }
    }

    #[test]
    fn every_plain_name_stands_for_a_setting_that_is_there() {
        for (name, path) in PLAIN_NAMES {
            let value = if name == "PORT" { "81" } else { "info" };
            let sources = Sources { files: Vec::new(), variables: vec![(name.to_owned(), value.to_owned())] };
            assert!(load::<Config>(&sources, &PLAIN_NAMES).is_ok(), "{name} is to set {path}");
        }
    }

    #[test]
    fn urls_do_not_print() {
        let variables = [
            ("DATABASE_URL", "postgres://fairtrade:hunter2@localhost/fairtrade"),
            ("FAIRTRADE__RATE_LIMIT__REDIS_URL", "redis://:hunter2@localhost"),
        ]
        .map(|(name, url)| (name.to_owned(), url.to_owned()));
        let sources = Sources { files: Vec::new(), variables: variables.into() };
        let config: Config = load(&sources, &PLAIN_NAMES).unwrap();
        assert!(!format!("{config:?} {}", serde_json::to_string(&config).unwrap()).contains("hunter2"));
    }

    #[test]
    fn the_public_address_is_a_host_and_nothing_behind_it() {
        let stated =
            |url: &str| ServerSettings { public_url: Some(url.to_owned()), ..ServerSettings::default() };
        for good in ["https://api.example.org", "https://api.example.org/", "http://127.0.0.1:8080"] {
            assert_eq!(stated(good).check(), Ok(()), "{good}");
        }
        for bad in
            ["", "api.example.org", "https://api.example.org/v1", "https://a.example/?b", "ftp://a.example"]
        {
            assert!(stated(bad).check().is_err(), "{bad}");
        }
        assert_eq!(ServerSettings::default().check(), Ok(()));
    }

    #[test]
    fn counting_in_redis_needs_its_address_and_an_address_needs_counting_in_redis() {
        let faults = |count_in: CountIn, url: Option<&str>| {
            let redis_url = url.map(|url| SecretString::from(url.to_owned()));
            let rate_limit = RateSettings { count_in, redis_url, ..RateSettings::default() };
            let told = Config { rate_limit, ..Config::default() }.check().err().unwrap_or_default();
            told.0.into_iter().map(|fault| format!("{} {}", fault.key, fault.message)).collect::<String>()
        };
        for good in [
            "redis://localhost",
            "redis://ada:hunter2@redis.example.org:6380/2",
            "rediss://redis.example.org",
            "redis+unix:///run/redis.sock?db=1",
        ] {
            assert_eq!(faults(CountIn::Redis, Some(good)), "", "{good}");
        }
        for bad in
            ["", "localhost:6379", "http://ada:hunter2@localhost", "redis://ada:hunter2@localhost/first"]
        {
            let told = faults(CountIn::Redis, Some(bad));
            assert!(told.starts_with("rate_limit.redis_url is none of"), "{bad}: {told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert!(faults(CountIn::Redis, None).contains("is missing"));
        for elsewhere in [CountIn::Postgres, CountIn::Process] {
            assert!(faults(elsewhere, Some("redis://localhost")).contains("nothing is counted there"));
            assert_eq!(faults(elsewhere, None), "");
        }
    }

    #[test]
    fn an_unknown_environment_is_refused() {
        assert_eq!(environment(None), Ok(Environment::Development));
        assert!(environment(Some("staging")).is_err());
    }
}
