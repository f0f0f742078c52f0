//! Contractors hand in credentials, administrators judge them, and bidding hangs on it.

use chrono::Days;
use identity::{Decision, Error, IdentityCommands, IdentityQueries, Verification, VerificationState};
use kernel::{Actor, Limit};

use crate::world::{World, actor, submission};

fn hand_in(world: &World, contractor: &Actor, last_day: &str) -> Result<Verification, Error> {
    world
        .service
        .submit_verification(contractor.contractor().unwrap(), submission(last_day, "UTC", &world.settings))
}

fn decide(
    world: &World,
    admin: &Actor,
    of: &Verification,
    decision: Decision,
) -> Result<Verification, Error> {
    world.service.decide_verification(admin.admin().unwrap(), of.id, decision)
}

fn approval() -> Decision {
    Decision::approve(None).unwrap()
}

fn rejection() -> Decision {
    Decision::reject("the licence is another person's").unwrap()
}

fn states(world: &World, admin: &Actor) -> Vec<VerificationState> {
    let page =
        world.service.list_verifications(admin.admin().unwrap(), None, None, Limit::default()).unwrap();
    page.items.into_iter().map(|verification| verification.state).collect()
}

#[test]
fn an_approved_contractor_may_bid() {
    let world = World::new();
    let admin = world.admin();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    assert!(!world.may_bid(&contractor));
    let pending = hand_in(&world, &contractor, "2090-01-01").unwrap();
    assert_eq!(
        (pending.state, pending.contractor, pending.decided_at),
        (VerificationState::Pending, contractor.party, None)
    );
    assert_eq!(pending.credentials.len(), 2);
    assert!(!world.may_bid(&contractor));

    let approved = decide(&world, &admin, &pending, Decision::approve(Some("seen")).unwrap()).unwrap();
    assert_eq!(
        (approved.state, approved.decided_by, approved.note.as_deref()),
        (VerificationState::Approved, admin.person, Some("seen"))
    );
    assert_eq!(approved.valid_until.unwrap().to_rfc3339(), "2090-01-02T00:00:00+00:00");
    assert!(world.may_bid(&contractor));

    for (event, count) in
        [("verification.submitted", 1), ("verification.approved", 1), ("verification.rejected", 0)]
    {
        let events = world.events(event);
        assert_eq!(events.len(), count, "{event}");
        for data in events {
            assert_eq!(data["verificationId"], approved.id.to_string());
            assert_eq!(data["contractorId"], contractor.party.to_string());
        }
    }
}

#[test]
fn the_public_profile_says_verified_only_after_a_check_and_says_when() {
    let world = World::new();
    let admin = world.admin();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    let pending = hand_in(&world, &contractor, "2090-01-01").unwrap();
    assert!(!world.service.get_contractor(contractor.party).unwrap().verified);
    let approved = decide(&world, &admin, &pending, approval()).unwrap();
    let public = world.service.get_contractor(contractor.party).unwrap();
    assert!(public.verified);
    assert_eq!(public.verified_at, approved.decided_at);
    assert!(public.credentials.iter().all(|credential| Some(credential.checked_at) == approved.decided_at));
    assert!(!format!("{public:?}").contains("TX-48813"));
}

#[test]
fn a_rejected_contractor_learns_why_and_may_try_again() {
    let world = World::new();
    let admin = world.admin();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    let first = hand_in(&world, &contractor, "2090-01-01").unwrap();
    let rejected = decide(&world, &admin, &first, rejection()).unwrap();
    assert_eq!(
        (rejected.state, rejected.reason.as_deref()),
        (VerificationState::Rejected, Some("the licence is another person's"))
    );
    assert!(!world.may_bid(&contractor));
    assert_eq!(world.events("verification.rejected").len(), 1);
    let second = hand_in(&world, &contractor, "2090-01-01").unwrap();
    decide(&world, &admin, &second, approval()).unwrap();
    assert!(world.may_bid(&contractor));
    assert_eq!(states(&world, &admin), [VerificationState::Rejected, VerificationState::Approved]);
}

#[test]
fn a_verification_is_decided_once() {
    let world = World::new();
    let admin = world.admin();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    let pending = hand_in(&world, &contractor, "2090-01-01").unwrap();
    decide(&world, &admin, &pending, approval()).unwrap();
    for decision in [approval(), rejection()] {
        let again = decide(&world, &admin, &pending, decision);
        assert!(matches!(again, Err(Error::Decided { state: "APPROVED" })));
    }
    assert_eq!(world.database.count("outbox.events WHERE name LIKE 'verification.%'"), 2);
}

#[test]
fn of_two_decisions_at_once_one_counts() {
    let world = World::new();
    let admin = world.admin();
    for round in 0..5 {
        let contractor = actor(&world.register(&format!("bob{round}@example.com"), "contractor"));
        let pending = hand_in(&world, &contractor, "2090-01-01").unwrap();
        let (one, other) = std::thread::scope(|scope| {
            let approve = scope.spawn(|| decide(&world, &admin, &pending, approval()));
            let reject = scope.spawn(|| decide(&world, &admin, &pending, rejection()));
            (approve.join().unwrap(), reject.join().unwrap())
        });
        assert_ne!(one.is_ok(), other.is_ok());
    }
}

#[test]
fn a_correction_takes_the_place_of_what_waits() {
    let world = World::new();
    let admin = world.admin();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    let first = hand_in(&world, &contractor, "2090-01-01").unwrap();
    let second = hand_in(&world, &contractor, "2091-01-01").unwrap();
    assert!(matches!(
        decide(&world, &admin, &first, approval()),
        Err(Error::Decided { state: "SUPERSEDED" })
    ));
    assert!(decide(&world, &admin, &second, approval()).is_ok());
    assert_eq!(states(&world, &admin), [VerificationState::Superseded, VerificationState::Approved]);
}

