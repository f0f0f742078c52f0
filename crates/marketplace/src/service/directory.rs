//! The directory: found by everybody, kept from what identity knows and reviews come to.

use database::Tx;
use kernel::{Limit, Page, PartyId, Position};

use super::MarketplaceService;
use crate::error::Error;
use crate::model::{ContractorCard, DirectoryFilter, Review};
use crate::store::directory::DirectoryRow;
use crate::tasks::FillDirectory;
use crate::{rules, store};

/// Contractors whose rows are made in one transaction.
const FILL_BATCH: u16 = 200;

impl MarketplaceService {
    pub(super) fn page_of_contractors(
        &self,
        filter: &DirectoryFilter,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<Page<ContractorCard, i64>, Error> {
        let filter = match filter.words.as_deref().map(|words| self.words_in_directory(words)) {
            None => filter.clone(),
            Some(words) => match words? {
                Some(words) => DirectoryFilter { words: Some(words), ..filter.clone() },
                // What only rules things out, or says nothing, finds nobody.
                None => return Ok(Page { items: Vec::new(), next: None }),
            },
        };
        let rows = self.db.read(|conn| store::directory::list(conn, &filter, after, limit))?;
        Ok(Page::cut(rows, limit, |card| Position { key: card.key, id: card.id.uuid() }))
    }

    /// Says of a contractor in the directory what is true by now.
    pub(crate) fn list_anew(&self, contractor: PartyId) -> Result<(), Error> {
        self.db.transaction(|tx| self.refresh(tx, &[contractor]))
    }

    /// Takes somebody out of the directory for good.
    pub(crate) fn unlist(&self, contractor: PartyId) -> Result<(), Error> {
        self.db.transaction(|tx| {
            audit::withhold(tx);
            Ok(store::directory::remove(tx.conn(), contractor)?)
        })
    }

    /// Says of the next contractors what is true by now, and has the rest follow.
    pub(crate) fn fill_directory(&self, after: Option<PartyId>) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let contractors = identity::contractor_ids(tx.conn(), after, FILL_BATCH)?;
            self.refresh(tx, &contractors)?;
            if contractors.len() == usize::from(FILL_BATCH)
                && let Some(last) = contractors.last()
            {
                outbox::enqueue(tx, &FillDirectory { after: Some(*last) });
            }
            Ok(())
        })
    }

    /// Reviews of these contractors were published: keeps what they come to now.
    pub(super) fn rate_in_directory(&self, tx: &mut Tx<'_>, published: &[Review]) -> Result<(), Error> {
        let mut subjects: Vec<PartyId> = published.iter().map(|review| review.subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let mut sums = store::reviews::ratings_of(tx.conn(), &subjects)?;
        for subject in subjects {
            let rank = rules::rank(&self.settings, sums.remove(&subject).unwrap_or_default());
            store::directory::rate(tx.conn(), subject, rank)?;
        }
        Ok(())
    }

    /// The rows are locked before the facts are read: of two who do this at once the later one reads what the earlier one saw, or more.
    fn refresh(&self, tx: &mut Tx<'_>, contractors: &[PartyId]) -> Result<(), Error> {
        // Nobody's deed: the directory follows what was done, and that has its row in the trail.
        audit::withhold(tx);
        let now = tx.now()?;
        let rows = store::directory::lock(tx.conn(), contractors, now)?;
        let mut facts = identity::contractors(tx.conn(), contractors)?;
        let mut sums = store::reviews::ratings_of(tx.conn(), contractors)?;
        for (contractor, before) in rows {
            let rank = rules::rank(&self.settings, sums.remove(&contractor).unwrap_or_default());
            match facts.remove(&contractor).map(|facts| DirectoryRow::of(&facts, rank)) {
                None => store::directory::remove(tx.conn(), contractor)?,
                Some(row) if row == before => {}
                Some(row) => store::directory::update(tx.conn(), &row)?,
            }
        }
        Ok(())
    }
}
