//! Who plays in the main job, what each hears, and what the books say.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::panic::Location;

use serde_json::{Value, json};
use tests::{PASSWORD, Person, TestApp, unique_email};

/// Everybody, each with a client of their own.
pub(super) struct Cast {
    pub(super) app: TestApp,
    /// Has the work done.
    pub(super) ada: Person,
    /// Does it.
    pub(super) bob: Person,
    /// Would have liked to do it.
    pub(super) eve: Person,
    /// Runs the place.
    pub(super) grace: Person,
    /// How many mails each has opened.
    opened: RefCell<HashMap<String, usize>>,
}

/// What one person was told: templates of the inbox, oldest first.
pub(super) type Told<'a> = (&'a Person, &'a [&'a str]);

impl Cast {
    /// A homeowner and two contractors register; an administrator is there, made by the command.
    pub(super) async fn register() -> Self {
        let app = TestApp::start().await;
        let admin = app.admin().await;
        let grace = app.sign_in(&admin.email, &admin.password).await;
        let ada = register(&app, "customer", "Ada Lovelace").await;
        let bob = register(&app, "contractor", "Bob Mason").await;
        let eve = register(&app, "Contractor", "Eve Tiler").await;
        Self { app, ada, bob, eve, grace, opened: RefCell::default() }
    }

    /// Lets what is due happen, and looks into every inbox and letter box: these people were told this and nobody anything else, each
    /// thing once in the inbox and once by mail.
    #[track_caller]
    pub(super) fn told<'a>(&'a self, expected: &'a [Told<'a>]) -> impl Future<Output = ()> + 'a {
        let place = Location::caller();
        async move {
            self.app.settle().await;
            for person in [&self.ada, &self.bob, &self.eve, &self.grace] {
                let named = expected.iter().find(|(who, _)| who.id == person.id);
                let news = self.news(person).await;
                assert_eq!(
                    texts(&news, "template"),
                    named.map_or(&[][..], |(_, what)| what),
                    "{} at {place}",
                    person.email
                );
                let (mut titles, mut headlines) = (texts(&news, "title"), self.headlines(person));
                titles.sort_unstable();
                headlines.sort_unstable();
                assert_eq!(headlines, titles, "mailed to {} at {place}", person.email);
            }
        }
    }

    /// The unread notifications of somebody, oldest first; they are read now.
    pub(super) async fn news(&self, person: &Person) -> Vec<Value> {
        let page = person.get("/api/notifications?unread=true&limit=100").await.expect(200);
        person.post_empty("/api/notifications/read-all").await.expect(200);
        let mut news = page["data"].as_array().cloned().unwrap_or_default();
        news.reverse();
        news
    }

    /// The headlines of the mails that came since somebody last looked.
    pub(super) fn headlines(&self, person: &Person) -> Vec<String> {
        let mails = self.app.mails_to(&person.email);
        let opened = self.opened.borrow_mut().insert(person.email.clone(), mails.len()).unwrap_or_default();
        mails[opened..].iter().map(|mail| headline(mail)).collect()
    }

    /// The books balance, and these kinds of account have these balances; every other has none.
    #[track_caller]
    pub(super) fn books<'a>(&'a self, expected: &'a [(&'a str, i64)]) -> impl Future<Output = ()> + 'a {
        let place = Location::caller();
        async move {
            let balance = self.grace.get("/api/admin/ledger/trial-balance").await.expect(200);
            assert_eq!(balance["balanced"], true, "{balance} at {place}");
            let lines = balance["lines"].as_array().cloned().unwrap_or_default();
            let amount = |line: &Value, side: &str| line[side].as_i64().unwrap_or_default();
            let found: BTreeMap<&str, i64> = lines
                .iter()
                .map(|line| {
                    (
                        line["kind"].as_str().unwrap_or_default(),
                        amount(line, "creditAmount") - amount(line, "debitAmount"),
                    )
                })
                .filter(|(_, balance)| *balance != 0)
                .collect();
            assert_eq!(found, expected.iter().copied().collect(), "{balance} at {place}");
        }
    }
}

async fn register(app: &TestApp, user_type: &str, name: &str) -> Person {
    let email = unique_email(user_type);
    let form = json!({ "email": email, "password": PASSWORD, "userType": user_type, "name": name });
    let answer = app.anyone().post("/api/auth/register", form).await.expect(201);
    app.signed_in(&answer, &email, PASSWORD)
}

fn texts(news: &[Value], field: &str) -> Vec<String> {
    news.iter().map(|one| one[field].as_str().unwrap_or_default().to_owned()).collect()
}

/// What a mail is about, as a program that shows HTML would put above it.
fn headline(mail: &str) -> String {
    let whole = mail.replace("=\r\n", "");
    let title = whole.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    title.map(|(title, _)| unquoted(title)).unwrap_or_default()
}

/// Quoted-printable as text.
fn unquoted(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let coded =
            others.get(..2).filter(|_| *first == b'=').and_then(|code| std::str::from_utf8(code).ok());
        match coded.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|error| panic!("{text}: {error}"))
}
