//! A person is erased everywhere or nowhere, with no HTTP.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use database::{PgConnection, Tx};
use identity::{
    Blocker, Error, Held, IdentityCommands, IdentityQueries, PersonalData, ProfileForm, ProfilePatch, StepUp,
    VaultSubject,
};
use kernel::{Actor, PersonId};
use serde_json::json;

use crate::world::{PASSWORD, World, actor, caller};

/// Another crate that keeps something about people.
#[derive(Default)]
struct Holder {
    name: &'static str,
    blocks: Mutex<Vec<Blocker>>,
    fails: Mutex<bool>,
    order: Arc<Mutex<Vec<String>>>,
    erased: AtomicUsize,
}

impl Holder {
    fn called(&self, what: &str) {
        self.order.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

impl PersonalData for Holder {
    fn section(&self) -> &'static str {
        self.name
    }

    fn held_about(&self, _: &mut PgConnection, person: PersonId) -> Result<Held, Error> {
        Ok(Held { data: json!({ "about": person }), files: Vec::new() })
    }

    fn blockers(&self, _: &mut Tx<'_>, _: PersonId) -> Result<Vec<Blocker>, Error> {
        self.called("judges");
        Ok(self.blocks.lock().unwrap().clone())
    }

    fn erase(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<(), Error> {
        self.called("forgets");
        // What identity knows is there until everybody else is done.
        assert!(identity::contact(tx.conn(), person).unwrap().is_some());
        if *self.fails.lock().unwrap() {
            return Err(Error::NotFound("anything"));
        }
        self.erased.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn held_by(world: &World) -> [Arc<Holder>; 2] {
    let order = Arc::new(Mutex::new(Vec::new()));
    let holder = |name| Arc::new(Holder { name, order: Arc::clone(&order), ..Holder::default() });
    let holders = [holder("above"), holder("below")];
    world
        .service
        .ask_for_personal_data(holders.each_ref().map(|one| -> Arc<dyn PersonalData> { one.clone() }).into());
    holders
}

fn proved(world: &World, email: &str) -> Actor {
    let actor = actor(&world.register(email, "homeowner"));
    prove(world, &actor);
    actor
}

fn prove(world: &World, actor: &Actor) {
    let proof = StepUp::new(Some(PASSWORD), None).unwrap();
    world.service.step_up(&caller("192.0.2.1"), actor, proof).unwrap();
}

fn blocker(code: &'static str) -> Blocker {
    Blocker { code, message: format!("{code} first."), kind: "contract", id: "ctr_1".to_owned() }
}

#[test]
fn everybody_judges_before_anybody_forgets() {
    let world = World::new();
    let [above, below] = held_by(&world);
    let ada = proved(&world, "ada@example.com");
    world.service.erase_person(&ada).unwrap();
    let expected = ["above judges", "below judges", "above forgets", "below forgets"];
    assert_eq!(*above.order.lock().unwrap(), expected);
    assert_eq!((above.erased.load(Ordering::Relaxed), below.erased.load(Ordering::Relaxed)), (1, 1));
    assert_eq!(world.events("person.erased").len(), 1);
    assert_eq!(world.events("person.erased")[0]["personId"], ada.person.unwrap().to_string());
}

#[test]
fn all_that_holds_somebody_is_named_and_nothing_is_forgotten() {
    let world = World::new();
    let [above, below] = held_by(&world);
    let ada = proved(&world, "ada@example.com");
    above.blocks.lock().unwrap().push(blocker("money_held"));
    below.blocks.lock().unwrap().push(blocker("contract_active"));
    let refused = world.service.erase_person(&ada).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "this account cannot be erased yet. money_held first. contract_active first."
    );
    let Error::ErasureBlocked(blockers) = refused else { panic!("{refused}") };
    assert_eq!(blockers, [blocker("money_held"), blocker("contract_active")]);
    assert_eq!(above.erased.load(Ordering::Relaxed) + below.erased.load(Ordering::Relaxed), 0);
    assert_eq!(world.service.get_profile(&ada).unwrap().person.email, "ada@example.com");
    assert!(world.events("person.erased").is_empty());
}

#[test]
fn whoever_fails_to_forget_stops_the_whole() {
    let world = World::new();
    let [_, below] = held_by(&world);
    let ada = proved(&world, "ada@example.com");
    *below.fails.lock().unwrap() = true;
    assert!(matches!(world.service.erase_person(&ada), Err(Error::NotFound("anything"))));
    assert_eq!(world.service.get_profile(&ada).unwrap().person.email, "ada@example.com");
    assert_eq!(world.database.count("identity.people WHERE erased_at IS NOT NULL"), 0);
    *below.fails.lock().unwrap() = false;
    world.service.erase_person(&ada).unwrap();
    assert!(matches!(world.service.get_profile(&ada), Err(Error::SignedOut)));
}

#[test]
fn nobody_is_erased_without_a_fresh_proof_or_on_another_s_behalf() {
    let world = World::new();
    let ada = actor(&world.register("ada@example.com", "homeowner"));
    assert!(matches!(world.service.erase_person(&ada), Err(Error::StepUpRequired)));
    assert!(matches!(world.service.erase_person(&Actor::system("test")), Err(Error::SignedOut)));
    prove(&world, &ada);
    world.suspend(ada.person.unwrap());
    assert!(matches!(world.service.erase_person(&ada), Err(Error::SignedOut)));
    assert_eq!(world.database.count("identity.people WHERE erased_at IS NOT NULL"), 0);
}

#[test]
fn the_last_active_administrator_stays() {
    let world = World::new();
    let admin = world.admin();
    prove(&world, &admin);
    assert!(matches!(world.service.erase_person(&admin), Err(Error::LastAdministrator)));
    let other = world.admin_called("second@example.com");
    prove(&world, &other);
    world.service.erase_person(&admin).unwrap();
    assert!(matches!(world.service.erase_person(&other), Err(Error::LastAdministrator)));
    assert_eq!(world.db().read(identity::administrators).unwrap(), [other.person.unwrap()]);
}

#[test]
fn an_address_that_was_wished_for_goes_too() {
    let world = World::new();
    let ada = proved(&world, "ada@example.com");
    let form = ProfileForm { email: Some("ada@elsewhere.example.com".to_owned()), ..ProfileForm::default() };
    let patch = ProfilePatch::new(&form, ada.role, &world.settings).unwrap();
    world.service.update_profile(&ada, patch).unwrap();
    assert_eq!(world.database.count("identity.email_changes"), 1);
    world.service.erase_person(&ada).unwrap();
    assert_eq!(world.database.count("identity.email_changes"), 0);
}

#[test]
fn of_two_who_erase_the_same_person_at_once_one_does() {
    let world = World::new();
    let [above, _] = held_by(&world);
    for round in 0..5 {
        let ada = proved(&world, &format!("ada{round}@example.com"));
        let barrier = Barrier::new(2);
        let erase = || {
            barrier.wait();
            world.service.erase_person(&ada)
        };
        let (one, other) = std::thread::scope(|scope| {
            let (one, other) = (scope.spawn(erase), scope.spawn(erase));
            (one.join().unwrap(), other.join().unwrap())
        });
        let refused = [one, other].into_iter().filter_map(Result::err).collect::<Vec<_>>();
        assert!(matches!(refused.as_slice(), [Error::SignedOut]), "{refused:?}");
    }
    assert_eq!(above.erased.load(Ordering::Relaxed), 5);
}

#[test]
fn an_erasure_waits_for_what_the_person_is_doing_and_what_comes_later_finds_nobody() {
    let world = World::new();
    let ada = proved(&world, "ada@example.com");
    let person = ada.person.unwrap();
    let (begun, order) = (Barrier::new(2), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let command = world.db().transaction(|tx| {
                assert!(identity::remain(tx, person)?);
                begun.wait();
                std::thread::sleep(Duration::from_millis(200));
                order.lock().unwrap().push("the command");
                Ok::<_, database::Error>(())
            });
            command.unwrap();
        });
        begun.wait();
        world.service.erase_person(&ada).unwrap();
        order.lock().unwrap().push("the erasure");
    });
    assert_eq!(*order.lock().unwrap(), ["the command", "the erasure"]);
    assert!(!world.db().transaction(|tx| identity::remain(tx, person)).unwrap());
}

