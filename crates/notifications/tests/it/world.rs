//! A database with people in it, words for what events name, and a post office that can be told to fail.

use std::sync::{Arc, Mutex};

use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::Text;
use identity::{Keys, Secrets};
use kernel::{Actor, PartyId, PersonId, Role, SessionId};
use notifications::{Mail, MailError, Mailer, NotificationsService, Settings, Subjects};
use outbox::{Aggregate, NewEvent, Registry};
use serde_json::{Value, json};
use testing::TestDatabase;
use uuid::Uuid;

/// The words for what events name.
pub(crate) struct Words {
    pub(crate) bidders: Mutex<Vec<PersonId>>,
    pub(crate) job_title: Mutex<String>,
    pub(crate) jobs: Mutex<Vec<String>>,
}

impl Subjects for Words {
    fn job_title(&self, _: &mut PgConnection, job: Uuid) -> Result<Option<String>, Error> {
        Ok(Some(self.job_title.lock().unwrap().clone()).filter(|_| !job.is_nil()))
    }

    fn milestone_title(&self, _: &mut PgConnection, _: Uuid, _: Uuid) -> Result<Option<String>, Error> {
        Ok(Some("First coat".to_owned()))
    }

    fn bidders(&self, _: &mut PgConnection, _: Uuid) -> Result<Vec<PersonId>, Error> {
        Ok(self.bidders.lock().unwrap().clone())
    }

    fn jobs_of(&self, _: &mut PgConnection, _: PersonId) -> Result<Vec<String>, Error> {
        Ok(self.jobs.lock().unwrap().clone())
    }
}

/// Keeps what was sent, and fails as it is told to.
#[derive(Default)]
pub(crate) struct PostOffice {
    pub(crate) sent: Mutex<Vec<Mail>>,
    pub(crate) failing: Mutex<Option<MailError>>,
}

impl Mailer for PostOffice {
    fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if let Some(error) = self.failing.lock().unwrap().clone() {
            return Err(error);
        }
        self.sent.lock().unwrap().push(mail.clone());
        Ok(())
    }

    fn describe(&self) -> String {
        "to the tests".to_owned()
    }
}

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) post: Arc<PostOffice>,
    pub(crate) words: Arc<Words>,
    pub(crate) keys: Keys,
    pub(crate) service: Arc<NotificationsService>,
    pub(crate) registry: Registry,
}

impl World {
    pub(crate) fn new() -> Self {
        let post = Arc::new(PostOffice::default());
        Self::with(post.clone(), post, Settings::default())
    }

    pub(crate) fn with_mailer(mailer: Arc<dyn Mailer>) -> Self {
        Self::with(Arc::default(), mailer, Settings::default())
    }

    pub(crate) fn with(post: Arc<PostOffice>, mailer: Arc<dyn Mailer>, settings: Settings) -> Self {
        let database = TestDatabase::new();
        let keys = Keys::derive(&Secrets::random()).unwrap();
        let words = Arc::new(Words {
            bidders: Mutex::default(),
            job_title: Mutex::new("Paint the fence".to_owned()),
            jobs: Mutex::default(),
        });
        let service =
            NotificationsService::new(database.db.clone(), keys.clone(), words.clone(), mailer, settings);
        let service = Arc::new(service.unwrap());
        let mut registry = Registry::new();
        notifications::register(&mut registry, service.clone());
        outbox::run_due(&database.db, &registry).unwrap();
        Self { database, post, words, keys, service, registry }
    }

    /// Somebody whose address is verified.
    pub(crate) fn person(&self, role: Role, name: &str) -> PersonId {
        let id = self.newcomer(role, name);
        self.database.execute(&format!(
            "UPDATE identity.people SET email_verified_at = app.clock() WHERE id = '{}'",
            id.uuid()
        ));
        id
    }

