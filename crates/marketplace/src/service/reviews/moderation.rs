//! What happens to a review once it is published: the reply, reports, and what administrators decide.

use chrono::TimeDelta;
use database::Tx;
use kernel::{Actor, AdminActor, Instant, Limit, Page, PartyId, Position};

use super::{events, lock_readable, lock_review, name_people, named, trail, unchanged};
use crate::error::Error;
use crate::model::{
    Decided, DecisionOutcome, NewReply, NewReport, Reply, Report, Review, ReviewAction, ReviewCase,
    ReviewChange, ReviewDecisionId, ReviewQueue, ReviewReportId, ReviewVerdict,
};
use crate::rules;
use crate::service::MarketplaceService;
use crate::store;

/// Within how many hours one person's reports are counted.
const REPORT_HOURS: i64 = 24;

impl MarketplaceService {
    pub(super) fn answer_review(
        &self,
        subject: &Actor,
        change: &ReviewChange<NewReply>,
    ) -> Result<Review, Error> {
        self.db.transaction(|tx| {
            let (before, _) = lock_readable(tx, subject, change)?;
            let now = tx.now()?;
            rules::may_reply(&self.settings, &before, subject.party, now)?;
            let text = change.change.text.as_str();
            if !store::reviews::reply(tx.conn(), &before, text, now)? {
                return Err(Error::Stale);
            }
            let reply = Reply { text: Some(text.to_owned()), author_name: String::new(), at: now };
            let after = Review { version: before.version + 1, reply: Some(reply), ..before.clone() };
            trail::review(tx, Some(&before), &after);
            events::review(tx, "review.replied", &subject.request_id, &after);
            named(tx.conn(), after)
        })
    }

    pub(super) fn keep_report(
        &self,
        reporter: &Actor,
        change: &ReviewChange<NewReport>,
    ) -> Result<Report, Error> {
        self.db.transaction(|tx| {
            let (review, _) = lock_readable(tx, reporter, change)?;
            rules::may_report(&review, reporter.party)?;
            // Two reports of one person wait for each other here, and each counts what is there by then.
            identity::lock_person(tx, reporter.party)?;
            let now = tx.now()?;
            self.check_rate(tx, reporter.party, now)?;
            let report = Report {
                id: ReviewReportId::new(),
                review_id: review.id,
                reporter: reporter.party,
                reason: change.change.reason,
                note: change.change.note.as_ref().map(|note| note.as_str().to_owned()),
                created_at: now,
                decided_at: None,
            };
            store::reviews::reports::insert(tx.conn(), &report).map_err(already_reported)?;
            trail::report(tx, &report);
            events::review(tx, "review.reported", &reporter.request_id, &review);
            Ok(report)
        })
    }

    pub(super) fn judge_review(
        &self,
        admin: AdminActor<'_>,
        change: &ReviewChange<ReviewVerdict>,
    ) -> Result<ReviewCase, Error> {
        self.db.transaction(|tx| {
            let (review, _) = lock_review(tx, change.review_id)?;
            unchanged(&review, change)?;
            let now = tx.now()?;
            let (reports, _) = store::reviews::reports::find_waiting(tx.conn(), review.id)?;
            let ReviewVerdict { decision, reason } = &change.change;
            let decided = Decided {
                id: ReviewDecisionId::new(),
                review_id: review.id,
                by: admin.party,
                outcome: rules::decided(review.status, reports, *decision)?,
                reason: reason.as_str().to_owned(),
                reports,
                at: now,
            };
            self.carry_out(tx, &review, &decided, &admin.request_id)?;
            let case = store::reviews::reports::find_case(tx.conn(), review.id)?;
            let mut case = case.ok_or(Error::ReviewNotFound)?;
            name_people(tx.conn(), [&mut case.review])?;
            Ok(case)
        })
    }

    pub(super) fn page_of_cases(
        &self,
        queue: ReviewQueue,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<ReviewCase>, Error> {
        self.db.read(|conn| {
            let rows = match queue {
                ReviewQueue::Reported => store::reviews::reports::list_reported(conn, after, limit)?,
                ReviewQueue::Removed => store::reviews::reports::list_removed(conn, after, limit)?,
            };
            let mut page = Page::cut(rows, limit, |case| Position {
                key: key_in(queue, case).unwrap_or(case.review.created_at),
                id: case.review.id.uuid(),
            });
            name_people(conn, page.items.iter_mut().map(|case| &mut case.review))?;
            Ok(page)
        })
    }

    /// Makes a decision so: of the review, of what its subject's come to, and of its reports.
    fn carry_out(
        &self,
        tx: &mut Tx<'_>,
        review: &Review,
        decided: &Decided,
        request_id: &str,
    ) -> Result<(), Error> {
        let (event, action, answer) = match decided.outcome {
            DecisionOutcome::Kept => ("review.kept", None, "review_report.dismissed"),
            DecisionOutcome::Removed => {
                ("review.removed", Some(ReviewAction::Remove), "review_report.upheld")
            }
            DecisionOutcome::Restored => {
                ("review.restored", Some(ReviewAction::Restore), "review_report.dismissed")
            }
        };
        if let Some(action) = action {
            if !store::reviews::judge(tx.conn(), review, action, decided.at)? {
                return Err(Error::Stale);
            }
            let status = review.status.after(action).unwrap_or(review.status);
            let after = Review { status, version: review.version + 1, ..review.clone() };
            trail::review(tx, Some(review), &after);
            self.rate_in_directory(tx, std::slice::from_ref(review))?;
        }
        let answered = store::reviews::reports::decide(tx.conn(), decided)?;
        trail::decided(tx, decided);
        events::review(tx, event, request_id, review);
        for report in answered {
            events::report_answered(tx, answer, request_id, review.id, report);
        }
        Ok(())
    }

    /// Lets nobody report more than so much in a day.
    fn check_rate(&self, tx: &mut Tx<'_>, reporter: PartyId, now: Instant) -> Result<(), Error> {
        let day = TimeDelta::hours(REPORT_HOURS);
        let since = now.checked_sub_signed(day).unwrap_or(now);
        let times = store::reviews::reports::times_of(tx.conn(), reporter, since)?;
        let most = usize::from(self.settings.review_reports_a_day);
        if times.len() < most {
            return Ok(());
        }
        // The next is taken when so many have become older than a day that there is room for one.
        let leaves = times.get(times.len() - most).map_or(now, |first| *first);
        let wait = leaves.signed_duration_since(since).num_seconds() + 1;
        Err(Error::TooManyReports { retry_after: u32::try_from(wait).unwrap_or(1) })
    }
}

fn key_in(queue: ReviewQueue, case: &ReviewCase) -> Option<Instant> {
    match queue {
        ReviewQueue::Reported => case.reported_at,
        ReviewQueue::Removed => case.review.removal.as_ref().map(|removal| removal.at),
    }
}

fn already_reported(error: database::Error) -> Error {
    if error.is_unique("one_report_each") { Error::AlreadyReported } else { Error::Database(error) }
}
