//! Reviews: each side hands in its own without seeing the other's; what is decided about them afterwards is in [`moderation`].

mod moderation;

use database::{PgConnection, Tx};
use kernel::{Actor, AdminActor, Instant, Limit, Page, PartyId, Position, Role};
use uuid::Uuid;

use super::{MarketplaceService, events, trail};
use crate::error::Error;
use crate::model::{
    NewReply, NewReport, NewReview, OpenReview, Report, Review, ReviewCase, ReviewChange, ReviewId,
    ReviewPage, ReviewPatch, ReviewQueue, ReviewStatus, ReviewVerdict,
};
use crate::rules;
use crate::store;
use crate::{PageRequest, ReviewCommands, ReviewQueries};

/// Both sides of a contract.
const SIDES: usize = 2;

impl ReviewQueries for MarketplaceService {
    fn review(&self, viewer: Option<&Actor>, id: ReviewId) -> Result<Review, Error> {
        self.find_review(viewer, id)
    }

    fn list_reviews(
        &self,
        subject: PartyId,
        role: Option<Role>,
        page: PageRequest,
    ) -> Result<ReviewPage, Error> {
        self.published_reviews(subject, role, page)
    }

    fn list_review_cases(
        &self,
        _: AdminActor<'_>,
        queue: ReviewQueue,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<ReviewCase>, Error> {
        self.page_of_cases(queue, after, limit)
    }
}

impl ReviewCommands for MarketplaceService {
    fn submit_review(&self, author: &Actor, review: NewReview) -> Result<Review, Error> {
        self.create_review(author, &review)
    }

    fn edit_review(&self, author: &Actor, change: ReviewChange<ReviewPatch>) -> Result<Review, Error> {
        self.patch_review(author, &change)
    }

    fn reply_to_review(&self, subject: &Actor, change: ReviewChange<NewReply>) -> Result<Review, Error> {
        self.answer_review(subject, &change)
    }

    fn report_review(&self, reporter: &Actor, change: ReviewChange<NewReport>) -> Result<Report, Error> {
        self.keep_report(reporter, &change)
    }

    fn decide_review(
        &self,
        admin: AdminActor<'_>,
        change: ReviewChange<ReviewVerdict>,
    ) -> Result<ReviewCase, Error> {
        self.judge_review(admin, &change)
    }
}

impl MarketplaceService {
    fn create_review(&self, author: &Actor, new: &NewReview) -> Result<Review, Error> {
        let id = ReviewId::new();
        self.db.transaction(|tx| {
            if !still_there(tx, author)? {
                return Err(Error::ContractNotFound);
            }
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
                version: 1,
                created_at: now,
                edited_at: None,
                published_at: None,
                reply: None,
                removal: None,
            };
            store::reviews::insert(tx.conn(), &review)?;
            trail::review(tx, None, &review);
            events::review(tx, "review.submitted", &author.request_id, &review);
            let published = if others.len() + 1 == SIDES {
                self.publish(tx, &window, &author.request_id, now)?
            } else {
                Vec::new()
            };
            let review = published.into_iter().find(|published| published.id == id).unwrap_or(review);
            named(tx.conn(), review)
        })
    }

    fn patch_review(&self, author: &Actor, patch: &ReviewChange<ReviewPatch>) -> Result<Review, Error> {
        self.db.transaction(|tx| {
            let (before, window) = lock_readable(tx, author, patch)?;
            if before.author != author.party {
                return Err(Error::WrongParty("who wrote the review"));
            }
            let now = tx.now()?;
            rules::may_edit_review(&before, self.closes_at(&window), now)?;
            let edited = patch.change.applied(before.clone());
            if edited == before {
                return named(tx.conn(), before);
            }
            let after = Review { version: before.version + 1, edited_at: Some(now), ..edited };
            if !store::reviews::edit(tx.conn(), &before, &after)? {
                return Err(Error::Stale);
            }
            trail::review(tx, Some(&before), &after);
            events::review(tx, "review.edited", &author.request_id, &after);
            named(tx.conn(), after)
        })
    }

    fn find_review(&self, viewer: Option<&Actor>, id: ReviewId) -> Result<Review, Error> {
        self.db.read(|conn| {
            let found = store::reviews::find(conn, id)?;
            let review =
                found.filter(|review| rules::may_read_review(viewer, review)).ok_or(Error::ReviewNotFound)?;
            named(conn, review)
        })
    }

