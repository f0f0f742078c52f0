//! The rows of the directory, and how they are kept. How they are found is in [`search`].

mod search;

use std::collections::HashMap;

use database::{Error, PgConnection};
use diesel::pg::Pg;
use diesel::prelude::*;
use identity::geo::GeoPoint;
use identity::{ApprovedPapers, ContractorFacts};
use kernel::{Instant, PartyId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::Rank;
use crate::schema::directory;

pub(crate) use search::list;

/// What is kept of a contractor.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = directory, check_for_backend(Pg), treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct DirectoryRow {
    party_id: Uuid,
    listed: bool,
    display_name: String,
    headline: Option<String>,
    trades: Vec<String>,
    skills: Vec<String>,
    public_latitude: Option<f64>,
    public_longitude: Option<f64>,
    service_radius_km: Option<i32>,
    member_since: Instant,
    reviews: i32,
    rating_mean: Option<i32>,
    rating_rank: i32,
    checked_at: Option<Instant>,
    valid_until: Option<Instant>,
    checked: Value,
    named: String,
    told: String,
}

impl DirectoryRow {
    /// A contractor as identity and the reviews have it.
    pub(crate) fn of(facts: &ContractorFacts, rank: Rank) -> Self {
        let profile = &facts.profile;
        let said = [&profile.trades[..], &profile.skills[..]].concat().join(" ").replace(['-', '_'], " ");
        let headline = profile.headline.as_deref().unwrap_or_default();
        Self {
            party_id: facts.id.uuid(),
            listed: !facts.suspended,
            display_name: facts.display_name.clone(),
            headline: profile.headline.clone(),
            trades: profile.trades.clone(),
            skills: profile.skills.clone(),
            public_latitude: profile.public_point.map(GeoPoint::lat),
            public_longitude: profile.public_point.map(GeoPoint::lng),
            service_radius_km: profile.service_radius_km,
            member_since: facts.member_since,
            reviews: rank.reviews,
            rating_mean: rank.mean,
            rating_rank: rank.bayesian,
            checked_at: facts.approved.as_ref().map(|papers| papers.checked_at),
            valid_until: facts.approved.as_ref().map(|papers| papers.valid_until),
            checked: facts.approved.as_ref().map_or_else(|| json!([]), checked),
            named: format!("{} {headline} {said}", facts.display_name),
            told: profile.bio.clone().unwrap_or_default(),
        }
    }

    /// Room for a contractor, found by nobody.
    fn empty(party: PartyId, now: Instant) -> Self {
        Self {
            party_id: party.uuid(),
            listed: false,
            display_name: String::new(),
            headline: None,
            trades: Vec::new(),
            skills: Vec::new(),
            public_latitude: None,
            public_longitude: None,
            service_radius_km: None,
            member_since: now,
            reviews: 0,
            rating_mean: None,
            rating_rank: 0,
            checked_at: None,
            valid_until: None,
            checked: json!([]),
            named: String::new(),
            told: String::new(),
        }
    }
}

/// As [`search`] reads it, there and in SQL.
fn checked(papers: &ApprovedPapers) -> Value {
    let each = papers.credentials.iter().map(|(credential, until)| {
        json!({
            "kind": credential.kind.as_str(),
            "trade": credential.trade,
            "place": credential.place,
            "expires_on": credential.expires_on,
            "until": until,
        })
    });
    Value::Array(each.collect())
}

/// The rows of these contractors, made where there are none, and kept from changing until the transaction ends. Facts that are read after this
/// are not older than what another transaction has written here.
pub(crate) fn lock(
    conn: &mut PgConnection,
    contractors: &[PartyId],
    now: Instant,
) -> Result<HashMap<PartyId, DirectoryRow>, Error> {
    let mut ids: Vec<PartyId> = contractors.to_vec();
    // In one order everywhere, so that two transactions do not wait for each other.
    ids.sort_unstable();
    ids.dedup();
    let rooms: Vec<DirectoryRow> = ids.iter().map(|id| DirectoryRow::empty(*id, now)).collect();
    diesel::insert_into(directory::table).values(rooms).on_conflict_do_nothing().execute(conn)?;
    let rows: Vec<DirectoryRow> = directory::table
        .filter(directory::party_id.eq_any(&ids))
        .order(directory::party_id)
        .select(DirectoryRow::as_select())
        .for_no_key_update()
        .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.party_id.into(), row)).collect())
}

/// Writes a locked row anew.
pub(crate) fn update(conn: &mut PgConnection, row: &DirectoryRow) -> Result<(), Error> {
    diesel::update(directory::table.find(row.party_id)).set(row).execute(conn)?;
    Ok(())
}

/// Takes somebody out, if they are in.
pub(crate) fn remove(conn: &mut PgConnection, party: PartyId) -> Result<(), Error> {
    diesel::delete(directory::table.find(party.uuid())).execute(conn)?;
    Ok(())
}

/// Keeps what somebody's published reviews come to; whoever is no contractor is not in.
pub(crate) fn rate(conn: &mut PgConnection, party: PartyId, rank: Rank) -> Result<(), Error> {
    diesel::update(directory::table.find(party.uuid()))
        .set((
            directory::reviews.eq(rank.reviews),
            directory::rating_mean.eq(rank.mean),
            directory::rating_rank.eq(rank.bayesian),
        ))
        .execute(conn)?;
    Ok(())
}
