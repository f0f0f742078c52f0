//! A service over a database of the test's own, and people in it.

use std::net::IpAddr;
use std::time::Duration;

use database::Db;
use identity::{
    Caller, CredentialForm, Decision, IdentityCommands, IdentityQueries, IdentityService, Keys, Login,
    NewAdmin, Registration, RegistrationForm, Secrets, Settings, SignedIn, VerificationForm,
    VerificationSubmission,
};
use kernel::{Actor, Clock, PartyId, PersonId};
use secrecy::SecretString;
use serde_json::Value;
use testing::TestDatabase;

pub(crate) const PASSWORD: &str = "violet-mural-97-kestrel";

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) service: IdentityService,
    pub(crate) secrets: Secrets,
    pub(crate) keys: Keys,
    pub(crate) settings: Settings,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::for_tests())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self::over(TestDatabase::new(), settings)
    }

    pub(crate) fn over(database: TestDatabase, settings: Settings) -> Self {
        let secrets = Secrets::random();
        let keys = Keys::derive(&secrets).unwrap();
        let service = IdentityService::new(database.db.clone(), keys.clone(), settings.clone());
        Self { database, service, secrets, keys, settings }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.database.db
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.database.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn register(&self, email: &str, user_type: &str) -> SignedIn {
        self.service.register(&caller("192.0.2.1"), self.registration(email, user_type)).unwrap()
    }

    pub(crate) fn registration(&self, email: &str, user_type: &str) -> Registration {
        let form = RegistrationForm { name: Some("Ada Lovelace".to_owned()), ..form(email, user_type) };
        Registration::new(&form, &self.service.password_policy()).unwrap()
    }

    pub(crate) fn login(&self, email: &str, password: &str, from: &str) -> Result<SignedIn, identity::Error> {
        let signed_in = self.service.login(&caller(from), Login::new(email, password))?;
        Ok(signed_in.into_signed_in().unwrap())
    }

    pub(crate) fn admin(&self) -> Actor {
        self.admin_called("root@example.com")
    }

    pub(crate) fn admin_called(&self, email: &str) -> Actor {
        let policy = self.service.password_policy();
        let password = SecretString::from(PASSWORD);
        let admin = NewAdmin::new(email, &password, Some("Grace Hopper"), &policy).unwrap();
        self.service.create_admin(&caller("127.0.0.1"), admin).unwrap();
        actor(&self.login(email, PASSWORD, "127.0.0.1").unwrap())
    }

    /// A contractor whose credentials end on this day, approved.
    pub(crate) fn verified_contractor(&self, email: &str, admin: &Actor, last_day: &str) -> Actor {
        let contractor = actor(&self.register(email, "contractor"));
        let submission = submission(last_day, "UTC", &self.settings);
        let handed_in =
            self.service.submit_verification(contractor.contractor().unwrap(), submission).unwrap();
        let approval = Decision::approve(Some("seen the originals")).unwrap();
        self.service.decide_verification(admin.admin().unwrap(), handed_in.id, approval).unwrap();
        contractor
    }

    pub(crate) fn may_bid(&self, contractor: &Actor) -> bool {
        let party = contractor.party;
        self.db().transaction(|tx| identity::contractor_may_bid(tx, party)).unwrap()
    }

    /// The data of every event of that name, oldest first.
    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        use diesel::prelude::*;
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Jsonb)]
            data: Value,
        }
        let rows: Result<Vec<Row>, database::Error> = self.database.owner.read(|conn| {
            Ok(diesel::sql_query("SELECT data FROM outbox.events WHERE name = $1 ORDER BY ticket")
                .bind::<diesel::sql_types::Text, _>(name)
                .load(conn)?)
        });
        rows.unwrap().into_iter().map(|row| row.data).collect()
    }

    pub(crate) fn suspend(&self, person: PersonId) {
        self.database.execute(&format!(
            "UPDATE identity.people SET suspended_at = app.clock() WHERE id = '{}'",
            person.uuid()
        ));
    }

    pub(crate) fn today(&self) -> chrono::NaiveDate {
        self.database.clock.now().date_naive()
    }
}

pub(crate) fn caller(address: &str) -> Caller {
    Caller { address: address.parse::<IpAddr>().unwrap(), request_id: "req-1".to_owned(), user_agent: None }
}

pub(crate) fn form(email: &str, user_type: &str) -> RegistrationForm {
    RegistrationForm {
        email: email.to_owned(),
        password: SecretString::from(PASSWORD),
        user_type: user_type.to_owned(),
        name: None,
        phone: None,
        time_zone: None,
    }
}

pub(crate) fn actor(signed_in: &SignedIn) -> Actor {
    let person = &signed_in.person;
    Actor::person(person.id, person.role, signed_in.session, person.email_verified_at.is_some(), "req-2")
}

pub(crate) fn credential(last_day: &str, zone: &str) -> CredentialForm {
    CredentialForm {
        trade: None,
        number: "TX-48813".to_owned(),
        holder: "Ada Lovelace".to_owned(),
        place: "Texas".to_owned(),
        time_zone: zone.to_owned(),
        expires_on: last_day.parse().unwrap(),
    }
}

pub(crate) fn submission(last_day: &str, zone: &str, settings: &Settings) -> VerificationSubmission {
    let form = VerificationForm {
        licences: vec![credential(last_day, zone)],
        insurance: credential("2090-01-01", "UTC"),
    };
    VerificationSubmission::new(&form, settings).unwrap()
}

pub(crate) fn party(actor: &Actor) -> PartyId {
    actor.party
}
