//! The gateway under test.

use std::sync::Arc;

use database::{Db, PoolConfig};
use escrow::provider::SignatureSecret;
use escrow::provider::simulated::{SimulatedProvider, SimulatedSettings};
use gateway::{Server, ServerConfig, routes};
use identity::{Caller, Registration, RegistrationForm};
use notifications::{Mail, MailError, Mailer};
use platform::{Parts, Platform, Settings};
use reqwest::{Client, Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use testing::TestDatabase;

use crate::probe;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple 9";

/// A server with the probe's operations, its database and a client.
pub(crate) struct House {
    pub(crate) database: TestDatabase,
    pub(crate) platform: Platform,
    pub(crate) provider: Arc<SimulatedProvider>,
    pub(crate) server: Server,
    pub(crate) base: String,
    client: Client,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

/// These tests send no mail.
struct NoMail;

impl Mailer for NoMail {
    fn send(&self, _: &Mail) -> Result<(), MailError> {
        Ok(())
    }

    fn describe(&self) -> String {
        "nowhere".to_owned()
    }
}

/// The payment provider, on connections of its own.
fn provider_beside(database: &TestDatabase) -> SimulatedProvider {
    let db =
        Db::connect(&PoolConfig { max_connections: 1, ..PoolConfig::new(database.url.clone()) }).unwrap();
    let secret = SignatureSecret::new("the provider's secret, for tests only");
    SimulatedProvider::new(db, Arc::new(database.clock.clone()), secret, SimulatedSettings::default())
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// With other settings.
    pub(crate) fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let database = TestDatabase::new();
        let settings = Self::settings();
        let provider = Arc::new(provider_beside(&database));
        let parts = Parts {
            db: database.db.clone(),
            clock: Arc::new(database.clock.clone()),
            secrets: identity::Secrets::random(),
            payments: provider.clone(),
            mailer: Arc::new(NoMail),
            providers: identity::Providers::none(),
            // Nothing here sends a file.
            storage: files::Storage::folder(&std::env::temp_dir().join("fairtrade-gateway-tests")).unwrap(),
            settings,
        };
        let platform = Platform::new(parts).unwrap();
        let mut config = ServerConfig::local(SecretString::from("s".repeat(32)));
        config.http.workers = 1;
        config.rate_limit.exempt = vec!["127.0.0.0/8".parse().unwrap()];
        config.executor.readers = Some(1);
        config.executor.writers = Some(4);
        config.executor.heavy = Some(1);
        change(&mut config);
        let operations = routes::operations().into_iter().chain(probe::operations()).collect();
        let server = Server::start_with(config, &platform, operations).unwrap();
        let base = format!("http://{}", server.address());
        Self { database, platform, provider, server, base, client: Client::new() }
    }

    /// The product's numbers, with password hashing that takes no time.
    pub(crate) fn settings() -> Settings {
        Settings { identity: identity::Settings::for_tests(), ..Settings::default() }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        send(self.request("POST", path).header("content-type", "application/json").body(body.to_owned()))
            .await
    }

    /// The access token of somebody new.
    pub(crate) async fn sign_up(&self, user_type: &str) -> String {
        self.sign_up_as(user_type).await.1
    }

    /// The e-mail address of somebody new, and an access token; the password is [`PASSWORD`].
    pub(crate) async fn sign_up_as(&self, user_type: &str) -> (String, String) {
        let identity = Arc::clone(&self.platform.commands().identity);
        let email = format!("{}@example.org", uuid::Uuid::now_v7().simple());
        let form = RegistrationForm {
            email: email.clone(),
            password: PASSWORD.to_owned().into(),
            user_type: user_type.into(),
            name: None,
            phone: None,
            time_zone: None,
        };
        let signed_in = tokio::task::spawn_blocking(move || {
            let caller =
                Caller { address: [127, 0, 0, 1].into(), request_id: "test".into(), user_agent: None };
            identity
                .register(&caller, Registration::new(&form, &identity.password_policy()).unwrap())
                .unwrap()
        });
        (email, signed_in.await.unwrap().access.token.expose_secret().to_owned())
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response: Response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        bytes: response.bytes().await.unwrap().to_vec(),
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a problem, after seeing that it is a whole one.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String) {
        let problem = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json", "{problem}");
        assert_eq!(problem["status"], self.status, "{problem}");
        assert_eq!(problem["requestId"], self.header("x-request-id"), "{problem}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }

    /// Place and code of each fault, in order.
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let text = |fault: &Value, key: &str| fault[key].as_str().unwrap().to_owned();
        let problem = self.json();
        let faults = problem["errors"].as_array().into_iter().flatten();
        let mut faults: Vec<_> = faults.map(|fault| (text(fault, "pointer"), text(fault, "code"))).collect();
        faults.sort();
        faults
    }
}
