//! Refresh tokens: each is good once, a retry gets the same, and a thief ends the session for both.

use identity::{Error, IdentityCommands, IdentityQueries, SignedIn};
use secrecy::ExposeSecret;

use crate::world::{World, caller};

fn refresh(world: &World, signed_in: &SignedIn) -> Result<SignedIn, Error> {
    world.service.refresh(&caller("192.0.2.1"), signed_in.refresh_token.expose_secret())
}

fn is_refused<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::RefreshToken))
}

#[test]
fn a_session_goes_on_with_each_new_token() {
    let world = World::new();
    let mut current = world.register("ada@example.com", "homeowner");
    for _ in 0..5 {
        world.advance(20 * 86_400);
        let next = refresh(&world, &current).unwrap();
        assert_eq!(next.session, current.session);
        assert_ne!(next.refresh_token.expose_secret(), current.refresh_token.expose_secret());
        assert!(next.session_expires_at > current.session_expires_at);
        assert!(world.service.authenticate(next.access.token.expose_secret(), "r").is_ok());
        current = next;
    }
    assert_eq!(world.database.count("identity.sessions"), 1);
}

#[test]
fn an_honest_retry_gets_the_same_bytes() {
    let world = World::new();
    let first = world.register("ada@example.com", "homeowner");
    let next = refresh(&world, &first).unwrap();
    world.advance(9);
    let again = refresh(&world, &first).unwrap();
    assert_eq!(again.refresh_token.expose_secret(), next.refresh_token.expose_secret());
    assert!(world.service.authenticate(again.access.token.expose_secret(), "r").is_ok());
    assert!(refresh(&world, &again).is_ok());
    assert!(world.events("session.reuse_detected").is_empty());
}

#[test]
fn retries_at_once_get_the_same_bytes() {
    let world = World::new();
    let first = world.register("ada@example.com", "homeowner");
    let (world, first) = (&world, &first);
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| refresh(world, first).unwrap())).collect();
        tries.into_iter().map(|each| each.join().unwrap().refresh_token.expose_secret().to_owned()).collect()
    });
    assert!(tokens.iter().all(|token| Some(token) == tokens.first()));
    assert_eq!(world.database.count("identity.refresh_tokens"), 2);
}

#[test]
fn a_spent_token_shown_later_ends_the_session_and_is_told() {
    let world = World::new();
    let first = world.register("ada@example.com", "homeowner");
    let thief = refresh(&world, &first).unwrap();
    world.advance(11);
    assert!(is_refused(&refresh(&world, &first)));

    // Neither the owner nor the thief goes on.
    assert!(is_refused(&refresh(&world, &thief)));
    assert!(matches!(
        world.service.authenticate(thief.access.token.expose_secret(), "r"),
        Err(Error::SignedOut)
    ));
    let [event] = world.events("session.reuse_detected").try_into().unwrap();
    assert_eq!(event["personId"], first.person.id.to_string());
    assert_eq!(event["sessionId"], first.session.to_string());
    assert_eq!(world.database.count("identity.sessions WHERE end_reason = 'TOKEN_REUSE'"), 1);

    // Told once, and other sessions go on.
    assert!(is_refused(&refresh(&world, &first)));
    assert_eq!(world.events("session.reuse_detected").len(), 1);
    assert!(world.login("ada@example.com", crate::world::PASSWORD, "192.0.2.1").is_ok());
}

#[test]
fn a_token_many_generations_old_is_still_recognised() {
    let world = World::new();
    let first = world.register("ada@example.com", "homeowner");
    let mut current = refresh(&world, &first).unwrap();
    for _ in 0..4 {
        current = refresh(&world, &current).unwrap();
    }
    world.advance(60);
    assert!(is_refused(&refresh(&world, &first)));
    assert!(is_refused(&refresh(&world, &current)));
}

#[test]
fn a_token_that_is_none_of_ours_is_refused() {
    let world = World::new();
    let signed_in = world.register("ada@example.com", "homeowner");
    let access = signed_in.access.token.expose_secret().to_owned();
    for bad in ["", "abc", "\u{0}", access.as_str(), signed_in.session.to_string().as_str()] {
        assert!(is_refused(&world.service.refresh(&caller("192.0.2.1"), bad)), "{bad}");
    }
    assert!(refresh(&world, &signed_in).is_ok());
}

#[test]
fn a_token_tells_its_session_spent_or_not() {
    let world = World::new();
    let first = world.register("ada@example.com", "homeowner");
    let next = refresh(&world, &first).unwrap();
    let session_of = |token: &str| world.service.find_refreshed_session(token).unwrap();
    for signed_in in [&first, &next] {
        assert_eq!(session_of(signed_in.refresh_token.expose_secret()), Some(first.session));
    }
    assert_eq!(session_of("made-up"), None);
    assert_eq!(session_of(first.access.token.expose_secret()), None);
}

#[test]
fn a_session_that_nobody_refreshes_ends() {
    let world = World::new();
    let signed_in = world.register("ada@example.com", "homeowner");
    world.advance(30 * 86_400);
    assert!(is_refused(&refresh(&world, &signed_in)));
    assert!(world.service.authenticate(signed_in.access.token.expose_secret(), "r").is_err());

    // The next session sweeps it away, with its tokens.
    world.login("ada@example.com", crate::world::PASSWORD, "192.0.2.1").unwrap();
    assert_eq!(world.database.count("identity.sessions"), 1);
    assert_eq!(world.database.count("identity.refresh_tokens"), 1);
}

#[test]
fn an_access_token_ends_before_its_session() {
    let world = World::new();
    let signed_in = world.register("ada@example.com", "homeowner");
    world.advance(24 * 3_600);
    let expired = world.service.authenticate(signed_in.access.token.expose_secret(), "r");
    assert!(matches!(expired, Err(Error::Token(identity::TokenError::Expired))));
    assert!(refresh(&world, &signed_in).is_ok());
}
