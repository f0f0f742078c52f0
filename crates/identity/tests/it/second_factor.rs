//! The second factor and the step-up, with no HTTP.

use identity::{
    Error, FactorState, IdentityCommands, IdentityQueries, IdentityService, Keys, Login, SecretRing, SignIn,
    SignedIn, StepUp, TypedCode, VaultSubject,
};
use kernel::{Actor, Clock};
use secrecy::ExposeSecret;
use totp_rs::{Builder, Secret, Totp};

use crate::world::{PASSWORD, World, actor, caller};

const HOME: &str = "192.0.2.1";

/// Somebody with a second factor, and the app that shows its codes.
struct Guarded {
    actor: Actor,
    app: Totp,
    recovery_codes: Vec<String>,
}

impl Guarded {
    fn code(&self, world: &World) -> TypedCode {
        let now = world.database.clock.now().timestamp();
        TypedCode::new(&self.app.generate(now.unsigned_abs()).to_string())
    }
}

/// The code that switched it on is used up; the next one is shown.
fn guard(world: &World, signed_in: &SignedIn) -> Guarded {
    let actor = actor(signed_in);
    let proof = StepUp::new(Some(PASSWORD), None).unwrap();
    world.service.step_up(&caller(HOME), &actor, proof).unwrap();
    let enrolment = world.service.enroll_second_factor(&actor).unwrap();
    let secret = Secret::try_from_base32(enrolment.secret.expose_secret()).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    let mut guarded = Guarded { actor, app, recovery_codes: Vec::new() };
    let code = guarded.code(world);
    let codes = world.service.confirm_second_factor(&caller(HOME), &guarded.actor, code).unwrap();
    guarded.recovery_codes = codes.0.iter().map(|code| code.expose_secret().to_owned()).collect();
    world.advance(30);
    guarded
}

fn challenge(service: &IdentityService, email: &str) -> String {
    match service.login(&caller(HOME), Login::new(email, PASSWORD)).unwrap() {
        SignIn::SecondFactor(challenge) => challenge.token.expose_secret().to_owned(),
        SignIn::Done(_) => panic!("nothing was asked for"),
    }
}

