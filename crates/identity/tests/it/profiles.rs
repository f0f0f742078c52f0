//! Profiles: one's own, and what others see of a contractor.

use identity::geo::{GeoPoint, snap_to_grid};
use identity::{Error, IdentityCommands, IdentityQueries, Patch, Profile, ProfileForm, ProfilePatch};
use kernel::{Actor, PartyId};

use crate::world::{World, actor};

const HOUSE: (f64, f64) = (30.267_153, -97.743_057);

fn change(world: &World, actor: &Actor, form: &ProfileForm) -> Result<Profile, Error> {
    world.service.update_profile(actor, ProfilePatch::new(form, actor.role, &world.settings).unwrap())
}

fn whole_form() -> ProfileForm {
    ProfileForm {
        name: Patch::Set("Grace  Brewster Hopper".to_owned()),
        phone: Patch::Set("+1 (512) 555-0100".to_owned()),
        time_zone: Some("America/Chicago".to_owned()),
        location: Patch::Set(HOUSE),
        headline: Patch::Set("Tiles that stay".to_owned()),
        bio: Patch::Set("Twenty years\nof tiles.".to_owned()),
        trades: Some(vec!["tiling".to_owned(), "plumbing".to_owned()]),
        skills: Some(vec!["wet-rooms".to_owned()]),
        service_radius_km: Patch::Set(40),
        ..ProfileForm::default()
    }
}

#[test]
fn a_contractor_fills_in_a_profile() {
    let world = World::new();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    let before = world.service.get_profile(&contractor).unwrap();
    let profile = change(&world, &contractor, &whole_form()).unwrap();
    assert_eq!(profile, world.service.get_profile(&contractor).unwrap());
    assert_eq!(profile.person.version, before.person.version + 1);
    assert_eq!(profile.person.name.as_deref(), Some("Grace Brewster Hopper"));
    assert_eq!(profile.person.phone.as_deref(), Some("+15125550100"));
    assert_eq!(profile.person.time_zone, "America/Chicago");
    let house = GeoPoint::new(HOUSE.0, HOUSE.1).unwrap();
    assert_eq!(profile.person.location, Some(house));
    let page = profile.contractor.unwrap();
    assert_eq!(page.trades, ["tiling", "plumbing"]);
    assert_eq!(page.service_radius_km, Some(40));
    assert_eq!(page.public_point, Some(snap_to_grid(house)));
}

#[test]
fn what_is_not_named_stays_and_what_is_cleared_goes() {
    let world = World::new();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    change(&world, &contractor, &whole_form()).unwrap();
    let form = ProfileForm {
        phone: Patch::Clear,
        bio: Patch::Clear,
        location: Patch::Clear,
        ..ProfileForm::default()
    };
    let profile = change(&world, &contractor, &form).unwrap();
    assert_eq!(profile.person.phone, None);
    assert_eq!(profile.person.location, None);
    assert_eq!(profile.person.name.as_deref(), Some("Grace Brewster Hopper"));
    let page = profile.contractor.unwrap();
    assert_eq!((page.bio, page.public_point), (None, None));
    assert_eq!(page.headline.as_deref(), Some("Tiles that stay"));
}

#[test]
fn a_change_that_changes_nothing_is_no_new_version() {
    let world = World::new();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    let once = change(&world, &contractor, &whole_form()).unwrap();
    let twice = change(&world, &contractor, &whole_form()).unwrap();
    assert_eq!(once, twice);
}

#[test]
fn a_homeowner_has_a_profile_without_a_page() {
    let world = World::new();
    let homeowner = actor(&world.register("ada@example.com", "homeowner"));
    let form = ProfileForm { name: Patch::Set("Ada Byron".to_owned()), ..ProfileForm::default() };
    let profile = change(&world, &homeowner, &form).unwrap();
    assert_eq!((profile.person.name.as_deref(), profile.contractor), (Some("Ada Byron"), None));
    assert!(ProfilePatch::new(&whole_form(), homeowner.role, &world.settings).is_err());
    assert!(matches!(world.service.get_contractor(homeowner.party), Err(Error::NotFound(_))));
}

#[test]
fn of_two_changes_to_one_version_the_second_is_stale() {
    let world = World::new();
    let homeowner = actor(&world.register("ada@example.com", "homeowner"));
    let read = world.service.get_profile(&homeowner).unwrap().person.version;
    let patch = |name: &str| {
        let form = ProfileForm { name: Patch::Set(name.to_owned()), ..ProfileForm::default() };
        ProfilePatch::new(&form, homeowner.role, &world.settings).unwrap().if_version(read.into())
    };
    assert!(world.service.update_profile(&homeowner, patch("Ada Byron")).is_ok());
    assert!(matches!(world.service.update_profile(&homeowner, patch("Ada King")), Err(Error::Stale)));
    assert_eq!(world.service.get_profile(&homeowner).unwrap().person.name.as_deref(), Some("Ada Byron"));
}

#[test]
fn the_public_profile_shows_nothing_that_is_protected() {
    let world = World::new();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    change(&world, &contractor, &whole_form()).unwrap();
    let public = world.service.get_contractor(contractor.party).unwrap();
    assert_eq!(public.display_name, "Grace H.");
    assert!(!public.verified);
    assert_eq!(public.verified_at, None);
    assert!(public.credentials.is_empty());
    let shown = format!("{public:?}");
    for protected in ["bob@", "5550100", "Hopper", "Brewster", "30.267153", "-97.743057"] {
        assert!(!shown.contains(protected), "{protected} in {shown}");
    }
}

#[test]
fn a_suspended_or_missing_contractor_is_not_shown() {
    let world = World::new();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    world.suspend(contractor.person.unwrap());
    assert!(matches!(world.service.get_contractor(contractor.party), Err(Error::NotFound(_))));
    let nobody = PartyId::from(uuid::Uuid::now_v7());
    assert!(matches!(world.service.get_contractor(nobody), Err(Error::NotFound(_))));
}

#[test]
fn the_system_has_no_profile() {
    let world = World::new();
    assert!(matches!(world.service.get_profile(&Actor::system("r")), Err(Error::SignedOut)));
    let patch = ProfilePatch::new(&ProfileForm::default(), kernel::Role::Admin, &world.settings).unwrap();
    assert!(matches!(world.service.update_profile(&Actor::system("r"), patch), Err(Error::SignedOut)));
}
