//! Registering, proving an address, making administrators.

use identity::{
    Error, IdentityCommands, IdentityQueries, LinkPurpose, LinkTokenId, NewAdmin, Registration,
    RegistrationForm, link_token,
};
use kernel::{PersonId, Role};
use secrecy::{ExposeSecret, SecretString};

use crate::world::{PASSWORD, World, actor, caller, form};

#[test]
fn registering_makes_an_account_a_session_and_a_mail() {
    let world = World::new();
    let signed_in = world.register("Ada@Example.com", "Customer");
    let person = &signed_in.person;
    assert_eq!(
        (person.email.as_str(), person.role, person.email_verified_at),
        ("Ada@Example.com", Role::Homeowner, None)
    );
    assert_eq!(person.time_zone, "UTC");

    let me = world.service.authenticate(signed_in.access.token.expose_secret(), "req-9").unwrap();
    assert_eq!((me.person, me.role, me.email_verified), (Some(person.id), Role::Homeowner, false));

    let [registered] = world.events("person.registered").try_into().unwrap();
    assert_eq!(registered["personId"], person.id.to_string());
    assert_eq!(registered["role"], "HOMEOWNER");
    assert_eq!(world.events("email.verification_requested").len(), 1);
}

#[test]
fn every_user_type_is_taken_in_any_case_but_administrators_are_not_registered() {
    let world = World::new();
    let policy = world.service.password_policy();
    for (user_type, role) in [
        ("customer", Some(Role::Homeowner)),
        ("HOMEOWNER", Some(Role::Homeowner)),
        ("Contractor", Some(Role::Contractor)),
        ("admin", None),
        ("ADMIN", None),
        ("", None),
    ] {
        let registration = Registration::new(&form(&format!("{user_type}@example.com"), user_type), &policy);
        match role {
            Some(role) => {
                assert_eq!(
                    world.service.register(&caller("192.0.2.1"), registration.unwrap()).unwrap().person.role,
                    role
                );
            }
            None => assert!(registration.is_err(), "{user_type}"),
        }
    }
    assert_eq!(world.database.count("identity.contractor_profiles"), 1);
}

#[test]
fn every_fault_of_a_registration_is_named_at_once() {
    let world = World::new();
    let bad = RegistrationForm {
        email: "nobody".to_owned(),
        password: SecretString::from("password1"),
        user_type: "plumber".to_owned(),
        name: Some("\u{7}".to_owned()),
        phone: Some("12".to_owned()),
        time_zone: Some("Nowhere".to_owned()),
    };
    let faults = Registration::new(&bad, &world.service.password_policy()).unwrap_err().into_vec();
    let mut places: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["/email", "/name", "/password", "/phone", "/timeZone", "/userType"]);
}

#[test]
fn an_address_registers_once_however_it_is_written() {
    let world = World::new();
    world.register("Jos\u{e9}@Example.com", "homeowner");
    for again in ["jos\u{e9}@example.com", "JOSE\u{301}@EXAMPLE.COM", " jos\u{e9}@example.com "] {
        let result = world.service.register(&caller("192.0.2.1"), world.registration(again, "contractor"));
        assert!(matches!(result, Err(Error::EmailInUse)), "{again}");
    }
    assert_eq!(world.database.count("identity.people"), 1);
    assert_eq!(world.database.count("outbox.events WHERE name = 'person.registered'"), 1);
}

#[test]
fn of_two_registrations_at_once_one_makes_the_account() {
    let world = World::new();
    for round in 0..5 {
        let registration = world.registration(&format!("ada{round}@example.com"), "homeowner");
        let won = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| world.service.register(&caller("192.0.2.1"), registration.clone())))
                .collect();
            tries
                .into_iter()
                .map(|each| each.join().unwrap())
                .filter(|result| match result {
                    Ok(_) => true,
                    Err(Error::EmailInUse) => false,
                    Err(other) => panic!("{other}"),
                })
                .count()
        });
        assert_eq!(won, 1);
    }
    assert_eq!(world.database.count("identity.sessions"), 5);
}

/// The token that the mail of the only registration carries.
fn mailed_token(world: &World) -> SecretString {
    let [event] = world.events("email.verification_requested").try_into().unwrap();
    let id: LinkTokenId = event["linkTokenId"].as_str().unwrap().parse().unwrap();
    link_token(&world.keys, LinkPurpose::VerifyEmail, id)
}