    fn published_reviews(
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
            name_people(conn, &mut found.items)?;
            Ok(ReviewPage {
                summary: rules::summarise(&self.settings, sums),
                items: found.items,
                next: found.next,
            })
        })
    }

    /// Publishes what was handed in once the window has closed. Says when to come back when it has not.
    pub(crate) fn publish_reviews(&self, contract: Uuid, request_id: &str) -> Result<Option<Instant>, Error> {
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
        tx: &mut Tx<'_>,
        window: &OpenReview,
        request_id: &str,
        now: Instant,
    ) -> Result<Vec<Review>, Error> {
        let published = store::reviews::publish(tx.conn(), window.contract_id, now)?;
        for review in &published {
            let before =
                Review { status: ReviewStatus::Hidden, version: review.version - 1, ..review.clone() };
            trail::review(tx, Some(&before), review);
            events::review(tx, "review.published", request_id, review);
        }
        self.rate_in_directory(tx, &published)?;
        Ok(published)
    }

    fn closes_at(&self, window: &OpenReview) -> Instant {
        window.ended_at.checked_add_signed(self.settings.review_window()).unwrap_or(window.ended_at)
    }
}

/// Keeps whoever writes from being erased meanwhile; false when that has happened. Comes before every other lock.
fn still_there(tx: &mut Tx<'_>, actor: &Actor) -> Result<bool, Error> {
    match actor.person {
        Some(person) => Ok(identity::remain(tx, person)?),
        None => Ok(true),
    }
}

/// A review that this actor can read, and its contract's window, under the window's lock: edits, publication, replies, reports and decisions come
/// one after the other.
fn lock_readable<T>(
    tx: &mut Tx<'_>,
    actor: &Actor,
    change: &ReviewChange<T>,
) -> Result<(Review, OpenReview), Error> {
    if !still_there(tx, actor)? {
        return Err(Error::ReviewNotFound);
    }
    let (review, window) = lock_review(tx, change.review_id)?;
    if !rules::may_read_review(Some(actor), &review) {
        return Err(Error::ReviewNotFound);
    }
    unchanged(&review, change)?;
    Ok((review, window))
}

/// A review, whoever asks, under its window's lock.
fn lock_review(tx: &mut Tx<'_>, id: ReviewId) -> Result<(Review, OpenReview), Error> {
    let contract = store::reviews::find(tx.conn(), id)?.ok_or(Error::ReviewNotFound)?.contract_id;
    let window = store::reviews::lock_window(tx.conn(), contract)?.ok_or(Error::ReviewNotFound)?;
    let review = store::reviews::find(tx.conn(), id)?.ok_or(Error::ReviewNotFound)?;
    Ok((review, window))
}

fn unchanged<T>(review: &Review, change: &ReviewChange<T>) -> Result<(), Error> {
    match change.if_version {
        Some(version) if version != review.version => Err(Error::Stale),
        _ => Ok(()),
    }
}

fn named(conn: &mut PgConnection, review: Review) -> Result<Review, Error> {
    let mut shown = [review];
    name_people(conn, &mut shown)?;
    let [review] = shown;
    Ok(review)
}

/// Puts in the names as others may see them: a homeowner's first name and initial, a contractor's in full.
fn name_people<'a>(
    conn: &mut PgConnection,
    reviews: impl IntoIterator<Item = &'a mut Review>,
) -> Result<(), Error> {
    let reviews: Vec<&mut Review> = reviews.into_iter().collect();
    let ids: Vec<PartyId> = reviews.iter().flat_map(|review| [review.author, review.subject]).collect();
    let cards = identity::cards(conn, &ids)?;
    for review in reviews {
        let by_contractor = review.author_role == Role::Contractor;
        let name = |party: PartyId, contractor: bool| {
            let card = cards.get(&party)?;
            Some(if contractor { card.full_name.clone() } else { card.display_name.clone() })
        };
        if let Some(name) = name(review.author, by_contractor) {
            review.author_name = name;
        }
        if let (Some(reply), Some(name)) = (&mut review.reply, name(review.subject, !by_contractor)) {
            reply.author_name = name;
        }
    }
    Ok(())
}
