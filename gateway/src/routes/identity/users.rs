//! `/api/users/profile`: one's own profile.

use chrono::{DateTime, Utc};
use identity::{ContractorProfile, Profile, ProfileForm, ProfilePatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::change::Change;
use super::mfa::step_up_required;
use super::views::{GeoPointView, PersonView};
use crate::{Body, Context, Operation, Problem, Reply, SignedIn, Who, error};

/// A change of one's own profile. What is not named stays; `null` removes.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileChange {
    /// Another e-mail address, which takes `POST /api/auth/step-up` first. It counts once the token from the mail to it is sent to `verify-email`; until then it is `pendingEmail`. Another
    /// one takes its place, and the present one takes it back.
    #[schema(nullable = false, min_length = 3, max_length = 320)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The full name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 120)]
    #[serde(default, skip_serializing_if = "Change::is_absent")]
    pub name: Change<String>,
    /// The phone number; without a country code it is taken to be one of the server's country. It is kept as E.164 writes it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40)]
    #[serde(default, skip_serializing_if = "Change::is_absent")]
    pub phone: Change<String>,
    /// The IANA time zone.
    #[schema(nullable = false, min_length = 1, max_length = 64)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The exact place. Others see a point of a grid of about 1 km.
    #[schema(value_type = Option<GeoPointView>)]
    #[serde(default, skip_serializing_if = "Change::is_absent")]
    pub location: Change<GeoPointView>,
    /// Contractors only: a line below the name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 120)]
    #[serde(default, skip_serializing_if = "Change::is_absent")]
    pub headline: Change<String>,
    /// Contractors only: a longer text.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4000)]
    #[serde(default, skip_serializing_if = "Change::is_absent")]
    pub bio: Change<String>,
    /// Contractors only: all trades, by their slugs in the catalogue that `category` of a job is from.
    #[schema(nullable = false, max_items = 30)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trades: Option<Vec<ProfileSlug>>,
    /// Contractors only: all skills, as lower-case words joined by `_` or `-`.
    #[schema(nullable = false, max_items = 30)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills: Option<Vec<ProfileSlug>>,
    /// Contractors only: how far from the place the contractor goes, in kilometres.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 20000)]
    #[serde(default, skip_serializing_if = "Change::is_absent")]
    pub service_radius_km: Change<i32>,
}

/// One's own profile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileView {
    /// The account.
    pub user: PersonView,
    /// The e-mail address that was asked for and is not proved yet; null when there is none.
    pub pending_email: Option<String>,
    /// The exact place, which nobody else sees.
    pub location: Option<GeoPointView>,
    /// What a contractor says of itself; null for everybody else.
    pub contractor: Option<ProfileContractorView>,
    /// When the profile was changed last.
    pub updated_at: DateTime<Utc>,
}

/// What a contractor says of itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileContractorView {
    /// A line below the name.
    pub headline: Option<String>,
    /// A longer text.
    pub bio: Option<String>,
    /// The trades worked in.
    pub trades: Vec<String>,
    /// What the contractor is good at.
    pub skills: Vec<String>,
    /// How far from the place the contractor goes, in kilometres.
    pub service_radius_km: Option<i32>,
    /// The place as others see it.
    pub public_point: Option<GeoPointView>,
}

/// A trade or a skill: lower-case words joined by `_` or `-`.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9]+([_-][a-z0-9]+)*$")]
pub struct ProfileSlug(pub String);