#[test]
fn what_was_sealed_for_the_person_can_be_opened_no_more() {
    let world = World::new();
    let ada = proved(&world, "ada@example.com");
    let (vault, subject) = (world.service.vault(), VaultSubject::Person(ada.person.unwrap()));
    let sealed = world.db().transaction(|tx| vault.seal(tx, subject, b"here", b"Ada Lovelace")).unwrap();
    let open = || world.db().read(|conn| vault.open(conn, subject, b"here", &sealed)).unwrap();
    assert!(open().is_some());
    world.service.erase_person(&ada).unwrap();
    assert!(open().is_none());
    assert_eq!(world.database.count("identity.data_keys WHERE wrapped_key IS NULL"), 1);
}

#[test]
fn postgres_itself_refuses_somebody_who_is_half_erased() {
    let world = World::new();
    let ada = proved(&world, "ada@example.com");
    world.service.erase_person(&ada).unwrap();
    for change in
        ["full_name = 'Ada Lovelace'", "email = 'ada@example.com'", "password_hash = 'x', pepper_id = 'x'"]
    {
        let refused: Result<(), database::Error> = world.database.owner.read(|conn| {
            use diesel::prelude::*;
            diesel::sql_query(format!("UPDATE identity.people SET {change}")).execute(conn)?;
            Ok(())
        });
        assert!(refused.unwrap_err().is_check("people_erased_is_nobody"), "{change}");
    }
}