#[test]
fn the_mailed_token_proves_the_address_once() {
    let world = World::new();
    let signed_in = world.register("ada@example.com", "homeowner");
    let token = mailed_token(&world);
    let person = world.service.verify_email(&caller("192.0.2.1"), token.expose_secret()).unwrap();
    assert_eq!(person.id, signed_in.person.id);
    assert!(person.email_verified_at.is_some());
    assert!(world.service.authenticate(signed_in.access.token.expose_secret(), "r").unwrap().email_verified);

    let again = world.service.verify_email(&caller("192.0.2.1"), token.expose_secret());
    assert!(matches!(again, Err(Error::Invalid(_))));
}

#[test]
fn a_token_that_was_never_mailed_or_is_too_old_proves_nothing() {
    let world = World::new();
    world.register("ada@example.com", "homeowner");
    let token = mailed_token(&world);
    let forged = link_token(&world.keys, LinkPurpose::VerifyEmail, LinkTokenId::new());
    for bad in ["", "abc", forged.expose_secret()] {
        assert!(
            matches!(world.service.verify_email(&caller("192.0.2.1"), bad), Err(Error::Invalid(_))),
            "{bad}"
        );
    }
    world.advance(u64::from(world.settings.verification_link_hours) * 3_600);
    assert!(matches!(
        world.service.verify_email(&caller("192.0.2.1"), token.expose_secret()),
        Err(Error::Invalid(_))
    ));
    assert_eq!(world.database.count("identity.people WHERE email_verified_at IS NOT NULL"), 0);
}

#[test]
fn no_row_and_no_event_holds_a_secret() {
    let world = World::new();
    let signed_in = world.register("ada@example.com", "homeowner");
    let secrets = [
        mailed_token(&world).expose_secret().to_owned(),
        signed_in.refresh_token.expose_secret().to_owned(),
        signed_in.access.token.expose_secret().to_owned(),
        PASSWORD.to_owned(),
    ];
    for table in [
        "identity.people",
        "identity.sessions",
        "identity.refresh_tokens",
        "identity.link_tokens",
        "outbox.events",
    ] {
        for secret in &secrets {
            assert_eq!(
                world.database.count(&format!("{table} AS t WHERE t::text LIKE '%{secret}%'")),
                0,
                "{table}"
            );
        }
    }
    assert_eq!(world.database.count("outbox.events AS t WHERE t::text ~* '(lovelace|@|example)'"), 0);
    let printed = format!("{signed_in:?} {:?}", world.registration("bob@example.com", "homeowner"));
    for secret in &secrets {
        assert!(!printed.contains(secret.as_str()));
    }
}

#[test]
fn the_operator_makes_an_administrator() {
    let world = World::new();
    let admin = world.admin();
    assert!(admin.admin().is_ok());
    assert!(admin.email_verified);
    let people = world.db().read(identity::administrators).unwrap();
    assert_eq!(people, [admin.person.unwrap()]);

    let policy = world.service.password_policy();
    let again = NewAdmin::new("ROOT@example.com", &SecretString::from(PASSWORD), None, &policy).unwrap();
    assert!(matches!(world.service.create_admin(&caller("127.0.0.1"), again), Err(Error::EmailInUse)));
    assert!(NewAdmin::new("root", &SecretString::from("short"), None, &policy).is_err());
}

#[test]
fn me_tells_who_is_signed_in_and_how_a_verification_stands() {
    let world = World::new();
    let homeowner = world.register("ada@example.com", "homeowner");
    let me = world.service.get_me(&actor(&homeowner)).unwrap();
    assert_eq!(
        (me.person.id, me.session, me.verification, me.may_bid),
        (homeowner.person.id, homeowner.session, None, false)
    );

    let admin = world.admin();
    let contractor = world.verified_contractor("bob@example.com", &admin, "2090-01-01");
    let me = world.service.get_me(&contractor).unwrap();
    assert_eq!((me.verification, me.may_bid), (Some(identity::VerificationState::Approved), true));

    assert!(matches!(world.service.get_me(&kernel::Actor::system("r")), Err(Error::SignedOut)));
    let nobody = kernel::Actor::person(PersonId::new(), Role::Homeowner, homeowner.session, true, "r");
    assert!(matches!(world.service.get_me(&nobody), Err(Error::SignedOut)));
}
