//! Reviews: each side hands in its own without seeing the other's.

use kernel::{Actor, Page, PartyId, Position, Role};
use uuid::Uuid;

use super::{MarketplaceService, events, trail};
use crate::PageRequest;
use crate::error::Error;
use crate::model::{NewReview, OpenReview, Review, ReviewId, ReviewPage, ReviewStatus};
use crate::rules;
use crate::store;

/// Both sides of a contract.
const SIDES: usize = 2;

impl MarketplaceService {
    pub(super) fn create_review(&self, author: &Actor, new: &NewReview) -> Result<Review, Error> {
        let id = ReviewId::new();
        self.db.transaction(|tx| {
            let window =
                store::reviews::lock_window(tx.conn(), new.contract_id)?.ok_or(Error::ContractNotFound)?;
            let (author_role, subject) =
                rules::review_sides(&window, author.party).ok_or(Error::ContractNotFound)?;
            let now = tx.now()?;
            let others = store::reviews::list_of_contract(tx.conn(), new.contract_id)?;
            if others.iter().any(|review| review.author == author.party) {
                return Err(Error::AlreadyReviewed);
            }
            if self.closes_at(&window) <= now {
                return Err(Error::ReviewClosed);
            }
            let review = Review {
                id,
                contract_id: new.contract_id,
                job_id: window.job_id,
                author: author.party,
                author_role,
                author_name: String::new(),
                subject,
                rating: new.rating.get(),
                quality: new.quality.get(),
                timeliness: new.timeliness.get(),
                communication: new.communication.get(),
                text: new.text.as_ref().map(|text| text.as_str().to_owned()),
                status: ReviewStatus::Hidden,
                created_at: now,
                published_at: None,
            };
            store::reviews::insert(tx.conn(), &review)?;
            trail::review(tx, None, &review);
            let parties = (window.homeowner, window.contractor);
            events::review(tx, "review.submitted", &author.request_id, &review, parties);
            let published = if others.len() + 1 == SIDES {
                self.publish(tx, &window, &author.request_id, now)?
            } else {
                Vec::new()
            };
            let mut shown = [published.into_iter().find(|published| published.id == id).unwrap_or(review)];
            name_authors(tx.conn(), &mut shown)?;
            let [review] = shown;
            Ok(review)
        })
    }

    pub(super) fn published_reviews(
        &self,
        subject: PartyId,
        role: Option<Role>,
        page: PageRequest,
    ) -> Result<ReviewPage, Error> {
        self.db.read(|conn| {
            let card = identity::cards(conn, &[subject])?.remove(&subject).ok_or(Error::SubjectNotFound)?;
            if role.is_some_and(|role| role != card.role) {
                return Err(Error::SubjectNotFound);
            }
            let sums = store::reviews::ratings_of(conn, &[subject])?.remove(&subject).unwrap_or_default();
            let rows = store::reviews::list_published(conn, subject, page)?;
            let mut found = Page::cut(rows, page.limit, |review| Position {
                key: review.published_at.unwrap_or(review.created_at),
                id: review.id.uuid(),
            });
            name_authors(conn, &mut found.items)?;
            Ok(ReviewPage {
                summary: rules::summarise(&self.settings, sums),
                items: found.items,
                next: found.next,
            })
        })
    }

    /// Publishes what was handed in once the window has closed. Says when to come back when it has not.
    pub(crate) fn publish_reviews(
        &self,
        contract: Uuid,
        request_id: &str,
    ) -> Result<Option<kernel::Instant>, Error> {
        self.db.transaction(|tx| {
            let Some(window) = store::reviews::lock_window(tx.conn(), contract)? else {
                return Ok(None);
            };
            let now = tx.now()?;
            let closes_at = self.closes_at(&window);
            if closes_at > now {
                return Ok(Some(closes_at));
            }
            self.publish(tx, &window, request_id, now)?;
            Ok(None)
        })
    }

    fn publish(
        &self,
        tx: &mut database::Tx<'_>,
        window: &OpenReview,
        request_id: &str,
        now: kernel::Instant,
    ) -> Result<Vec<Review>, Error> {
        let published = store::reviews::publish(tx.conn(), window.contract_id, now)?;
        for review in &published {
            trail::review(tx, Some(ReviewStatus::Hidden), review);
            events::review(tx, "review.published", request_id, review, (window.homeowner, window.contractor));
        }
        self.rate_in_directory(tx, &published)?;
        Ok(published)
    }

    fn closes_at(&self, window: &OpenReview) -> kernel::Instant {
        window.ended_at.checked_add_signed(self.settings.review_window()).unwrap_or(window.ended_at)
    }
}

/// Puts in the authors' names as others may see them: a homeowner's first name and initial, a contractor's in full.
fn name_authors(conn: &mut database::PgConnection, reviews: &mut [Review]) -> Result<(), Error> {
    let ids: Vec<PartyId> = reviews.iter().map(|review| review.author).collect();
    let cards = identity::cards(conn, &ids)?;
    for review in reviews {
        if let Some(card) = cards.get(&review.author) {
            let name = match review.author_role {
                Role::Contractor => &card.full_name,
                Role::Homeowner | Role::Admin => &card.display_name,
            };
            review.author_name.clone_from(name);
        }
    }
    Ok(())
}