    /// Somebody whose address is not.
    pub(crate) fn newcomer(&self, role: Role, name: &str) -> PersonId {
        let id = PersonId::new();
        let address = format!("{}@example.org", name.to_lowercase());
        self.database.execute(&format!(
            "INSERT INTO identity.people (id, role, email, email_canonical, password_hash, pepper_id, full_name, time_zone,
                created_at, updated_at)
             VALUES ('{}', '{}', '{address}', '{address}', 'x', 'x', '{name} Lovelace', 'Europe/Berlin', app.clock(), app.clock())",
            id.uuid(),
            role.as_str()
        ));
        id
    }

    pub(crate) fn publish(&self, name: &'static str, data: Value) {
        self.database
            .db
            .transaction::<_, Error>(|tx| {
                outbox::publish(
                    tx,
                    NewEvent {
                        name,
                        version: 1,
                        aggregate: Aggregate { kind: "thing", id: Uuid::now_v7() },
                        request_id: "req-1".to_owned(),
                        data: data.clone(),
                    },
                );
                Ok(())
            })
            .unwrap();
    }

    /// Works off what is due.
    pub(crate) fn run(&self) {
        outbox::run_due(&self.database.db, &self.registry).unwrap();
    }

    pub(crate) fn tell(&self, name: &'static str, data: Value) {
        self.publish(name, data);
        self.run();
    }

    /// Everything that the whole vocabulary can ask for, about these two.
    pub(crate) fn everything(&self, homeowner: PersonId, contractor: PersonId) -> Value {
        let id = |prefix: &str| format!("{prefix}_{}", kernel::id::encode_suffix(Uuid::now_v7()));
        let verification = identity::VerificationId::new();
        self.database.execute(&format!(
            "INSERT INTO identity.verifications (id, contractor_id, state, submitted_at)
             VALUES ('{0}', '{1}', 'SUPERSEDED', app.clock());
             INSERT INTO identity.credentials (id, verification_id, ordinal, kind, number, holder, place, time_zone, expires_on)
             VALUES (gen_random_uuid(), '{0}', 0, 'LICENCE', 'TX-1', 'Bob', 'Texas', 'UTC', '2027-06-30')",
            verification.uuid(),
            contractor.uuid(),
        ));
        json!({
            "personId": homeowner, "partyId": PartyId::from(homeowner), "role": "HOMEOWNER",
            "homeownerId": PartyId::from(homeowner), "contractorId": PartyId::from(contractor),
            "signedBy": PartyId::from(homeowner), "subjectId": PartyId::from(contractor),
            "authorId": PartyId::from(homeowner), "reporterId": PartyId::from(contractor),
            "jobId": id("job"), "bidId": id("bid"), "contractId": id("ctr"), "milestoneId": id("mst"),
            "escrowId": id("esc"), "paymentId": id("pay"), "verificationId": verification, "ordinal": 0, "reviewId": id("rev"),
            "linkTokenId": id("lnk"), "sealed": false, "bySilence": true, "changed": ["description", "budgetMax"], "material": true,
            "inspectionEndsAt": "2026-12-04T09:15:00Z", "expiresAt": "2026-12-04T09:15:00Z",
            "amount": 180_000, "fee": 5_220, "share": 174_780, "part": 1, "currency": "USD",
        })
    }

    /// As if the person of this event wanted another address, by the link of this event.
    pub(crate) fn wish_for_address(&self, data: &Value) {
        let uuid = |key: &str| {
            let suffix = data[key].as_str().unwrap().rsplit_once('_').unwrap().1;
            kernel::id::decode_suffix(suffix).unwrap()
        };
        self.database.execute(&format!(
            "INSERT INTO identity.email_changes
                (person_id, link_token_id, email, email_canonical, former_email, former_verified, requested_at)
             VALUES ('{}', '{}', 'new@example.com', 'new@example.com', 'old@example.com', true, app.clock())
             ON CONFLICT (person_id) DO UPDATE SET link_token_id = excluded.link_token_id",
            uuid("personId"),
            uuid("linkTokenId")
        ));
    }

    /// One text out of the database, as its owner sees it.
    pub(crate) fn text(&self, sql: &str) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            value: String,
        }
        let row: Result<Row, Error> = self.database.owner.read(|conn| {
            Ok(diesel::sql_query(format!("SELECT coalesce(({sql})::text, '') AS value")).get_result(conn)?)
        });
        row.unwrap_or_else(|error| panic!("{sql}: {error}")).value
    }

    /// How the mails stand, as `STATE reason attempts`.
    pub(crate) fn mails(&self) -> String {
        self.text(
            "SELECT string_agg(concat_ws(' ', state, reason, attempts), ', ' ORDER BY created_at, id)
             FROM notifications.deliveries WHERE channel = 'EMAIL'",
        )
    }

    /// Who gets which template, as `name template`, sorted.
    pub(crate) fn told(&self) -> Vec<String> {
        let told = self.text(
            "SELECT string_agg(split_part(p.full_name, ' ', 1) || ' ' || n.template, ',' ORDER BY p.full_name, n.template)
             FROM notifications.notifications n JOIN identity.people p ON p.id = n.person_id",
        );
        told.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect()
    }
}

pub(crate) fn actor(person: PersonId, role: Role) -> Actor {
    Actor::person(person, role, SessionId::new(), true, "req-2")
}
