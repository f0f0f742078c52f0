//! Contractors hand in credentials, administrators judge them, and bidding hangs on it.

use std::sync::Arc;

use chrono::{Days, TimeDelta};
use files::{FilesService, Storage};
use identity::{
    Decision, Error, IdentityCommands, IdentityQueries, IdentityService, Verification, VerificationForm,
    VerificationState, VerificationSubmission,
};
use kernel::{Actor, Clock, Limit};
use outbox::Registry;

use crate::world::{World, actor, credential, submission};

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
    Decision::reject("the licence is another person's", Some("the registry names somebody else")).unwrap()
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

#[test]
fn a_contractor_sees_how_the_verification_stands_with_all_that_was() {
    let world = World::new();
    let admin = world.admin();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    let standing = |limit| {
        let limit = Limit::new(limit).unwrap();
        world.service.get_verification_standing(contractor.contractor().unwrap(), None, limit).unwrap()
    };
    let nothing = standing(20);
    assert!(nothing.newest.is_none() && nothing.approved.is_none() && nothing.pending.is_none());
    assert!(!nothing.may_bid && nothing.history.items.is_empty());

    let first = hand_in(&world, &contractor, "2090-01-01").unwrap();
    let first = decide(&world, &admin, &first, rejection()).unwrap();
    let second = hand_in(&world, &contractor, "2090-01-01").unwrap();
    let second = decide(&world, &admin, &second, approval()).unwrap();
    let third = hand_in(&world, &contractor, "2091-01-01").unwrap();
    let now = standing(20);
    assert_eq!((now.newest, now.may_bid), (Some(VerificationState::Pending), true));
    assert_eq!(now.approved.map(|found| found.id), Some(second.id));
    assert_eq!(now.pending.map(|found| found.id), Some(third.id));
    let ids = |items: Vec<Verification>| items.into_iter().map(|found| found.id).collect::<Vec<_>>();
    assert_eq!(ids(now.history.items), [third.id, second.id, first.id]);

    let page = standing(1);
    let rest = world
        .service
        .get_verification_standing(contractor.contractor().unwrap(), page.history.next, Limit::default())
        .unwrap();
    assert_eq!(ids(rest.history.items), [second.id, first.id]);
    let kept = first.note.as_deref().zip(first.reason.as_deref());
    assert_eq!(kept, Some(("the registry names somebody else", "the licence is another person's")));
    // Another contractor's are not among them.
    let other = actor(&world.register("eve@example.com", "contractor"));
    let other = world.service.get_verification_standing(other.contractor().unwrap(), None, Limit::default());
    assert!(other.unwrap().history.items.is_empty());
}

/// The world's clock work.
struct Clockwork(Registry);

impl Clockwork {
    fn of(world: &World) -> Self {
        let mut registry = Registry::new();
        let service = IdentityService::new(world.db().clone(), world.keys.clone(), world.settings.clone());
        // Nobody exports anything here.
        let storage = Storage::folder(&std::env::temp_dir()).unwrap();
        let files = FilesService::new(world.db().clone(), storage, files::Settings::default());
        identity::register(&mut registry, Arc::new(service), Arc::new(files));
        Self(registry)
    }

    /// Turns the clock to so long before the end of that last day in Greenwich, and lets run what is due.
    fn until(&self, world: &World, last_day: &str, before: TimeDelta) {
        let last_day: chrono::NaiveDate = last_day.parse().unwrap();
        let end = last_day.succ_opt().unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
        world.database.clock.set(end - before);
        outbox::run_due(world.db(), &self.0).unwrap();
    }
}

/// Which credential was warned of, how many days before its end.
fn warned(world: &World) -> Vec<(i64, i64)> {
    let told = world.events("credential.expiring");
    told.iter().map(|data| (data["ordinal"].as_i64().unwrap(), data["days"].as_i64().unwrap())).collect()
}

#[test]
fn a_contractor_is_warned_30_14_and_1_day_before_a_credential_ends() {
    let world = World::new();
    let (admin, clockwork) = (world.admin(), Clockwork::of(&world));
    let last = world.today().checked_add_days(Days::new(40)).unwrap().to_string();
    world.verified_contractor("bob@example.com", &admin, &last);
    let second = TimeDelta::seconds(1);
    for (days, expected) in [(30, 1), (14, 2), (1, 3)] {
        clockwork.until(&world, &last, TimeDelta::days(days) + second);
        assert_eq!(warned(&world).len(), expected - 1, "{days}");
        clockwork.until(&world, &last, TimeDelta::days(days) - second);
        assert_eq!(warned(&world).len(), expected, "{days}");
    }
    // The licence is the first of the two; the insurance holds for decades.
    assert_eq!(warned(&world), [(0, 30), (0, 14), (0, 1)]);
    assert_eq!(world.events("verification.expired").len(), 0);
    clockwork.until(&world, &last, TimeDelta::zero() - second);
    assert_eq!(world.events("verification.expired").len(), 1);
    clockwork.until(&world, &last, TimeDelta::days(-60));
    assert_eq!((warned(&world).len(), world.events("verification.expired").len()), (3, 1));
    assert_eq!(world.database.count("outbox.tasks WHERE state = 'PARKED'"), 0);
}

