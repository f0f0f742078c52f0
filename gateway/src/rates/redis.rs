//! Quotas in Redis, which runs [`SCRIPT`] whole: what `app.draw_quotas` is in Postgres.
//!
//! One blocking connection, on the thread of whoever draws. When to ask again after a failure does not belong here.

use std::collections::HashMap;
use std::time::Duration;

use database::{Draw, Drawn};
use redis::{Client, Connection, ErrorKind, RedisError, RedisResult, ServerErrorKind};
use secrecy::{ExposeSecret, SecretString};

/// Before each key, so that others may keep theirs in the same Redis.
const PREFIX: &str = "fairtrade:rates:";
const SCRIPT: &str = include_str!("draw.lua");

/// Quotas in one Redis.
pub(crate) struct RedisQuotas {
    client: Client,
    /// How long it may take to connect, and how long an answer.
    patience: Duration,
    open: Option<Open>,
}

struct Open {
    connection: Connection,
    /// By which hash Redis knows the script.
    script: String,
}

/// The Redis at this address cannot be used now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// It is there and refuses us, or is no Redis: somebody has to correct something.
    #[error("{0}")]
    Refused(RedisError),
    /// It is away, or busy with itself.
    #[error("{0}")]
    Away(RedisError),
}

impl RedisQuotas {
    /// # Errors
    /// When this is no address of a Redis; nobody is asked yet.
    pub(crate) fn at(url: &SecretString, patience: Duration) -> RedisResult<Self> {
        Ok(Self { client: Client::open(url.expose_secret())?, patience, open: None })
    }

    /// Draws once from a quota that nobody has: everything that is needed later is tried.
    ///
    /// # Errors
    /// [`Unusable`].
    pub(crate) fn prove(&mut self) -> Result<(), Unusable> {
        let trial = Draw { key: [0; 32], wanted: 1, quota: 1, period: Duration::from_millis(1) };
        self.draw(&[trial]).map(drop).map_err(|error| {
            if is_refusal(&error) { Unusable::Refused(error) } else { Unusable::Away(error) }
        })
    }

    /// Its version, for a person.
    ///
    /// # Errors
    /// When it does not tell.
    pub(crate) fn version(&mut self) -> RedisResult<String> {
        let mut open = Open::to(&self.client, self.patience)?;
        let told: String = redis::cmd("INFO").arg("server").query(&mut open.connection)?;
        let version = told.lines().find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or("of an unknown version").trim().to_owned())
    }

    /// Takes uses of quotas, each key at most once, in one round trip.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub(crate) fn draw(&mut self, draws: &[Draw]) -> RedisResult<HashMap<Draw, Drawn>> {
        let used_before = self.open.is_some();
        match self.draw_once(draws) {
            // A connection may have been closed since it was last used: by Redis started anew, by its `timeout`, by a firewall.
            Err(error) if used_before && error.is_connection_dropped() => self.draw_once(draws),
            other => other,
        }
    }

    fn draw_once(&mut self, draws: &[Draw]) -> RedisResult<HashMap<Draw, Drawn>> {
        // Taken out: one on which something went wrong is not used again, its answer may still come.
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::to(&self.client, self.patience)?,
        };
        let drawn = open.draw(draws)?;
        self.open = Some(open);
        Ok(draws.iter().cloned().zip(drawn).collect())
    }
}

impl Open {
    fn to(client: &Client, patience: Duration) -> RedisResult<Self> {
        let mut connection = client.get_connection_with_timeout(patience)?;
        connection.set_read_timeout(Some(patience))?;
        connection.set_write_timeout(Some(patience))?;
        let script = load(&mut connection)?;
        Ok(Self { connection, script })
    }

    fn draw(&mut self, draws: &[Draw]) -> RedisResult<Vec<Drawn>> {
        match self.run(draws) {
            // Somebody flushed the scripts. What was drawn in this round trip before that is lost, a part at most.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.script = load(&mut self.connection)?;
                self.run(draws)
            }
            other => other,
        }
    }

    fn run(&mut self, draws: &[Draw]) -> RedisResult<Vec<Drawn>> {
        let mut pipeline = redis::pipe();
        for draw in draws {
            let period = u64::try_from(draw.period.as_micros()).unwrap_or(u64::MAX);
            let key = format!("{PREFIX}{}", hex::encode(draw.key));
            pipeline.cmd("EVALSHA").arg(&self.script).arg(1).arg(key);
            pipeline.arg(draw.wanted).arg(draw.quota.max(1)).arg(period);
        }
        let answers: Vec<(u32, u64)> = pipeline.query(&mut self.connection)?;
        let drawn = |(granted, micros)| Drawn { granted, full_in: Duration::from_micros(micros) };
        Ok(answers.into_iter().map(drawn).collect())
    }
}

fn load(connection: &mut Connection) -> RedisResult<String> {
    redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query(connection)
}

/// Whether it will fail the same way tomorrow.
fn is_refusal(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig | ErrorKind::Parse => true,
        ErrorKind::Server(kind) => matches!(kind, ServerErrorKind::NoPerm | ServerErrorKind::ResponseError),
        // What rustls says reaches us as a text alone.
        ErrorKind::Io => error.to_string().contains("invalid peer certificate"),
        _ => matches!(error.code(), Some("NOAUTH" | "WRONGPASS")),
    }
}
