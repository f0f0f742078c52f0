//! Who may read a review, and what becomes of it.

use kernel::{Actor, Instant, PartyId, Role};

use crate::error::Error;
use crate::model::{Decision, DecisionOutcome, Review, ReviewAction, ReviewStatus};
use crate::settings::Settings;

/// Whether a viewer, or a stranger, may read a review: everybody once it is published, its author always, administrators once it was
/// removed.
#[must_use]
pub fn may_read_review(viewer: Option<&Actor>, review: &Review) -> bool {
    let author = viewer.is_some_and(|actor| actor.party == review.author);
    match review.status {
        ReviewStatus::Hidden => author,
        ReviewStatus::Published => true,
        ReviewStatus::Removed => author || viewer.is_some_and(|actor| actor.role == Role::Admin),
    }
}

/// Whether a review may be changed by its author now. The caller has found out that it is the author, holds the window's lock, and read the
/// clock after it.
///
/// # Errors
/// [`Error::ReviewState`] once it is published, [`Error::ReviewClosed`] once it is about to be.
pub fn may_edit_review(review: &Review, window_closes: Instant, now: Instant) -> Result<(), Error> {
    if review.status.after(ReviewAction::Edit).is_none() {
        return Err(Error::ReviewState { state: review.status, allowed: Vec::new() });
    }
    if window_closes <= now { Err(Error::ReviewClosed) } else { Ok(()) }
}

/// Whether a review that somebody can read may be answered by them now.
///
/// # Errors
/// The first thing in the way.
pub fn may_reply(settings: &Settings, review: &Review, by: PartyId, now: Instant) -> Result<(), Error> {
    if review.subject != by {
        return Err(Error::WrongParty("whom the review is about"));
    }
    if review.status.after(ReviewAction::Reply).is_none() {
        return Err(Error::ReviewState { state: review.status, allowed: Vec::new() });
    }
    if review.reply.is_some() {
        return Err(Error::AlreadyReplied);
    }
    let closes = review.published_at.and_then(|at| at.checked_add_signed(settings.reply_window()));
    if closes.is_none_or(|closes| closes <= now) { Err(Error::ReplyClosed) } else { Ok(()) }
}

/// Whether a review that somebody can read may be reported by them.
///
/// # Errors
/// [`Error::OwnReview`], [`Error::ReviewState`].
pub fn may_report(review: &Review, by: PartyId) -> Result<(), Error> {
    if review.author == by {
        return Err(Error::OwnReview);
    }
    match review.status.after(ReviewAction::Report) {
        Some(_) => Ok(()),
        None => Err(Error::ReviewState { state: review.status, allowed: Vec::new() }),
    }
}

