//! What other crates are told of people.

use identity::geo::{GeoPoint, snap_to_grid};
use identity::{IdentityCommands, IdentityQueries, Patch, ProfileForm, ProfilePatch};
use kernel::{PartyId, PersonId, Role, SessionId};
use uuid::Uuid;

use crate::world::{World, actor, party};

#[test]
fn cards_come_for_everybody_who_is_there() {
    let world = World::new();
    let admin = world.admin();
    let homeowner = actor(&world.register("ada@example.com", "homeowner"));
    let contractor = world.verified_contractor("bob@example.com", &admin, "2090-01-01");
    let form = ProfileForm { location: Patch::Set((30.2, -97.7)), ..ProfileForm::default() };
    let patch = ProfilePatch::new(&form, contractor.role, &world.settings).unwrap();
    world.service.update_profile(&contractor, patch).unwrap();

    let stranger = PartyId::from(Uuid::now_v7());
    let ids = [homeowner.party, contractor.party, stranger, homeowner.party];
    let cards = world.db().read(|conn| identity::cards(conn, &ids)).unwrap();
    assert_eq!(cards.len(), 2);
    let ada = &cards[&homeowner.party];
    assert_eq!(
        (ada.role, ada.first_name.as_str(), ada.display_name.as_str()),
        (Role::Homeowner, "Ada", "Ada L.")
    );
    assert_eq!((ada.verified_contractor, ada.public_point), (false, None));
    let bob = &cards[&party(&contractor)];
    assert!(bob.verified_contractor);
    assert_eq!(bob.public_point, Some(snap_to_grid(GeoPoint::new(30.2, -97.7).unwrap())));
    assert!(world.db().read(|conn| identity::cards(conn, &[])).unwrap().is_empty());
}

#[test]
fn a_contact_tells_how_to_write_to_a_person() {
    let world = World::new();
    let signed_in = world.register("Ada@example.com", "homeowner");
    let contact = world.db().read(|conn| identity::contact(conn, signed_in.person.id)).unwrap().unwrap();
    assert_eq!(
        (contact.email.as_str(), contact.full_name.as_str(), contact.first_name.as_str()),
        ("Ada@example.com", "Ada Lovelace", "Ada")
    );
    assert_eq!(
        (contact.email_verified, contact.time_zone.as_str(), contact.role),
        (false, "UTC", Role::Homeowner)
    );
    assert_eq!(world.db().read(|conn| identity::contact(conn, PersonId::new())).unwrap(), None);
}

#[test]
fn only_living_sessions_are_told_of() {
    let world = World::new();
    let (alive, left, suspended) = (
        world.register("ada@example.com", "homeowner"),
        world.register("bob@example.com", "contractor"),
        world.register("eve@example.com", "homeowner"),
    );
    world.service.logout(&actor(&left)).unwrap();
    world.suspend(suspended.person.id);
    let ids = [alive.session, left.session, suspended.session, SessionId::new(), alive.session];
    let live = world.db().read(|conn| identity::live_sessions(conn, &ids)).unwrap();
    assert_eq!(live.len(), 1);
    let session = &live[&alive.session];
    assert_eq!(
        (session.person, session.role, session.email_verified),
        (alive.person.id, Role::Homeowner, false)
    );
    world.advance(30 * 86_400);
    assert!(world.db().read(|conn| identity::live_sessions(conn, &ids)).unwrap().is_empty());
}

#[test]
fn a_suspended_administrator_decides_nothing_more() {
    let world = World::new();
    let admin = world.admin();
    assert_eq!(world.db().read(identity::administrators).unwrap().len(), 1);
    world.suspend(admin.person.unwrap());
    assert!(world.db().read(identity::administrators).unwrap().is_empty());
    assert!(world.service.get_me(&admin).is_ok());
}
