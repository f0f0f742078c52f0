//! The first page of everybody's list of jobs: what whoever comes sees first. It is read and written down once for all who wait for it at once; a
//! request that comes while it is being read waits for the next reading, so that nobody sees less than was there when they asked.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use database::{BatchReader, BatchSettings, Error};
use kernel::Limit;
use marketplace::{Category, JobFilter, JobList, PageRequest};
use platform::Platform;

use crate::app::App;
use crate::http::Problem;
use crate::lanes::answered;
use crate::request::paging::Written;
use crate::routes::marketplace::job_views::JobCardView;

/// Which first page.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    category: Option<Category>,
    limit: Limit,
}

impl Hash for Asked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.category.map(Category::as_str).hash(state);
        self.limit.get().hash(state);
    }
}

/// Reads first pages, each once for many requests.
pub(crate) struct FirstPages(BatchReader<Asked, Arc<Written>, marketplace::Error>);

impl FirstPages {
    /// # Errors
    /// When there is no connection or thread for it.
    pub(crate) fn start(platform: &Platform) -> Result<Self, Error> {
        let queries = Arc::clone(&platform.queries().marketplace);
        let load = move |all: &[Asked]| {
            let mut pages = HashMap::new();
            for asked in all {
                let filter = JobFilter { category: asked.category, ..JobFilter::default() };
                let list = JobList { filter, page: PageRequest { after: None, limit: asked.limit } };
                let page = queries.list_jobs(None, &list)?;
                pages.insert(asked.clone(), Arc::new(Written::of(page, JobCardView::from)));
            }
            Ok(pages)
        };
        BatchReader::start(platform.db(), &BatchSettings::new("first_pages"), load).map(Self)
    }

    /// # Errors
    /// 503 when the database is away or too much is waiting.
    pub(crate) async fn find(
        &self,
        app: &App,
        category: Option<Category>,
        limit: Limit,
    ) -> Result<Arc<Written>, Problem> {
        let found = answered(self.0.get(app.lanes().deadline(), Asked { category, limit })).await?;
        // Every page that is asked for is answered, an empty one too.
        Ok(found.unwrap_or_default())
    }
}