#[test]
fn a_renewal_leaves_the_old_one_in_force_until_it_is_approved() {
    let world = World::new();
    let admin = world.admin();
    let contractor = world.verified_contractor("bob@example.com", &admin, "2090-01-01");
    let renewal = hand_in(&world, &contractor, "2095-01-01").unwrap();
    assert!(world.may_bid(&contractor));
    let rejected = decide(&world, &admin, &renewal, rejection()).unwrap();
    assert_eq!(rejected.state, VerificationState::Rejected);
    assert!(world.may_bid(&contractor));

    let renewal = hand_in(&world, &contractor, "2095-01-01").unwrap();
    decide(&world, &admin, &renewal, approval()).unwrap();
    assert!(world.may_bid(&contractor));
    use VerificationState::{Approved, Rejected, Superseded};
    assert_eq!(states(&world, &admin), [Superseded, Rejected, Approved]);
    let kept = "identity.verifications WHERE state = 'SUPERSEDED' AND decided_by IS NOT NULL AND valid_until IS NOT NULL";
    assert_eq!(world.database.count(kept), 1);
}

#[test]
fn bidding_stops_when_the_last_day_is_over() {
    let world = World::new();
    let admin = world.admin();
    let last_day = world.today().checked_add_days(Days::new(3)).unwrap();
    let contractor = world.verified_contractor("bob@example.com", &admin, &last_day.to_string());
    let end = last_day.checked_add_days(Days::new(1)).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
    world.database.clock.set(end - chrono::TimeDelta::minutes(1));
    assert!(world.may_bid(&contractor));
    assert!(world.service.get_contractor(contractor.party).unwrap().verified);
    world.database.clock.set(end);
    assert!(!world.may_bid(&contractor));
    let public = world.service.get_contractor(contractor.party).unwrap();
    assert!(!public.verified && public.credentials.is_empty() && public.verified_at.is_none());
    assert!(!world.service.get_me(&contractor).unwrap().may_bid);
}

#[test]
fn expired_credentials_are_neither_taken_nor_approved() {
    let world = World::new();
    let admin = world.admin();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    let yesterday = world.today().pred_opt().unwrap();
    let Err(Error::Invalid(faults)) = hand_in(&world, &contractor, &yesterday.to_string()) else {
        panic!("taken")
    };
    let [fault] = faults.into_vec().try_into().unwrap();
    assert_eq!((fault.pointer.as_str(), fault.code), ("/licences/0/expiresOn", "expired"));

    let today = world.today();
    let pending = hand_in(&world, &contractor, &today.to_string()).unwrap();
    world.advance(86_400);
    assert!(matches!(decide(&world, &admin, &pending, approval()), Err(Error::CredentialExpired)));
    assert!(decide(&world, &admin, &pending, rejection()).is_ok());
}

#[test]
fn a_suspended_contractor_may_not_bid() {
    let world = World::new();
    let admin = world.admin();
    let contractor = world.verified_contractor("bob@example.com", &admin, "2090-01-01");
    world.suspend(contractor.person.unwrap());
    assert!(!world.may_bid(&contractor));
}

#[test]
fn the_queue_is_paged_oldest_first_and_filtered() {
    let world = World::new();
    let admin = world.admin();
    let mut expected = Vec::new();
    for n in 0..5 {
        let contractor = actor(&world.register(&format!("bob{n}@example.com"), "contractor"));
        expected.push(hand_in(&world, &contractor, "2090-01-01").unwrap());
    }
    let decided = decide(&world, &admin, &expected[2], approval()).unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let pending = Some(VerificationState::Pending);
        let page = world
            .service
            .list_verifications(admin.admin().unwrap(), pending, after, Limit::new(2).unwrap())
            .unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items.into_iter().map(|verification| verification.id));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let waiting: Vec<_> =
        expected.iter().map(|verification| verification.id).filter(|id| *id != decided.id).collect();
    assert_eq!(seen, waiting);
    let all = world.service.list_verifications(admin.admin().unwrap(), None, None, Limit::default()).unwrap();
    assert_eq!(all.items.len(), 5);
    assert_eq!(all.items[0].contractor_name, "Ada Lovelace");
    assert_eq!(all.items[0].credentials, expected[0].credentials);
}

#[test]
fn a_verification_that_is_not_there_cannot_be_decided() {
    let world = World::new();
    let admin = world.admin();
    let nothing = world.service.decide_verification(
        admin.admin().unwrap(),
        identity::VerificationId::new(),
        approval(),
    );
    assert!(matches!(nothing, Err(Error::NotFound("verification"))));
}

#[test]
fn the_database_keeps_one_pending_and_one_approved() {
    let world = World::new();
    let admin = world.admin();
    let contractor = world.verified_contractor("bob@example.com", &admin, "2090-01-01");
    hand_in(&world, &contractor, "2090-01-01").unwrap();
    for state in ["PENDING", "APPROVED"] {
        let sql = format!(
            "INSERT INTO identity.verifications (id, contractor_id, state, submitted_at, decided_at, valid_until)
             VALUES (gen_random_uuid(), '{}', '{state}', app.clock(), app.clock(), app.clock())",
            contractor.party.uuid()
        );
        let refused = world.database.try_execute_as_runtime(&sql).unwrap_err();
        assert!(refused.is_unique(&format!("verifications_one_{}", state.to_lowercase())), "{refused}");
    }
}
