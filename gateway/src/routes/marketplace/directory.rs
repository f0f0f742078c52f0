//! `/api/contractors`: the directory, for everybody.

use chrono::{DateTime, Utc};
use kernel::{PartyId, TypedId};
use marketplace::{CheckedPapers, ContractorCard, DirectoryFilter, DirectoryForm, Rank, rules};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::job_views::JobPoint;
use super::refused_parameters;
use super::words::{DirectoryOrderWord, PartyRef, Word};
use crate::routes::identity::contractors::{ProfilePublicCredential, ProfilePublicVerification};
use crate::routes::identity::users::ProfileSlug;
use crate::{Context, Operation, Paging, Problem, Query, Reply};

/// Which contractors are wanted.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractorFilter {
    /// Only those who work in this trade, by their own word; with `verified=true` those whose licence for it was checked.
    pub trade: Option<ProfileSlug>,
    /// Only those who say that they have all of these skills.
    #[schema(max_items = 10)]
    #[serde(default)]
    pub skills: Vec<ProfileSlug>,
    /// Where somebody is needed, degrees north; goes with `lng`. Only those who come there are listed.
    #[schema(minimum = -90, maximum = 90)]
    pub lat: Option<f64>,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    pub lng: Option<f64>,
    /// How far around that place, in kilometres; 50 without it. A contractor's own radius may be smaller, and then counts.
    #[schema(minimum = 1, maximum = 500)]
    pub radius: Option<i64>,
    /// Words, all of which the name, the headline, the trades, the skills or the longer text has, or the trade or skill that they mean; forms of a word,
    /// typing mistakes and accents do not matter, `"…"` is a phrase and `-word` leaves out.
    #[schema(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// Only those whose reviews have at least this mean; who has none is left out.
    #[schema(minimum = 1, maximum = 5)]
    pub min_rating: Option<f64>,
    /// Only those whose licence and insurance were checked and hold, or only the others.
    pub verified: Option<bool>,
    /// In which order; `relevance` with words, else `rating` when it is not said.
    pub sort: Option<DirectoryOrderWord>,
}

impl ContractorFilter {
    /// # Errors
    /// Every fault, each named by its parameter.
    fn filter(self) -> Result<DirectoryFilter, Problem> {
        let form = DirectoryForm {
            trade: self.trade.map(|ProfileSlug(slug)| slug),
            skills: self.skills.into_iter().map(|ProfileSlug(slug)| slug).collect(),
            lat: self.lat,
            lng: self.lng,
            radius: self.radius,
            q: self.q,
            min_rating: self.min_rating,
            verified: self.verified,
            sort: self.sort.map(|Word(order)| order),
        };
        DirectoryFilter::new(&form).map_err(refused_parameters)
    }
}

/// A contractor in the directory.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractorCardView {
    /// The contractor.
    pub id: PartyRef,
    /// The first name and an initial.
    pub display_name: String,
    /// The line below the name.
    pub headline: Option<String>,
    /// The trades worked in, by the contractor's own word.
    pub trades: Vec<String>,
    /// The first ten of the skills that the contractor says to have.
    pub skills: Vec<String>,
    /// A point on a grid of about 1 km; the contractor is somewhere around. Null when there is no place.
    pub point: Option<JobPoint>,
    /// How far from there the contractor goes, in kilometres; null when nothing is said.
    pub service_radius_km: Option<i32>,
    /// How far that point is from the place that was asked for, in kilometres; null when none was.
    pub distance_km: Option<f64>,
    /// What the published reviews come to.
    pub rating: ContractorRating,
    /// Whether an administrator has checked licence and insurance, and both hold now.
    pub verified: bool,
    /// What was checked, when, and until when it holds; null unless it does.
    pub verification: Option<ProfilePublicVerification>,
    /// Since when the contractor has an account.
    pub member_since: DateTime<Utc>,
}

/// What the published reviews of a contractor come to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractorRating {
    /// How many reviews.
    pub count: i32,
    /// The mean of their ratings; null without reviews.
    pub mean: Option<f64>,
    /// The mean pulled towards what is usual, the more so the fewer reviews there are: what is ranked by.
    pub bayesian_mean: f64,
}

/// The directory.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/contractors")
            .summary("Find contractors")
            .description(
                "For everybody. Trades, skills and texts are the contractor's own word; `verification` is what an administrator checked, and \
                 ends with the instant at which the papers do. Distances are from a point on a grid of about 1 km. What is new since the \
                 first page neither moves nor repeats what the next pages hold.",
            )
            .query::<ContractorFilter>()
            .lists::<ContractorCardView>("Contractors, in the order asked for.", ContractorCardView::example())
            .to(list_contractors),
    ]
}

async fn list_contractors(
    context: Context,
    filter: Query<ContractorFilter>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let filter = filter.0.filter()?;
    let page =
        context.read(move |queries| queries.marketplace.list_contractors(&filter, after, limit)).await?;
    Ok(paging.reply(page, ContractorCardView::from))
}

/// Skills shown of each.
const SKILLS_SHOWN: usize = 10;

/// A hundred metres more or less say nothing of a point that is about 1 km from the place.
const METRES_SHOWN: i32 = 100;

/// Metres as they are shown.
pub(super) fn kilometres(metres: i32) -> f64 {
    f64::from((metres + METRES_SHOWN / 2) / METRES_SHOWN) / 10.0
}

impl From<ContractorCard> for ContractorCardView {
    fn from(card: ContractorCard) -> Self {
        Self {
            id: card.id.into(),
            display_name: card.display_name,
            headline: card.headline,
            trades: card.trades,
            skills: card.skills.into_iter().take(SKILLS_SHOWN).collect(),
            point: card.point.map(JobPoint::from),
            service_radius_km: card.service_radius_km,
            distance_km: card.metres.map(kilometres),
            rating: card.rating.into(),
            verified: card.checked.is_some(),
            verification: card.checked.map(ProfilePublicVerification::from),
            member_since: card.member_since,
        }
    }
}

impl From<Rank> for ContractorRating {
    fn from(rank: Rank) -> Self {
        Self {
            count: rank.reviews,
            mean: rank.mean.map(rules::stars),
            bayesian_mean: rules::stars(rank.bayesian),
        }
    }
}

impl From<CheckedPapers> for ProfilePublicVerification {
    fn from(papers: CheckedPapers) -> Self {
        Self {
            checked_at: papers.checked_at,
            valid_until: papers.valid_until,
            credentials: papers.credentials.into_iter().map(ProfilePublicCredential::from).collect(),
        }
    }
}

impl ContractorCardView {
    fn example() -> Self {
        Self {
            id: PartyId::from_uuid(Uuid::nil()).into(),
            display_name: "Bob M.".to_owned(),
            headline: Some("Tiles that stay".to_owned()),
            trades: vec!["tiling".to_owned()],
            skills: vec!["bathroom_tiling".to_owned()],
            point: Some(JobPoint { lat: 30.265, lng: -97.740_506 }),
            service_radius_km: Some(40),
            distance_km: Some(3.2),
            rating: ContractorRating { count: 1, mean: Some(5.0), bayesian_mean: 4.17 },
            verified: true,
            verification: Some(ProfilePublicVerification {
                checked_at: DateTime::UNIX_EPOCH,
                valid_until: DateTime::UNIX_EPOCH,
                credentials: Vec::new(),
            }),
            member_since: DateTime::UNIX_EPOCH,
        }
    }
}
