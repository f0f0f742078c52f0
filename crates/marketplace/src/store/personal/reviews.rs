//! The same of reviews, replies to them, reports and decisions.

use database::{Error, PgConnection};
use diesel::prelude::*;
use identity::Traces;
use kernel::PartyId;
use uuid::Uuid;

use crate::schema::{review_decisions, review_reports, reviews};

/// The words of a party's reviews, replies and reports go; stars, days and kinds stay.
pub(crate) fn blank(conn: &mut PgConnection, party: PartyId) -> Result<(), Error> {
    diesel::update(reviews::table.filter(reviews::author_id.eq(party).and(reviews::body.is_not_null())))
        .set(reviews::body.eq(None::<String>))
        .execute(conn)?;
    diesel::update(reviews::table.filter(reviews::subject_id.eq(party).and(reviews::reply.is_not_null())))
        .set(reviews::reply.eq(None::<String>))
        .execute(conn)?;
    let own = review_reports::reporter_id.eq(party).and(review_reports::note.is_not_null());
    diesel::update(review_reports::table.filter(own))
        .set(review_reports::note.eq(None::<String>))
        .execute(conn)?;
    Ok(())
}

/// Takes a party's traces out of the reviews about it, the replies to its own, and what was reported and decided about either.
pub(crate) fn efface(conn: &mut PgConnection, party: PartyId, traces: &Traces) -> Result<(), Error> {
    type Row = (Uuid, Option<String>, Option<String>);
    let rows: Vec<Row> = reviews::table
        .filter(reviews::subject_id.eq(party).or(reviews::author_id.eq(party)))
        .select((reviews::id, reviews::body, reviews::reply))
        .load(conn)?;
    for (id, body, reply) in &rows {
        let new_body = body.as_deref().and_then(|text| traces.efface(text));
        let new_reply = reply.as_deref().and_then(|text| traces.efface(text));
        if new_body.is_none() && new_reply.is_none() {
            continue;
        }
        diesel::update(reviews::table.find(id))
            .set((
                reviews::body.eq(new_body.or_else(|| body.clone())),
                reviews::reply.eq(new_reply.or_else(|| reply.clone())),
            ))
            .execute(conn)?;
    }
    let concerned: Vec<Uuid> = rows.into_iter().map(|(id, ..)| id).collect();
    efface_notes(conn, &concerned, traces)?;
    efface_decisions(conn, &concerned, traces)
}

fn efface_notes(conn: &mut PgConnection, concerned: &[Uuid], traces: &Traces) -> Result<(), Error> {
    let notes: Vec<(Uuid, Option<String>)> = review_reports::table
        .filter(review_reports::review_id.eq_any(concerned).and(review_reports::note.is_not_null()))
        .select((review_reports::id, review_reports::note))
        .load(conn)?;
    for (id, note) in notes {
        if let Some(without) = note.as_deref().and_then(|note| traces.efface(note)) {
            diesel::update(review_reports::table.find(id))
                .set(review_reports::note.eq(without))
                .execute(conn)?;
        }
    }
    Ok(())
}

fn efface_decisions(conn: &mut PgConnection, concerned: &[Uuid], traces: &Traces) -> Result<(), Error> {
    let reasons: Vec<(Uuid, String)> = review_decisions::table
        .filter(review_decisions::review_id.eq_any(concerned))
        .select((review_decisions::id, review_decisions::reason))
        .load(conn)?;
    for (id, reason) in reasons {
        if let Some(without) = traces.efface(&reason) {
            diesel::update(review_decisions::table.find(id))
                .set(review_decisions::reason.eq(without))
                .execute(conn)?;
        }
    }
    Ok(())
}
