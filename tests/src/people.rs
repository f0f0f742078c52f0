//! People to test with: each with an account, a session and a client of their own.

use std::sync::atomic::{AtomicU32, Ordering};

use gateway::demo::stage::Part;
use kernel::{Actor, Role};
use serde_json::{Value, json};

use crate::{Person, TestApp};

/// What everybody signs in with here.
pub const PASSWORD: &str = "violet-mural-97-kestrel";

impl TestApp {
    /// A homeowner called Ada Lovelace, signed in, with a verified address.
    pub async fn homeowner(&self) -> Person {
        self.person(Role::Homeowner).await
    }

    /// A contractor called Bob Mason, signed in, with a verified address and no papers: may not bid.
    pub async fn contractor(&self) -> Person {
        self.person(Role::Contractor).await
    }

    /// A contractor whose licence and insurance were found good: may bid.
    pub async fn verified_contractor(&self) -> Person {
        let contractor = self.contractor().await;
        let player = contractor.player().clone();
        self.on_stage(move |stage| stage.verify(&player, &Actor::system("test"))).await;
        contractor
    }

    /// An administrator.
    pub async fn admin(&self) -> Person {
        self.person(Role::Admin).await
    }

    async fn person(&self, role: Role) -> Person {
        let (name, who) = match role {
            Role::Homeowner => ("Ada Lovelace", "homeowner"),
            Role::Contractor => ("Bob Mason", "contractor"),
            Role::Admin => ("Grace Hopper", "admin"),
        };
        let email = unique_email(who);
        let written = email.clone();
        let player = self
            .on_stage(move |stage| stage.enter(&Part { name, email: &email, password: PASSWORD, role }))
            .await;
        self.anyone().played(player, &written, PASSWORD)
    }

    /// Somebody who has just registered: signed in, the address not yet verified.
    pub async fn newcomer(&self, user_type: &str, name: &str) -> Person {
        let email = unique_email(user_type);
        let form = json!({ "email": email, "password": PASSWORD, "userType": user_type, "name": name });
        let answer = self.anyone().post("/api/auth/register", form).await.expect(201);
        self.signed_in(&answer, &email, PASSWORD)
    }

    /// Somebody with an account, in a session of its own.
    pub async fn sign_in(&self, email: &str, password: &str) -> Person {
        let form = json!({ "email": email, "password": password });
        let answer = self.anyone().post("/api/auth/login", form).await.expect(200);
        self.signed_in(&answer, email, password)
    }

    /// Whoever this answer to a registration, sign-in or refresh is about.
    #[must_use]
    pub fn signed_in(&self, answer: &Value, email: &str, password: &str) -> Person {
        let text =
            |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Person {
            id: text("/user/id"),
            party: text("/user/partyId"),
            email: email.to_owned(),
            password: password.to_owned(),
            token: Some(text("/accessToken")),
            refresh_token: Some(text("/refreshToken")),
            ..self.anyone()
        }
    }

    /// Takes the address as proven, as if the link in the mail had been followed.
    pub fn verify_email(&self, person: &Person) {
        self.database.execute(&format!(
            "UPDATE identity.people SET email_verified_at = app.clock() WHERE email = '{}'",
            person.email
        ));
    }

    /// Suspends an account.
    pub fn suspend(&self, person: &Person) {
        self.database.execute(&format!(
            "UPDATE identity.people SET suspended_at = app.clock() WHERE email = '{}'",
            person.email
        ));
    }
}

/// A licence and an insurance that hold for long.
#[must_use]
pub fn papers() -> Value {
    let credential = |number: &str| {
        json!({
            "number": number, "holder": "Mason Tiles LLC", "place": "Texas",
            "timeZone": "America/Chicago", "expiresOn": "2090-06-30",
        })
    };
    json!({ "licences": [credential("TX-48813")], "insurance": credential("INS-20431") })
}

/// An address that nobody else in this process has.
#[must_use]
pub fn unique_email(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{}{}@example.com", name.to_lowercase(), NEXT.fetch_add(1, Ordering::Relaxed))
}
