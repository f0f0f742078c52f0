//! Where all servers count together, and what is done while it cannot be asked.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use database::{BatchReader, BatchSettings, Draw, Drawn, Error};
use platform::Platform;

use crate::settings::CountIn;

/// How long a request waits to be counted. Longer than that, and the limits would be what makes the server slow.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long nobody asks after that did not suffice.
const PAUSE: Duration = Duration::from_secs(5);

/// Where quotas are kept.
pub(super) enum Shared {
    /// Nowhere: each process counts for itself.
    Process,
    /// In the database, where the requests that wait at once draw in one statement.
    Postgres {
        /// Draws them.
        draws: BatchReader<Draw, Drawn, Error>,
        /// Until when it is left alone.
        paused_until: Mutex<Option<Instant>>,
    },
}

impl Shared {
    /// # Errors
    /// When there is no connection or thread for it.
    pub(super) fn start(count_in: CountIn, platform: &Platform) -> Result<Self, Error> {
        match count_in {
            CountIn::Process => Ok(Self::Process),
            CountIn::Postgres => {
                let db = platform.db().clone();
                let load = move |draws: &[Draw]| {
                    let mut drawn: HashMap<[u8; 32], Drawn> = db.draw_quotas(draws)?.into_iter().collect();
                    Ok(draws
                        .iter()
                        .filter_map(|draw| Some((draw.clone(), drawn.remove(&draw.key)?)))
                        .collect())
                };
                let draws = BatchReader::start(platform.db(), &BatchSettings::new("rates"), load)?;
                Ok(Self::Postgres { draws, paused_until: Mutex::default() })
            }
        }
    }

    /// Takes a part of a quota; none when there is nobody to ask.
    pub(super) async fn draw(&self, draw: Draw) -> Option<Drawn> {
        let Self::Postgres { draws, paused_until } = self else { return None };
        let paused = *paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match tokio::time::timeout(PATIENCE, draws.get(Instant::now() + PATIENCE, draw)).await {
            Ok(Ok(Ok(Some(drawn)))) => return Some(drawn),
            Ok(Ok(Ok(None))) => tracing::error!("a quota was drawn and not answered"),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "requests are counted by this server alone for a while")
            }
            Ok(Err(_)) | Err(_) => tracing::warn!(
                "requests are counted by this server alone for a while: counting takes too long"
            ),
        }
        metrics::counter!("rate_limit_counted_alone_total").increment(1);
        *paused_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
        None
    }
}