/// What an administrator's decision makes of a review.
///
/// # Errors
/// [`Error::ReviewState`] when it is so already or cannot be, [`Error::NotReported`] when nothing waits to be kept.
pub fn decided(
    status: ReviewStatus,
    open_reports: i32,
    decision: Decision,
) -> Result<DecisionOutcome, Error> {
    match (status, decision) {
        (ReviewStatus::Published, Decision::Remove) => Ok(DecisionOutcome::Removed),
        (ReviewStatus::Published, Decision::Keep) if open_reports > 0 => Ok(DecisionOutcome::Kept),
        (ReviewStatus::Published, Decision::Keep) => Err(Error::NotReported),
        (ReviewStatus::Removed, Decision::Keep) => Ok(DecisionOutcome::Restored),
        (ReviewStatus::Removed, Decision::Remove) => {
            Err(Error::ReviewState { state: status, allowed: vec![Decision::Keep.as_str()] })
        }
        (ReviewStatus::Hidden, Decision::Keep | Decision::Remove) => {
            Err(Error::ReviewState { state: status, allowed: Vec::new() })
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::{Classify, PersonId, SessionId};
    use uuid::Uuid;

    use super::*;
    use crate::model::{JobId, Reply, ReviewId};

    fn review(status: ReviewStatus) -> Review {
        Review {
            id: ReviewId::new(),
            contract_id: Uuid::nil(),
            job_id: JobId::new(),
            author: PartyId::new(),
            author_role: Role::Homeowner,
            author_name: String::new(),
            subject: PartyId::new(),
            rating: 5,
            quality: 5,
            timeliness: 5,
            communication: 5,
            text: None,
            status,
            version: 1,
            created_at: Instant::UNIX_EPOCH,
            edited_at: None,
            published_at: (status != ReviewStatus::Hidden).then_some(Instant::UNIX_EPOCH),
            reply: None,
            removal: None,
        }
    }

    fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
        result.map_or_else(|error| error.code(), |_| "ok")
    }

    #[test]
    fn a_review_is_read_by_whom_it_is_for() {
        let person = |role| Actor::person(PersonId::new(), role, SessionId::new(), true, "test");
        let (admin, stranger, mut author) =
            (person(Role::Admin), person(Role::Homeowner), person(Role::Homeowner));
        for (status, seen) in [
            (ReviewStatus::Hidden, [false, false, false, true]),
            (ReviewStatus::Published, [true, true, true, true]),
            (ReviewStatus::Removed, [false, false, true, true]),
        ] {
            let review = review(status);
            author.party = review.author;
            let viewers = [None, Some(&stranger), Some(&admin), Some(&author)];
            assert_eq!(viewers.map(|viewer| may_read_review(viewer, &review)), seen, "{status}");
        }
    }

    #[test]
    fn a_review_is_edited_until_it_is_published_or_the_window_closes() {
        let (now, second) = (Instant::UNIX_EPOCH, TimeDelta::seconds(1));
        for (status, closes, outcome) in [
            (ReviewStatus::Hidden, now + second, "ok"),
            (ReviewStatus::Hidden, now, "review_closed"),
            (ReviewStatus::Published, now + second, "review_state"),
            (ReviewStatus::Removed, now + second, "review_state"),
        ] {
            assert_eq!(code(may_edit_review(&review(status), closes, now)), outcome, "{status} {closes}");
        }
    }

    #[test]
    fn a_reply_is_the_subjects_once_and_in_time() {
        let settings = Settings::default();
        let end = Instant::UNIX_EPOCH + TimeDelta::days(28);
        let published = review(ReviewStatus::Published);
        let last = end - TimeDelta::microseconds(1);
        assert_eq!(code(may_reply(&settings, &published, published.subject, last)), "ok");
        assert_eq!(code(may_reply(&settings, &published, published.subject, end)), "reply_closed");
        assert_eq!(code(may_reply(&settings, &published, published.author, last)), "wrong_party");
        let reply = Reply { text: None, author_name: String::new(), at: Instant::UNIX_EPOCH };
        let replied = Review { reply: Some(reply), ..published };
        assert_eq!(code(may_reply(&settings, &replied, replied.subject, last)), "already_replied");
        let removed = review(ReviewStatus::Removed);
        assert_eq!(code(may_reply(&settings, &removed, removed.subject, last)), "review_state");
    }

    #[test]
    fn nobody_reports_their_own_review() {
        let published = review(ReviewStatus::Published);
        assert_eq!(code(may_report(&published, published.subject)), "ok");
        assert_eq!(code(may_report(&published, PartyId::new())), "ok");
        assert_eq!(code(may_report(&published, published.author)), "own_review");
        assert_eq!(code(may_report(&review(ReviewStatus::Removed), PartyId::new())), "review_state");
    }

    #[test]
    fn a_decision_keeps_removes_or_restores() {
        let outcome = |status, reports, decision| {
            decided(status, reports, decision).map_or_else(|error| error.code(), DecisionOutcome::as_str)
        };
        for (status, reports, decision, expected) in [
            (ReviewStatus::Published, 0, Decision::Keep, "not_reported"),
            (ReviewStatus::Published, 2, Decision::Keep, "KEPT"),
            (ReviewStatus::Published, 0, Decision::Remove, "REMOVED"),
            (ReviewStatus::Published, 2, Decision::Remove, "REMOVED"),
            (ReviewStatus::Removed, 0, Decision::Keep, "RESTORED"),
            (ReviewStatus::Removed, 0, Decision::Remove, "review_state"),
            (ReviewStatus::Hidden, 0, Decision::Keep, "review_state"),
            (ReviewStatus::Hidden, 0, Decision::Remove, "review_state"),
        ] {
            assert_eq!(outcome(status, reports, decision), expected, "{status} {reports} {decision}");
        }
    }
}
