//! The list of jobs that everybody sees, for all requests that wait at once: one statement says which jobs stand on their pages, and in which version;
//! a card that was written down before, of that very version, is not read again. So nobody sees a card that has changed meanwhile, nor a job that has
//! left the list.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use chrono::TimeDelta;
use database::{BatchReader, BatchSettings, Error, RowVersion};
use kernel::{Instant, Page};
use lru::LruCache;
use marketplace::{JobCard, JobId, OpenPage};
use platform::Platform;

use crate::app::App;
use crate::http::Problem;
use crate::lanes::answered;
use crate::request::paging::Written;
use crate::routes::marketplace::job_views::JobCardView;

/// Cards that are kept, some 700 bytes each: the newest of a national marketplace, which nearly all readers look at.
const KEPT_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
/// How long one is kept at most: numbers of versions come round one day.
const KEPT_MINUTES: i64 = 10;

/// Reads pages of open jobs, many at a time.
pub(crate) struct OpenJobs(BatchReader<OpenPage, Arc<Written>, Error>);

impl OpenJobs {
    /// # Errors
    /// When there is no connection or thread for it.
    pub(crate) fn start(platform: &Platform) -> Result<Self, Error> {
        let (db, clock) = (platform.db().clone(), platform.clock());
        let mut cards = Cards::new();
        let load = move |asked: &[OpenPage]| {
            let now = clock.now();
            db.read(|conn| {
                let pages = marketplace::open_pages(conn, asked)?;
                let missing = cards.missing(&pages, now);
                if !missing.is_empty() {
                    cards.keep(marketplace::open_cards(conn, &missing, now)?, now);
                }
                Ok(pages.iter().map(|(asked, page)| (*asked, Arc::new(cards.write(page)))).collect())
            })
        };
        BatchReader::start(platform.db(), &BatchSettings::new("open_jobs"), load).map(Self)
    }

    /// # Errors
    /// 503 when the database is away or too much is waiting.
    pub(crate) async fn page(&self, app: &App, asked: OpenPage) -> Result<Arc<Written>, Problem> {
        let found = answered(self.0.get(app.lanes().deadline(), asked)).await?;
        // Every page that is asked for is answered, an empty one too.
        Ok(found.unwrap_or_default())
    }
}

/// Cards that were written down.
struct Cards(LruCache<JobId, Card>);

struct Card {
    version: RowVersion,
    /// What it says is right until then, if its version is.
    until: Instant,
    json: String,
}

impl Cards {
    fn new() -> Self {
        Self(LruCache::new(KEPT_MAX))
    }

    /// Which of these pages' jobs have to be read; what was kept of them is forgotten.
    fn missing(&mut self, pages: &HashMap<OpenPage, Page<(JobId, RowVersion)>>, now: Instant) -> Vec<JobId> {
        let mut missing = HashSet::new();
        for (id, version) in pages.values().flat_map(|page| &page.items) {
            if !self.0.get(id).is_some_and(|card| card.version == *version && now < card.until) {
                self.0.pop(id);
                missing.insert(*id);
            }
        }
        missing.into_iter().collect()
    }

    fn keep(&mut self, read: HashMap<JobId, (RowVersion, JobCard)>, now: Instant) {
        let kept_until = now + TimeDelta::minutes(KEPT_MINUTES);
        for (id, (version, card)) in read {
            let closes = card.bidding_deadline.filter(|_| !card.bidding_closed);
            let until = closes.map_or(kept_until, |closes| closes.min(kept_until));
            // Views are structs of plain fields: they always serialise.
            let json = serde_json::to_string(&JobCardView::from(card)).unwrap_or_default();
            self.0.put(id, Card { version, until, json });
        }
    }

    /// A page whose jobs were asked for with [`Cards::missing`]: what left the list before its card was read is not on it. All pages of a batch
    /// together have fewer jobs than are kept.
    fn write(&self, page: &Page<(JobId, RowVersion)>) -> Written {
        let cards = page.items.iter().filter_map(|(id, _)| Some(self.0.peek(id)?.json.as_str()));
        Written::new(cards, page.next)
    }
}