#[test]
fn warnings_that_fall_before_the_approval_are_skipped_and_missed_ones_are_not_made_up_for() {
    let world = World::new();
    let (admin, clockwork) = (world.admin(), Clockwork::of(&world));
    let soon = world.today().checked_add_days(Days::new(10)).unwrap().to_string();
    world.verified_contractor("soon@example.com", &admin, &soon);
    let later = world.today().checked_add_days(Days::new(60)).unwrap().to_string();
    world.verified_contractor("later@example.com", &admin, &later);
    // Nothing ran until two hours before the first ends.
    clockwork.until(&world, &soon, TimeDelta::hours(2));
    assert_eq!(warned(&world), [(0, 1)]);
    // Nothing ran until ten days before the second ends.
    clockwork.until(&world, &later, TimeDelta::days(10));
    assert_eq!(warned(&world), [(0, 1), (0, 14)]);
}

#[test]
fn what_was_approved_before_there_were_warnings_is_watched_too() {
    let world = World::new();
    let (admin, clockwork) = (world.admin(), Clockwork::of(&world));
    let soon = world.today().checked_add_days(Days::new(10)).unwrap().to_string();
    let later = world.today().checked_add_days(Days::new(40)).unwrap().to_string();
    let short = world.verified_contractor("short@example.com", &admin, &soon);
    let long = world.verified_contractor("long@example.com", &admin, &later);
    let waits = actor(&world.register("waits@example.com", "contractor"));
    hand_in(&world, &waits, "2080-01-01").unwrap();
    let unwatched = "identity.verifications WHERE watched_at IS NULL";
    assert_eq!(world.database.count(unwatched), 1, "the one that nobody decided");
    // As an earlier version of the program left them.
    world.database.execute(
        "DELETE FROM outbox.tasks WHERE kind IN ('identity.remind_of_expiry', 'identity.expire_verification')",
    );
    world.database.execute("UPDATE identity.verifications SET watched_at = NULL");

    // The first ended before the new version came round to it: that is told, and no warning is made up for.
    clockwork.until(&world, &soon, TimeDelta::days(9));
    clockwork.until(&world, &soon, TimeDelta::days(-2));
    assert!(warned(&world).is_empty());
    assert_eq!(world.events("verification.expired").len(), 1);
    assert!(!world.may_bid(&short) && world.may_bid(&long));
    assert_eq!(world.database.count(&format!("{unwatched} AND state = 'APPROVED'")), 0);
    let arranged = "outbox.tasks WHERE kind IN ('identity.remind_of_expiry', 'identity.expire_verification')
        AND state = 'QUEUED'";
    // Three warnings of each insurance; of the second licence two, for the first of its is past, and the end.
    assert_eq!(world.database.count(arranged), 3 + 3 + 2 + 1);

    for (before, expected) in [(TimeDelta::days(29), 0), (TimeDelta::days(13), 1), (TimeDelta::hours(2), 2)] {
        clockwork.until(&world, &later, before);
        assert_eq!(warned(&world).len(), expected, "{before}");
    }
    clockwork.until(&world, &later, TimeDelta::seconds(-1));
    assert_eq!(world.events("verification.expired").len(), 2);
    assert!(!world.may_bid(&long));
}

#[test]
fn what_was_superseded_neither_warns_nor_ends() {
    let world = World::new();
    let (admin, clockwork) = (world.admin(), Clockwork::of(&world));
    let last = world.today().checked_add_days(Days::new(40)).unwrap().to_string();
    let contractor = world.verified_contractor("bob@example.com", &admin, &last);
    clockwork.until(&world, &last, TimeDelta::days(29));
    assert_eq!(warned(&world), [(0, 30)]);
    let renewal = hand_in(&world, &contractor, "2080-01-01").unwrap();
    // While the renewal waits, the old one is warned of as before.
    clockwork.until(&world, &last, TimeDelta::days(13));
    assert_eq!(warned(&world), [(0, 30), (0, 14)]);
    decide(&world, &admin, &renewal, approval()).unwrap();
    clockwork.until(&world, &last, TimeDelta::days(-2));
    assert_eq!(warned(&world).len(), 2);
    assert!(world.events("verification.expired").is_empty());
    assert!(world.may_bid(&contractor));
}

#[test]
fn each_credential_is_warned_of_by_the_clock_of_its_place() {
    let world = World::new();
    let (admin, clockwork) = (world.admin(), Clockwork::of(&world));
    let last = world.today().checked_add_days(Days::new(40)).unwrap().to_string();
    let contractor = actor(&world.register("bob@example.com", "contractor"));
    let form = VerificationForm {
        licences: vec![credential(&last, "Pacific/Auckland"), credential(&last, "America/Chicago")],
        insurance: credential(&last, "UTC"),
    };
    let submission = VerificationSubmission::new(&form, &world.settings).unwrap();
    let pending = world.service.submit_verification(contractor.contractor().unwrap(), submission).unwrap();
    let approved = decide(&world, &admin, &pending, approval()).unwrap();
    // Bidding stops when the last licence or the last insurance has ended: here the insurance, at midnight in Greenwich.
    let end = last.parse::<chrono::NaiveDate>().unwrap().succ_opt().unwrap().and_hms_opt(0, 0, 0).unwrap();
    assert_eq!(approved.valid_until, Some(end.and_utc()));
    let half = TimeDelta::minutes(30);
    clockwork.until(&world, &last, TimeDelta::days(30) + half);
    assert_eq!(warned(&world), [(0, 30)], "it is tomorrow in Auckland");
    clockwork.until(&world, &last, TimeDelta::days(30) - half);
    assert_eq!(warned(&world), [(0, 30), (2, 30)]);
    clockwork.until(&world, &last, TimeDelta::days(30) - TimeDelta::hours(7));
    assert_eq!(warned(&world), [(0, 30), (2, 30), (1, 30)]);
    assert!(world.database.clock.now() < end.and_utc());
}
