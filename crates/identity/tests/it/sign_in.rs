//! Signing in: who may, who may not, and how often.

use std::time::{Duration, Instant};

use identity::{Error, IdentityCommands, IdentityQueries, IdentityService, Keys, SecretRing, Settings};
use secrecy::ExposeSecret;

use crate::world::{PASSWORD, World, actor, caller};

const HOME: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.7";

fn is_wrong<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::WrongCredentials))
}

fn is_too_many<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::TooManyFailures { .. }))
}

#[test]
fn the_right_password_signs_in_however_the_address_is_written() {
    let world = World::new();
    let registered = world.register("Ada@Example.com", "homeowner");
    for written in ["Ada@Example.com", "ada@example.com", " ADA@EXAMPLE.COM "] {
        let signed_in = world.login(written, PASSWORD, HOME).unwrap();
        assert_eq!(signed_in.person.id, registered.person.id);
        assert_ne!(signed_in.session, registered.session);
    }
}

#[test]
fn an_unknown_address_and_a_wrong_password_get_the_same_answer() {
    let world = World::new();
    world.register("ada@example.com", "homeowner");
    let wrong = world.login("ada@example.com", "another-password-1", ELSEWHERE);
    let unknown = world.login("nobody@example.com", "another-password-1", ELSEWHERE);
    let no_address = world.login("%", "another-password-1", ELSEWHERE);
    assert!(is_wrong(&wrong) && is_wrong(&unknown) && is_wrong(&no_address));
    assert_eq!(world.database.count("identity.sign_in_failures"), 3);
}

#[test]
fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    // Dear enough that the hash outweighs the queries many times.
    let settings = Settings { bcrypt_cost: 9, sign_in_failures_max: 1_000, ..Settings::for_tests() };
    let world = World::with(settings);
    world.register("ada@example.com", "homeowner");
    let took = |email: &str| {
        let start = Instant::now();
        assert!(is_wrong(&world.login(email, "another-password-1", ELSEWHERE)));
        start.elapsed()
    };
    // The fastest of each, in turns: on a machine that is busy with other things it takes more turns until both had a quiet moment.
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for turn in 0..60 {
        known = known.min(took("ada@example.com"));
        unknown = unknown.min(took("nobody@example.com"));
        if turn >= 6 && known.abs_diff(unknown) < known.min(unknown) / 2 {
            break;
        }
    }
    let hash = Duration::from_millis(5);
    assert!(known > hash && unknown > hash, "{known:?} {unknown:?}");
    assert!(known.abs_diff(unknown) < known.min(unknown) / 2, "{known:?} {unknown:?}");
}

#[test]
fn ten_failures_lock_the_account_for_others_but_not_where_it_is_at_home() {
    let world = World::new();
    world.register("ada@example.com", "homeowner");
    for n in 0..10 {
        let from = format!("203.0.113.{n}");
        assert!(is_wrong(&world.login("ada@example.com", "another-password-1", &from)), "{n}");
    }
    // The right password is no way in from a strange address, and an unknown one fares alike.
    assert!(is_too_many(&world.login("ada@example.com", PASSWORD, ELSEWHERE)));
    assert!(is_too_many(&world.login("ADA@example.com", PASSWORD, ELSEWHERE)));
    assert!(world.login("ada@example.com", PASSWORD, HOME).is_ok());

    world.advance(15 * 60);
    assert!(world.login("ada@example.com", PASSWORD, ELSEWHERE).is_ok());
}

#[test]
fn an_address_is_at_home_for_thirty_days() {
    let world = World::new();
    world.register("ada@example.com", "homeowner");
    world.advance(30 * 86_400);
    for n in 0..10 {
        assert!(is_wrong(&world.login("ada@example.com", "another-password-1", &format!("203.0.113.{n}"))));
    }
    assert!(is_too_many(&world.login("ada@example.com", PASSWORD, HOME)));
}

#[test]
fn an_unknown_account_is_locked_as_a_known_one_is() {
    let world = World::new();
    for n in 0..10 {
        assert!(is_wrong(&world.login(
            "nobody@example.com",
            "another-password-1",
            &format!("203.0.113.{n}")
        )));
    }
    assert!(is_too_many(&world.login("nobody@example.com", "another-password-1", ELSEWHERE)));
}

#[test]
fn ten_failures_lock_an_address_and_its_whole_ipv6_network() {
    let world = World::new();
    for n in 0..10 {
        let from = format!("2001:db8:0:1::{n}");
        assert!(is_wrong(&world.login(&format!("nobody{n}@example.com"), "another-password-1", &from)));
    }
    world.register("ada@example.com", "homeowner");
    let Err(Error::TooManyFailures { retry_after }) =
        world.login("ada@example.com", PASSWORD, "2001:db8:0:1:ffff::1")
    else {
        panic!("the network is not locked")
    };
    assert!((800..=900).contains(&retry_after), "{retry_after}");
    assert!(world.login("ada@example.com", PASSWORD, "2001:db8:0:2::1").is_ok());

    world.advance(u64::from(retry_after));
    assert!(world.login("ada@example.com", PASSWORD, "2001:db8:0:1:ffff::1").is_ok());
}