/// One's own profile.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/users/profile")
            .summary("Get one's own profile")
            .description("With what others do not see, such as the time zone. Its `ETag` is what a change takes as `If-Match`.")
            .by(Who::SignedIn)
            .answers::<ProfileView>(200, "The profile.", example())
            .to(get_profile),
        Operation::patch("/api/users/profile")
            .summary("Change one's own profile")
            .description("What is not named stays, `null` removes. A place is snapped once to the grid that others see. Another e-mail address takes a step-up, and gets a mail with a token, and the present one a notice; signing in, and all else, goes by the present one until the token is sent to `POST /api/auth/verify-email`. Whether somebody has the address is not told here.")
            .by(Who::SignedIn)
            .if_match()
            .body::<ProfileChange>(ProfileChange {
                headline: Change::Set("Tiles that stay".to_owned()),
                location: Change::Set(GeoPointView { lat: 30.267_153, lng: -97.743_057 }),
                trades: Some(vec![ProfileSlug("tiling".to_owned())]),
                service_radius_km: Change::Set(40),
                ..ProfileChange::default()
            })
            .answers::<ProfileView>(200, "The profile as it is now.", example())
            .errors(&[step_up_required(), error(429, "too_many_mails", "Too many addresses were asked for.")])
            .to(update_profile),
    ]
}

async fn get_profile(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    let profile = context.read(move |queries| queries.identity.get_profile(&actor)).await?;
    Ok(reply(profile))
}

async fn update_profile(
    context: Context,
    actor: SignedIn,
    body: Body<ProfileChange>,
) -> Result<Reply, Problem> {
    let (form, expected) = (ProfileForm::from(body.into_inner()), context.expected_version()?);
    let update = move |commands: &platform::Commands| {
        let patch = ProfilePatch::new(&form, actor.role, commands.identity.settings())?;
        let patch = match expected {
            Some(version) => patch.if_version(version),
            None => patch,
        };
        commands.identity.update_profile(&actor, patch)
    };
    context.command(update, reply).await
}

fn reply(profile: Profile) -> Reply {
    let version = profile.person.version;
    Reply::ok(&ProfileView::from(profile)).version(version)
}

impl From<ProfileChange> for ProfileForm {
    fn from(body: ProfileChange) -> Self {
        let slugs = |list: Vec<ProfileSlug>| list.into_iter().map(|ProfileSlug(slug)| slug).collect();
        Self {
            email: body.email,
            name: body.name.into(),
            phone: body.phone.into(),
            time_zone: body.time_zone,
            location: body.location.to(|point| (point.lat, point.lng)),
            headline: body.headline.into(),
            bio: body.bio.into(),
            trades: body.trades.map(slugs),
            skills: body.skills.map(slugs),
            service_radius_km: body.service_radius_km.into(),
        }
    }
}

impl From<Profile> for ProfileView {
    fn from(profile: Profile) -> Self {
        Self {
            pending_email: profile.pending_email,
            location: profile.person.location.map(GeoPointView::from),
            updated_at: profile.person.updated_at,
            contractor: profile.contractor.map(ProfileContractorView::from),
            user: profile.person.into(),
        }
    }
}

impl From<ContractorProfile> for ProfileContractorView {
    fn from(profile: ContractorProfile) -> Self {
        Self {
            headline: profile.headline,
            bio: profile.bio,
            trades: profile.trades,
            skills: profile.skills,
            service_radius_km: profile.service_radius_km,
            public_point: profile.public_point.map(GeoPointView::from),
        }
    }
}

impl ProfileContractorView {
    /// An example for the document.
    #[must_use]
    pub fn example() -> Self {
        Self {
            headline: Some("Tiles that stay".to_owned()),
            bio: Some("Twenty years of wet rooms.".to_owned()),
            trades: vec!["tiling".to_owned()],
            skills: vec!["wet-rooms".to_owned()],
            service_radius_km: Some(40),
            public_point: Some(GeoPointView { lat: 30.265, lng: -97.742_268 }),
        }
    }
}

fn example() -> ProfileView {
    ProfileView {
        user: PersonView::example(),
        pending_email: None,
        location: Some(GeoPointView { lat: 30.267_153, lng: -97.743_057 }),
        contractor: Some(ProfileContractorView::example()),
        updated_at: DateTime::UNIX_EPOCH,
    }
}