fn lets_through(world: &World, actor: &Actor) -> bool {
    match world.db().transaction(|tx| identity::require_step_up(tx, actor)) {
        Ok(()) => true,
        Err(Error::StepUpRequired) => false,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_step_up_is_of_one_session_and_of_no_system() {
    let world = World::new();
    let ada = actor(&world.register("ada@example.com", "homeowner"));
    let elsewhere = actor(&world.login("ada@example.com", PASSWORD, HOME).unwrap());
    let bob = actor(&world.register("bob@example.com", "contractor"));
    let proof = StepUp::new(Some(PASSWORD), None).unwrap();
    let until = world.service.step_up(&caller(HOME), &ada, proof).unwrap();
    assert_eq!(world.service.get_me(&ada).unwrap().stepped_up_until, Some(until));
    assert!(lets_through(&world, &ada));
    assert!(!lets_through(&world, &elsewhere));
    // Nobody uses another's session, whatever else is right.
    assert!(!lets_through(&world, &Actor { via: ada.via.clone(), ..bob }));
    assert!(!lets_through(&world, &Actor::system("test")));
    assert!(!lets_through(
        &world,
        &Actor { via: kernel::Via::AdminFor("asked to".to_owned()), ..ada.clone() }
    ));
    world.service.logout(&ada).unwrap();
    assert!(!lets_through(&world, &ada));
}

#[test]
fn another_way_to_sign_in_would_be_asked_the_same() {
    let world = World::new();
    let ada = guard(&world, &world.register("ada@example.com", "homeowner"));
    let token = challenge(&world.service, "ada@example.com");
    let signed_in = world.service.answer_challenge(&caller(HOME), &token, ada.code(&world)).unwrap();
    assert_eq!(Some(signed_in.person.id), ada.actor.person);
    assert!(!lets_through(&world, &actor(&signed_in)));
}

#[test]
fn the_operator_takes_a_lost_one_away() {
    let world = World::new();
    let ada = guard(&world, &world.register("ada@example.com", "homeowner"));
    let bob = guard(&world, &world.register("bob@example.com", "contractor"));
    let open = challenge(&world.service, "ada@example.com");
    let reset = |email: &str| world.service.reset_second_factor(&caller(HOME), email);
    assert!(matches!(reset("eve@example.com"), Err(Error::NotFound("person"))));
    assert_eq!(reset("ADA@example.com").unwrap().email, "ada@example.com");
    assert!(matches!(reset("ada@example.com"), Err(Error::SecondFactorState(FactorState::Off))));
    // Nothing of it is left: neither the question, nor the codes, nor who was signed in.
    let code = TypedCode::new(&ada.recovery_codes[0]);
    assert!(matches!(world.service.answer_challenge(&caller(HOME), &open, code), Err(Error::WrongCode)));
    let of_ada = |table: &str| {
        world.database.count(&format!("{table} WHERE person_id = '{}'", ada.actor.person.unwrap().uuid()))
    };
    assert_eq!((of_ada("identity.second_factors"), of_ada("identity.recovery_codes")), (0, 0));
    assert_eq!(world.database.count("identity.sessions WHERE ended_at IS NULL AND end_reason IS NULL"), 1);
    assert!(matches!(
        world.service.login(&caller(HOME), Login::new("ada@example.com", PASSWORD)).unwrap(),
        SignIn::Done(_)
    ));
    assert_eq!(world.events("second_factor.reset").len(), 1);
    // Bob's stands.
    challenge(&world.service, "bob@example.com");
    assert!(lets_through(&world, &bob.actor));
}

#[test]
fn changing_the_server_s_secrets_takes_nobody_s_second_factor() {
    let world = World::new();
    let ada = guard(&world, &world.register("ada@example.com", "homeowner"));
    let mut secrets = world.secrets.clone();
    let next = |ring: &SecretRing| SecretRing::new(identity::random_secret()).with_retired(ring.secrets());
    (secrets.jwt, secrets.pepper, secrets.master) =
        (next(&secrets.jwt), next(&secrets.pepper), next(&secrets.master));
    let rotated =
        IdentityService::new(world.db().clone(), Keys::derive(&secrets).unwrap(), world.settings.clone());
    let token = challenge(&rotated, "ada@example.com");
    rotated.answer_challenge(&caller(HOME), &token, ada.code(&world)).unwrap();
    let token = challenge(&rotated, "ada@example.com");
    let recovery = TypedCode::new(ada.recovery_codes.first().unwrap());
    rotated.answer_challenge(&caller(HOME), &token, recovery).unwrap();
}

#[test]
fn a_secret_moved_to_another_s_row_opens_nothing() {
    let world = World::new();
    let ada = guard(&world, &world.register("ada@example.com", "homeowner"));
    let bob = guard(&world, &world.register("bob@example.com", "contractor"));
    world.database.execute(&format!(
        "UPDATE identity.second_factors SET sealed_secret =
             (SELECT sealed_secret FROM identity.second_factors WHERE person_id = '{}')
         WHERE person_id = '{}'",
        bob.actor.party.uuid(),
        ada.actor.party.uuid()
    ));
    let token = challenge(&world.service, "ada@example.com");
    let answer = world.service.answer_challenge(&caller(HOME), &token, bob.code(&world));
    assert!(matches!(answer, Err(Error::Vault(_))), "{answer:?}");
}

#[test]
fn whose_key_was_destroyed_has_no_codes() {
    let world = World::new();
    let ada = guard(&world, &world.register("ada@example.com", "homeowner"));
    let person = ada.actor.person.unwrap();
    world.db().transaction(|tx| world.service.vault().destroy(tx, VaultSubject::Person(person))).unwrap();
    let token = challenge(&world.service, "ada@example.com");
    let answer = world.service.answer_challenge(&caller(HOME), &token, ada.code(&world));
    assert!(matches!(answer, Err(Error::WrongCode)), "{answer:?}");
}