#[test]
fn successes_are_not_counted() {
    let world = World::new();
    world.register("ada@example.com", "homeowner");
    for _ in 0..15 {
        world.login("ada@example.com", PASSWORD, ELSEWHERE).unwrap();
    }
    assert_eq!(world.database.count("identity.sign_in_failures"), 0);
}

#[test]
fn of_many_guesses_at_once_exactly_ten_are_answered() {
    let world = World::new();
    world.register("ada@example.com", "homeowner");
    let world = &world;
    let (wrong, too_many) = std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..40)
            .map(|n| {
                scope.spawn(move || {
                    world.login("ada@example.com", "another-password-1", &format!("203.0.113.{n}"))
                })
            })
            .collect();
        let answers: Vec<_> = guesses.into_iter().map(|guess| guess.join().unwrap()).collect();
        (
            answers.iter().filter(|answer| is_wrong(answer)).count(),
            answers.iter().filter(|answer| is_too_many(answer)).count(),
        )
    });
    assert_eq!((wrong, too_many), (10, 30));
    assert_eq!(world.database.count("identity.sign_in_failures"), 10);
}

#[test]
fn old_failures_are_swept_away() {
    let world = World::new();
    for n in 0..10 {
        let from = format!("203.0.113.{n}");
        let _ = world.login(&format!("nobody{n}@example.com"), "another-password-1", &from);
    }
    world.advance(16 * 60);
    let _ = world.login("nobody@example.com", "another-password-1", ELSEWHERE);
    assert_eq!(world.database.count("identity.sign_in_failures"), 1);
}

#[test]
fn a_suspended_person_cannot_sign_in_and_the_sessions_are_dead() {
    let world = World::new();
    let signed_in = world.register("ada@example.com", "homeowner");
    world.suspend(signed_in.person.id);
    assert!(matches!(world.login("ada@example.com", PASSWORD, HOME), Err(Error::Suspended)));
    assert!(is_wrong(&world.login("ada@example.com", "another-password-1", HOME)));
    let access = signed_in.access.token.expose_secret();
    assert!(matches!(world.service.authenticate(access, "r"), Err(Error::SignedOut)));
    let refreshed = world.service.refresh(&caller(HOME), signed_in.refresh_token.expose_secret());
    assert!(matches!(refreshed, Err(Error::RefreshToken)));
}

#[test]
fn a_hash_of_an_old_cost_or_pepper_is_replaced_at_the_next_sign_in() {
    let world = World::new();
    world.register("ada@example.com", "homeowner");
    let mut secrets = world.secrets.clone();
    let new_pepper = SecretRing::new(identity::random_secret());
    secrets.pepper = new_pepper.clone().with_retired(world.secrets.pepper.secrets());
    let settings = Settings { bcrypt_cost: 5, ..Settings::for_tests() };
    let rotated = IdentityService::new(world.db().clone(), Keys::derive(&secrets).unwrap(), settings.clone());
    rotated.login(&caller(HOME), identity::Login::new("ada@example.com", PASSWORD)).unwrap();
    assert_eq!(world.database.count("identity.people WHERE password_hash LIKE '$2b$05$%'"), 1);

    // The old pepper is not needed any more, and the other secrets were never touched.
    secrets.pepper = new_pepper;
    let later = IdentityService::new(world.db().clone(), Keys::derive(&secrets).unwrap(), settings);
    assert!(later.login(&caller(HOME), identity::Login::new("ada@example.com", PASSWORD)).is_ok());
}

#[test]
fn changing_the_signing_secret_signs_nobody_out_while_the_old_one_is_kept() {
    let world = World::new();
    let signed_in = world.register("ada@example.com", "homeowner");
    let mut secrets = world.secrets.clone();
    secrets.jwt = SecretRing::new(identity::random_secret()).with_retired(world.secrets.jwt.secrets());
    let rotated =
        IdentityService::new(world.db().clone(), Keys::derive(&secrets).unwrap(), world.settings.clone());
    assert!(rotated.authenticate(signed_in.access.token.expose_secret(), "r").is_ok());
    let next = rotated.refresh(&caller(HOME), signed_in.refresh_token.expose_secret()).unwrap();
    assert!(rotated.authenticate(next.access.token.expose_secret(), "r").is_ok());
    // The keys that sign are rows, and no secret's: a server that was not restarted yet takes what the other one signs.
    assert!(world.service.authenticate(next.access.token.expose_secret(), "r").is_ok());
}

#[test]
fn signing_out_ends_the_session_at_once_and_only_that_one() {
    let world = World::new();
    let one = world.register("ada@example.com", "homeowner");
    let other = world.login("ada@example.com", PASSWORD, HOME).unwrap();
    world.service.logout(&actor(&one)).unwrap();
    world.service.logout(&actor(&one)).unwrap();
    assert!(matches!(
        world.service.authenticate(one.access.token.expose_secret(), "r"),
        Err(Error::SignedOut)
    ));
    assert!(matches!(
        world.service.refresh(&caller(HOME), one.refresh_token.expose_secret()),
        Err(Error::RefreshToken)
    ));
    assert!(world.service.authenticate(other.access.token.expose_secret(), "r").is_ok());
    assert!(matches!(world.service.logout(&kernel::Actor::system("r")), Err(Error::SignedOut)));
}
