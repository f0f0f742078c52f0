//! Administrators find people, fast; and one administrator always stays.

use diesel::prelude::*;
use identity::{
    AccountFilter, AccountOrder, AccountState, Error, IdentityCommands, IdentityQueries, Reason,
    VerificationFilter,
};
use kernel::{Actor, Limit, Role};

use crate::world::World;

/// Enough that reading them all costs more than any index.
const CROWD: u32 = 40_000;

fn crowd(world: &World) {
    world.database.execute(&format!(
        "INSERT INTO identity.people
            (id, role, email, email_canonical, password_hash, pepper_id, full_name, time_zone, created_at, updated_at,
             email_verified_at, suspended_at)
         SELECT gen_random_uuid(), CASE WHEN i % 3 = 0 THEN 'CONTRACTOR' ELSE 'HOMEOWNER' END,
                'user' || i || '@example.com', 'user' || i || '@example.com', '', '',
                (ARRAY['Ada','Élodie','Łukasz','Bob','Grace','Jürgen','Zoë'])[1 + i % 7] || ' Nr' || i % 5000, 'UTC',
                app.clock() - i * interval '1 minute', app.clock(),
                CASE WHEN i % 20 <> 0 THEN app.clock() END, CASE WHEN i % 997 = 0 THEN app.clock() END
         FROM generate_series(1, {CROWD}) i"
    ));
    world.database.execute("VACUUM ANALYZE identity.people");
}

/// How many people are found, and whether all people were read for it.
fn found(world: &World, admin: &Actor, filter: &AccountFilter) -> (usize, bool) {
    #[derive(QueryableByName)]
    struct Scans {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        scans: i64,
    }
    let asked: Result<(usize, i64), Error> = world.db().unit(|| {
        let page = world.service.list_accounts(admin.admin()?, filter, None, Limit::default())?;
        let scans = world.db().read(|conn| -> Result<Scans, database::Error> {
            Ok(diesel::sql_query("SELECT pg_stat_get_xact_numscans('identity.people'::regclass) AS scans")
                .get_result(conn)?)
        })?;
        Ok((page.items.len(), scans.scans))
    });
    let (count, scans) = asked.unwrap();
    (count, scans > 0)
}

#[test]
fn finding_people_reads_no_more_than_it_needs() {
    let world = World::new();
    let admin = world.admin();
    crowd(&world);
    let words = |words: &str| AccountFilter { words: Some(words.to_owned()), ..AccountFilter::default() };
    let all = AccountFilter::default();
    let filters = [
        (all.clone(), 20),
        (words("user12345"), 1),
        (words("elodie nr12"), 20),
        (words("nobody"), 0),
        (words("luk user39992"), 0),
        (AccountFilter { role: Some(Role::Contractor), ..all.clone() }, 20),
        (AccountFilter { role: Some(Role::Admin), ..all.clone() }, 1),
        (AccountFilter { state: Some(AccountState::Suspended), ..all.clone() }, 20),
        (AccountFilter { email_verified: Some(false), ..all.clone() }, 20),
        (AccountFilter { verification: Some(VerificationFilter::Pending), ..all.clone() }, 0),
        (AccountFilter { verification: Some(VerificationFilter::None), ..all }, 20),
    ];
    for (filter, expected) in filters {
        for order in [AccountOrder::Newest, AccountOrder::Name] {
            let filter = AccountFilter { order, ..filter.clone() };
            assert_eq!(found(&world, &admin, &filter), (expected, false), "{filter:?}");
        }
    }
}

#[test]
fn the_operator_does_not_suspend_the_last_administrator_either() {
    let world = World::new();
    let admin = world.admin();
    let operator = Actor::system("operator");
    let reason = Reason::new("Left the house.").unwrap();
    let id = admin.person.unwrap();
    let refused = world.service.suspend_person(operator.admin().unwrap(), id, &reason);
    assert!(matches!(refused, Err(Error::LastAdministrator)), "{refused:?}");
    assert!(world.events("person.suspended").is_empty());
    // Somebody else it does, and says that it was nobody.
    let ada = world.register("ada@example.com", "customer");
    let suspended = world.service.suspend_person(operator.admin().unwrap(), ada.person.id, &reason).unwrap();
    assert_eq!(suspended.suspension.unwrap().suspended_by, None);
    assert_eq!(world.events("person.suspended").len(), 1);
}
