//! Where all servers count together, and what is done while it cannot be asked.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use database::{BatchReader, BatchSettings, Db, Draw, Drawn};
use platform::Platform;
use redis::RedisError;

use super::redis::{RedisQuotas, Unusable};
use crate::server::StartError;
use crate::settings::{CountIn, RateSettings};

/// How long a request waits to be counted. Longer than that, and the limits would be what makes the server slow.
pub(super) const PATIENCE: Duration = Duration::from_millis(250);
/// How long nobody asks after that did not suffice.
const PAUSE: Duration = Duration::from_secs(5);

/// Where quotas are kept.
pub(super) enum Shared {
    /// Nowhere: each process counts for itself.
    Process,
    /// With the other servers.
    Together(Together),
}

/// One place for all servers. The requests that wait at once draw in one round trip.
pub(super) struct Together {
    place: CountIn,
    draws: BatchReader<Draw, Drawn, Uncounted>,
    pause: Duration,
    /// Since when it did not answer, until when it is left alone; none once it answered again.
    paused_until: Mutex<Option<Instant>>,
}

/// Why a draw came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Uncounted {
    #[error(transparent)]
    Postgres(#[from] database::Error),
    #[error("Redis: {0}")]
    Redis(#[from] RedisError),
}

impl Shared {
    /// # Errors
    /// When there is no connection or thread for it, or Redis refuses us. That Redis is away is none: a limit is not what keeps the
    /// service down.
    pub(super) fn start(settings: &RateSettings, platform: &Platform) -> Result<Self, StartError> {
        match settings.count_in {
            CountIn::Process => Ok(Self::Process),
            CountIn::Postgres => Ok(Self::Together(Together::in_postgres(platform.db(), PAUSE)?)),
            CountIn::Redis => {
                let missing = || StartError::RateLimit("it is not stated".to_owned());
                let url = settings.redis_url.as_ref().ok_or_else(missing)?;
                let refused = |error: RedisError| StartError::RateLimit(error.to_string());
                let mut quotas = RedisQuotas::at(url, PATIENCE).map_err(refused)?;
                match quotas.prove() {
                    Ok(()) => {}
                    Err(Unusable::Refused(error)) => return Err(refused(error)),
                    Err(Unusable::Away(error)) => {
                        tracing::warn!(%error, "Redis does not answer: requests are counted by this server alone until it does");
                    }
                }
                Ok(Self::Together(Together::in_redis(quotas, PAUSE)?))
            }
        }
    }

    /// Takes a part of a quota; none when there is nobody to ask.
    pub(super) async fn draw(&self, draw: Draw) -> Option<Drawn> {
        match self {
            Self::Process => None,
            Self::Together(together) => together.draw(draw).await,
        }
    }

    /// Where it is counted together, and whether this server counts alone meanwhile.
    pub(super) fn standing(&self) -> Option<(CountIn, bool)> {
        match self {
            Self::Process => None,
            Self::Together(together) => Some((together.place, together.pause().is_some())),
        }
    }
}

impl Together {
    pub(super) fn in_postgres(db: &Db, pause: Duration) -> Result<Self, database::Error> {
        let of_thread = db.clone();
        let load = move |draws: &[Draw]| {
            let mut drawn: HashMap<[u8; 32], Drawn> = of_thread.draw_quotas(draws)?.into_iter().collect();
            Ok(draws.iter().filter_map(|draw| Some((draw.clone(), drawn.remove(&draw.key)?))).collect())
        };
        let draws = BatchReader::start(db, &BatchSettings::new("rates"), load)?;
        Ok(Self { place: CountIn::Postgres, draws, pause, paused_until: Mutex::default() })
    }

    pub(super) fn in_redis(quotas: RedisQuotas, pause: Duration) -> Result<Self, database::Error> {
        let quotas = RefCell::new(quotas);
        let load = move |draws: &[Draw]| Ok(quotas.borrow_mut().draw(draws)?);
        let draws = BatchReader::start_elsewhere(&BatchSettings::new("rates"), load)?;
        Ok(Self { place: CountIn::Redis, draws, pause, paused_until: Mutex::default() })
    }

    pub(super) async fn draw(&self, draw: Draw) -> Option<Drawn> {
        let paused = self.pause();
        if paused.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match tokio::time::timeout(PATIENCE, self.draws.get(Instant::now() + PATIENCE, draw)).await {
            Ok(Ok(Ok(Some(drawn)))) => {
                if paused.is_some() {
                    tracing::info!("requests are counted together with the other servers again");
                    self.set_pause(None);
                }
                return Some(drawn);
            }
            Ok(Ok(Ok(None))) => tracing::error!("a quota was drawn and not answered"),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "requests are counted by this server alone for a while");
            }
            Ok(Err(_)) | Err(_) => tracing::warn!(
                "requests are counted by this server alone for a while: counting takes too long"
            ),
        }
        metrics::counter!("rate_limit_counted_alone_total").increment(1);
        self.set_pause(Some(Instant::now() + self.pause));
        None
    }

    fn pause(&self) -> Option<Instant> {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_pause(&self, until: Option<Instant>) {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

#[cfg(test)]
mod tests;
