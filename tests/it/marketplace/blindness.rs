//! Bidding is blind: while a job is open, nothing that anyone but owner and bidder can see changes because of a bid. What there is to
//! see is taken from the OpenAPI document, so that an operation nobody thought of is looked at too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Person, TestApp};

use super::{ahead, nothing, text};

/// What differs between any two answers: when it was given, which request it answers, how many more are allowed, and whether the
/// connection is kept (a body that came too late to be read ends it).
const VARYING_HEADERS: [&str; 5] = ["date", "x-request-id", "ratelimit", "ratelimit-policy", "connection"];
/// An `If-Match` that no version of ours fits: commands are judged, and change nothing.
const STALE: &str = "\"999999.0\"";
/// Stands in what was asked for the id of the rival's bid, which is another after each.
const RIVALS_BID: &str = "<the rival's bid>";

/// The same for what is attached to it.
const RIVALS_FILE: &str = "<the rival's file>";
/// A place around which there are jobs.
const AROUND: &str = "lat=30.27&lng=-97.74&radius=60";

/// The operator's token for the figures.
const OPERATOR: &str = "the operator's own token";

/// Who looks, and what they may know of the job.
struct Viewer {
    who: &'static str,
    person: Person,
    /// Their own bid on it.
    bid: Option<String>,
}

/// A job, who looks at it, and a rival about to bid.
struct Market {
    app: TestApp,
    document: Value,
    ada: Person,
    rival: Person,
    job: String,
    /// Another of the owner's, without any bid.
    lonely: String,
    /// Where the rival's bid is, and until there is one the id of nothing.
    rivals_bid: String,
    /// The same of what is attached to it.
    rivals_file: String,
    viewers: Vec<Viewer>,
    /// People whom paths may name.
    people: Vec<Person>,
    /// Contracts and the like that are not there.
    absent: BTreeMap<&'static str, String>,
}

/// What a viewer was answered, by what was asked.
type View = BTreeMap<String, String>;

impl Market {
    async fn new(sealed: bool) -> Self {
        let app = TestApp::start_with(|config| config.metrics.token = Some(OPERATOR.to_owned().into())).await;
        let document = app.anyone().get("/api-docs/openapi.json").await.expect(200);
        let (ada, eve) = (app.homeowner().await, app.homeowner().await);
        let (bidder, onlooker) = (app.verified_contractor().await, app.verified_contractor().await);
        let rival = app.verified_contractor().await;
        // More jobs, so that lists have an order and a second page, and one more bid of the bidder's.
        let other = app.open_job(&eve).await;
        app.bid(&bidder, &other).await;
        let job = if sealed { app.sealed_job(&ada).await } else { app.open_job(&ada).await };
        // One that nobody bids on before the rival does.
        let lonely = if sealed { app.sealed_job(&ada).await } else { app.open_job(&ada).await };
        let own = app.bid(&bidder, &job).await;
        // As many bids as on the job itself: one more there changes an order by their number.
        let balance = app.open_job(&ada).await;
        app.bid(&bidder, &balance).await;
        let viewer = |who, person: &Person| Viewer { who, person: person.clone(), bid: None };
        let mut viewers = vec![
            viewer("somebody signed out", &app.anyone()),
            viewer("another homeowner", &eve),
            viewer("a contractor without a bid", &onlooker),
            viewer("a contractor without papers", &app.contractor().await),
            viewer("an administrator", &app.admin().await),
            Viewer { bid: Some(own), ..viewer("a contractor with a bid", &bidder) },
        ];
        if sealed {
            // A stranger to the bids until the deadline.
            viewers.push(viewer("the owner", &ada));
        }
        app.settle().await;
        let people = vec![ada.clone(), bidder, rival.clone()];
        let absent = [
            ("contractId", "ctr"),
            ("escrowId", "esc"),
            ("accountId", "acc"),
            ("verificationId", "ver"),
            ("documentId", "fil"),
            ("exportId", "exp"),
            ("reviewId", "rev"),
        ];
        let absent = absent.map(|(name, prefix)| (name, nothing(prefix))).into();
        let (rivals_bid, rivals_file) = (nothing("bid"), nothing("att"));
        Self { app, document, ada, rival, job, lonely, rivals_bid, rivals_file, viewers, people, absent }
    }

    /// Every operation of the document: method, path and itself.
    fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
    }

    /// Everything to read: each `GET` of the document with each thing it may be about, plain and with each of its filters. What
    /// tells of the server itself (its health and figures) knows nothing of any job.
    fn readings(&self) -> Vec<String> {
        // The audit trail grows by every refused look: of it only what was done is read, in `trail`.
        // Each sign-in at a provider begins with another random state.
        let changes_by_itself =
            |path: &str| path == "/api/admin/audit" || path.starts_with("/api/auth/oauth/");
        let reads = self.operations().filter(|(method, path, operation)| {
            *method == "get" && operation["tags"] != json!(["operation"]) && !changes_by_itself(path)
        });
        reads
            .flat_map(|(_, path, operation)| {
                let queries = self.queries(operation);
                let paths = self.paths(path);
                paths.into_iter().flat_map(move |path| {
                    queries.clone().into_iter().map(move |query| format!("{path}{query}"))
                })
            })
            .chain(self.trail())
            .collect()
    }

    /// What an administrator reads of what was done: all of it, and by each filter that would find a bid.
    fn trail(&self) -> Vec<String> {
        let done = "/api/admin/audit?outcome=DONE";
        let (job, rival, owner) = (&self.job, &self.rival.id, &self.ada.id);
        let mut all = vec![
            done.to_owned(),
            format!("{done}&object={job}"),
            format!("{done}&object={RIVALS_BID}"),
            format!("{done}&actor={rival}"),
            format!("{done}&actor={owner}"),
        ];
        for (method, path, operation) in self.operations() {
            if method != "get" && path.starts_with("/api/bids") {
                all.push(format!("{done}&action={}", operation["operationId"].as_str().unwrap_or_default()));
            }
        }
        all
    }

    /// The figures for operators, without their values: they tell of nobody in particular.
    async fn figures(&self) -> BTreeSet<String> {
        let mut operator = self.app.anyone();
        operator.token = Some(OPERATOR.to_owned());
        let answer = operator.get("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        let series = text.lines().filter(|line| !line.starts_with('#'));
        series.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned()).collect()
    }

    /// Fails when a figure is one job's, one bid's or one person's.
    async fn assert_no_figure_of_anybody(&self) {
        let people = self.people.iter().chain([&self.ada, &self.rival]);
        let ids = people.flat_map(|person| [person.id.clone(), person.party.clone()]);
        let ids = ids.chain([
            self.job.clone(),
            self.lonely.clone(),
            self.rivals_bid.clone(),
            self.rivals_file.clone(),
        ]);
        // With its prefix, without it, and as the database has it.
        let forms: Vec<String> = ids.flat_map(|id| forms_of(&id)).collect();
        for series in self.figures().await {
            assert!(!forms.iter().any(|form| series.contains(form)), "{series}");
        }
    }

    /// A path with everything that its parameter may stand for.
    fn paths(&self, path: &str) -> Vec<String> {
        let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
        let Some((name, after)) = rest.split_once('}') else { panic!("{path} is no path") };
        let parties = self.people.iter().map(|person| person.party.clone());
        let things: Vec<String> = match name {
            "jobId" => vec![self.job.clone()],
            "id" => vec![self.job.clone(), self.lonely.clone(), RIVALS_BID.to_owned()],
            "bidId" => vec![RIVALS_BID.to_owned()],
            "attachmentId" => vec![RIVALS_FILE.to_owned()],
            "contractorId" => parties.collect(),
            "userId" => self.people.iter().map(|person| person.id.clone()).chain(parties).collect(),
            other => match self.absent.get(other) {
                Some(absent) => vec![absent.clone()],
                None => panic!(
                    "say here what {other} of {path} may stand for, so that nobody learns of a bid there"
                ),
            },
        };
        things.iter().flat_map(|thing| self.paths(&format!("{before}{thing}{after}")[..])).collect()
    }

    /// The queries of an operation: none, a small page, each value of each filter, and where it asks around a place, each order there.
    fn queries(&self, operation: &Value) -> Vec<String> {
        let mut queries = vec![String::new()];
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let takes = |name: &str| parameters.iter().find(|parameter| parameter["name"] == name);
        if takes("lat").is_some() && takes("radius").is_some() {
            let orders = takes("sort").map(|sort| self.resolved(&sort["schema"])["enum"].clone());
            let orders = orders.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            queries.push(format!("?{AROUND}"));
            queries.extend(
                orders.iter().filter_map(Value::as_str).map(|order| format!("?{AROUND}&sort={order}")),
            );
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                continue;
            }
            let name = parameter["name"].as_str().unwrap_or_default();
            let schema = self.resolved(&parameter["schema"]);
            let values: Vec<String> = match (name, schema["type"].as_str(), schema["enum"].as_array()) {
                // Followed from page to page instead.
                ("cursor", ..) => Vec::new(),
                ("limit", ..) => vec!["1".to_owned()],
                ("category" | "trade" | "skills", ..) => vec!["painting".to_owned()],
                ("lat" | "lng" | "radius", ..) => vec!["30".to_owned()],
                ("minRating", ..) => vec!["4".to_owned()],
                ("q", ..) => vec!["a".to_owned()],
                ("budgetMin" | "budgetMax", ..) => vec!["200000".to_owned()],
                ("postedSince", ..) => vec!["2026-01-01T00:00:00Z".to_owned()],
                ("urgency", ..) => vec!["normal".to_owned()],
                ("country" | "region", ..) => vec!["US".to_owned()],
                ("currency", ..) => vec!["USD".to_owned()],
                ("to", ..) => vec!["2026-10".to_owned()],
                // Signing in by a provider is a dialogue with a browser, and the trail is looked at by a test of its own.
                ("code" | "codeChallenge" | "error" | "iss" | "redirectUri" | "userType", ..)
                | ("action" | "actor" | "object" | "from" | "until", ..)
                | ("state" | "token", Some("string"), None) => Vec::new(),
                (_, Some("boolean"), _) => vec!["true".to_owned(), "false".to_owned()],
                (_, _, Some(words)) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => panic!("say here what the query parameter {name} may be"),
            };
            queries.extend(values.iter().map(|value| format!("?{name}={value}")));
        }
        queries
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let pointer = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
        pointer.and_then(|to| self.document.pointer(to)).unwrap_or(schema)
    }

    /// Commands of a viewer that are refused, each with its path in the document: a refusal must not tell of a bid either.
    fn refusals(&self, viewer: &Viewer) -> Vec<(Method, &'static str, String, Option<Value>)> {
        let (job, rivals) = (format!("/api/jobs/{}", self.job), format!("/api/bids/{}", self.rivals_bid));
        let lower = || Some(json!({ "amount": 1_000, "milestones": [] }));
        let mut all = vec![
            (Method::POST, "/api/jobs", "/api/jobs".to_owned(), Some(json!({}))),
            (Method::PATCH, "/api/jobs/{jobId}", job.clone(), Some(json!({ "title": "Mine" }))),
            (Method::DELETE, "/api/jobs/{jobId}", job.clone(), None),
            (Method::POST, "/api/jobs/{jobId}/publish", format!("{job}/publish"), None),
            (Method::POST, "/api/jobs/{jobId}/complete", format!("{job}/complete"), None),
            // With a body, so that it is refused to contractors too.
            (
                Method::POST,
                "/api/jobs/{jobId}/dismiss",
                format!("{job}/dismiss"),
                Some(json!({ "why": "far" })),
            ),
            (
                Method::DELETE,
                "/api/jobs/{jobId}/dismiss",
                format!("{job}/dismiss"),
                Some(json!({ "why": "near" })),
            ),
            (
                Method::POST,
                "/api/bids",
                "/api/bids".to_owned(),
                Some(json!({ "jobId": self.job, "amount": 99 })),
            ),
            (Method::PATCH, "/api/bids/{id}", rivals.clone(), lower()),
            (Method::POST, "/api/bids/{bidId}/accept", format!("{rivals}/accept"), None),
            (Method::POST, "/api/bids/{bidId}/reject", format!("{rivals}/reject"), None),
            (Method::POST, "/api/bids/{bidId}/withdraw", format!("{rivals}/withdraw"), None),
            (Method::POST, "/api/bids/{bidId}/confirm", format!("{rivals}/confirm"), None),
        ];
        for (add, take, of) in [
            ("/api/jobs/{jobId}/attachments", "/api/jobs/{jobId}/attachments/{attachmentId}", &job),
            ("/api/bids/{bidId}/attachments", "/api/bids/{bidId}/attachments/{attachmentId}", &rivals),
        ] {
            all.push((Method::POST, add, format!("{of}/attachments"), None));
            all.push((Method::DELETE, take, format!("{of}/attachments/{}", self.rivals_file), None));
        }
        let review = json!({ "contractId": self.absent["contractId"], "rating": 1, "quality": 1, "timeliness": 1, "communication": 1 });
        all.push((Method::POST, "/api/reviews", "/api/reviews".to_owned(), Some(review)));
        let review = format!("/api/reviews/{}", self.absent["reviewId"]);
        let decide = format!("/api/admin/reviews/{}/decide", self.absent["reviewId"]);
        let (reply, report) = (json!({ "text": "So?" }), json!({ "reason": "SPAM" }));
        let remove = json!({ "decision": "remove", "reason": "So" });
        all.extend([
            (Method::PATCH, "/api/reviews/{reviewId}", review.clone(), Some(json!({ "rating": 1 }))),
            (Method::POST, "/api/reviews/{reviewId}/reply", format!("{review}/reply"), Some(reply)),
            (Method::POST, "/api/reviews/{reviewId}/report", format!("{review}/report"), Some(report)),
            (Method::POST, "/api/admin/reviews/{reviewId}/decide", decide, Some(remove)),
        ]);
        if let Some(bid) = &viewer.bid {
            let second = json!({ "jobId": self.job, "amount": 90_000 });
            all.push((Method::POST, "/api/bids", "/api/bids".to_owned(), Some(second)));
            all.push((Method::PATCH, "/api/bids/{id}", format!("/api/bids/{bid}"), lower()));
            all.push((Method::POST, "/api/bids/{bidId}/withdraw", format!("/api/bids/{bid}/withdraw"), None));
        }
        all
    }

    async fn view(&self, viewer: &Viewer) -> View {
        let mut view = View::new();
        for path in self.readings() {
            self.read(viewer, &path, &mut view).await;
        }
        for (method, _, path, body) in self.refusals(viewer) {
            let dress = |request: reqwest::RequestBuilder| match &body {
                Some(body) => request.header("if-match", STALE).json(body),
                None => request.header("if-match", STALE),
            };
            let answer = viewer.person.send(method.clone(), &path, dress).await;
            assert!((400..500).contains(&answer.status), "{}: {}", answer.asked, answer.text());
            let asked = path.replace(&self.rivals_bid, RIVALS_BID).replace(&self.rivals_file, RIVALS_FILE);
            let asked = format!("{method} {asked} {body:?}");
            view.insert(asked, written(&answer));
        }
        let mails = self.app.mails_to(&viewer.person.email);
        view.insert(
            "mails".to_owned(),
            if viewer.person.email.is_empty() { String::new() } else { format!("{mails:?}") },
        );
        view
    }

    /// Reads a path, and where it is a list that goes on, all of it.
    async fn read(&self, viewer: &Viewer, path: &str, view: &mut View) {
        let mut cursor = String::new();
        for page in 0.. {
            let asked = format!("{path}{cursor}").replace(RIVALS_BID, &self.rivals_bid);
            let asked = asked.replace(RIVALS_FILE, &self.rivals_file);
            let answer = viewer.person.get(&asked).await;
            assert!(answer.status < 500, "{}: {}", answer.asked, answer.text());
            view.insert(format!("GET {path} page {page}"), written(&answer));
            match answer.json["nextCursor"].as_str() {
                Some(next) => {
                    let separator = if path.contains('?') { '&' } else { '?' };
                    cursor = format!("{separator}cursor={next}");
                }
                None => return,
            }
        }
    }

    async fn views(&self) -> Vec<View> {
        futures_util::future::join_all(self.viewers.iter().map(|viewer| self.view(viewer))).await
    }

    /// Fails with the first thing that somebody sees otherwise than before.
    async fn assert_unchanged(&self, before: &[View], after: &str) {
        self.app.settle().await;
        for ((viewer, before), now) in self.viewers.iter().zip(before).zip(self.views().await) {
            for (asked, answer) in before {
                assert_eq!(now.get(asked), Some(answer), "{} sees of {after}: {asked}", viewer.who);
            }
            assert_eq!(now.len(), before.len(), "{} sees more of {after}", viewer.who);
        }
    }
}

/// An id with its prefix, without it, and as the database has it.
fn forms_of(id: &str) -> Vec<String> {
    let Some((_, suffix)) = id.split_once('_') else { return vec![id.to_owned()] };
    let uuid = kernel::id::decode_suffix(suffix).map(|uuid| uuid.to_string());
    [Some(suffix.to_owned()), uuid.ok()].into_iter().flatten().collect()
}

/// An answer byte by byte, but for what differs between any two.
fn written(answer: &Answer) -> String {
    // What says when it was read has another tag each time.
    let record = answer.json["generatedAt"].is_string();
    // Looking around is using one's session, which is noted once a minute.
    let sessions = answer.json["data"][0]["lastUsedAt"].is_string();
    let dated = record || sessions || answer.json["asOf"].is_string();
    let varies = |name: &str| {
        // An instant that ends in zeros is shorter.
        VARYING_HEADERS.contains(&name) || (dated && ["etag", "content-length"].contains(&name))
    };
    let headers = answer.headers.iter().filter(|(name, _)| !varies(name.as_str()));
    let mut headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort_unstable();
    let mut body = match (record, sessions) {
        (true, _) => lasting(answer.json.clone()),
        (false, true) => unused(answer.json.clone()),
        (false, false) => String::from_utf8_lossy(&answer.bytes).into_owned(),
    };
    // A cursor holds until when it is good, a problem its request's id, the books when they were read.
    for varying in ["nextCursor", "requestId", "asOf"] {
        if let Some(text) = answer.json[varying].as_str() {
            body = body.replace(text, varying);
        }
    }
    format!("{} {headers:?} {body}", answer.status)
}

/// One's sessions without when they were used.
fn unused(mut sessions: Value) -> String {
    for session in sessions["data"].as_array_mut().into_iter().flatten() {
        session["lastUsedAt"].take();
    }
    sessions.to_string()
}

/// A person's record without what their own looking around changes in it: when it was made, what they did, when their sessions were used.
fn lasting(mut record: Value) -> String {
    record["generatedAt"].take();
    record["sections"]["audit"].take();
    for session in record["sections"]["identity"]["sessions"].as_array_mut().into_iter().flatten() {
        session["lastUsedAt"].take();
    }
    record.to_string()
}

impl Market {
    /// The rival bids this much.
    async fn bid(&mut self, amount: i64) {
        self.rivals_bid = self.app.bid_for(&self.rival, &self.job, amount).await;
    }

    /// Where the rival's bid is.
    fn bids_path(&self) -> String {
        format!("/api/bids/{}", self.rivals_bid)
    }

    /// Attaches a photograph to the rival's bid, and takes it away again.
    async fn attach_and_detach(&mut self, before: &[View]) {
        let photo = testing::pictures::jpeg(8, 8);
        let path = format!("{}/attachments", self.bids_path());
        let attached = self.rival.upload(&path, &photo).await.expect(201);
        text(&attached, "/id").clone_into(&mut self.rivals_file);
        self.assert_unchanged(before, "what is attached to a bid").await;
        assert_eq!(self.rival.delete(&format!("{path}/{}", self.rivals_file)).await.status, 204);
        self.assert_unchanged(before, "what is not attached to a bid any more").await;
        self.rival.upload(&path, &photo).await.expect(201);
    }

    /// Edits the job so that bids have to be confirmed, and then has the rival's confirmed. An edit is seen by everybody; the word is not.
    async fn edit_and_confirm(&self) -> Vec<View> {
        self.ada.patch(&format!("/api/jobs/{}", self.job), json!({ "budgetMax": 900_000 })).await.expect(200);
        self.app.settle().await;
        let before = self.views().await;
        let confirmed = self.rival.post_empty(&format!("{}/confirm", self.bids_path())).await.expect(200);
        assert!(confirmed["confirmedAt"].is_string(), "{confirmed}");
        self.assert_unchanged(&before, "a bid that was confirmed").await;
        before
    }

    async fn revise(&self, before: &[View]) {
        let change = json!({ "amount": 200_000, "milestones": [] });
        self.rival.patch(&self.bids_path(), change).await.expect(200);
        self.assert_unchanged(before, "a revision").await;
    }

    async fn take_back(&self, before: &[View]) {
        self.rival.post_empty(&format!("{}/withdraw", self.bids_path())).await.expect(200);
        self.assert_unchanged(before, "a bid taken back").await;
    }
}

#[actix_web::test]
async fn nobody_learns_of_a_rivals_bid_on_an_open_job() {
    let mut market = Market::new(false).await;
    let before = market.views().await;
    let owners_before = market.ada.get(&format!("/api/bids/{}", market.job)).await.bytes;
    market.app.bid_for(&market.rival, &market.lonely, 1_000).await;
    market.bid(1_000).await;
    market.assert_unchanged(&before, "a bid").await;
    // It is there: the owner sees it.
    assert_ne!(market.ada.get(&format!("/api/bids/{}", market.job)).await.bytes, owners_before);
    market.attach_and_detach(&before).await;
    market.revise(&before).await;
    let before = market.edit_and_confirm().await;
    let path = format!("{}/reject", market.bids_path());
    market.ada.post(&path, json!({ "reason": "Too dear" })).await.expect(200);
    market.assert_unchanged(&before, "a bid turned down").await;
    market.bid(500).await;
    market.take_back(&before).await;
    market.assert_no_figure_of_anybody().await;
}

#[actix_web::test]
async fn nobody_learns_of_a_bid_that_has_run_out() {
    let mut market = Market::new(false).await;
    let before = market.views().await;
    let until = ahead(&market.app, TimeDelta::seconds(30));
    let form = json!({ "jobId": market.job, "amount": 1_000, "validUntil": until });
    let bid = market.rival.post("/api/bids", form).await.expect(201);
    text(&bid, "/id").clone_into(&mut market.rivals_bid);
    market.app.settle().await;
    // Longer than the bid stands, and shorter than anything else takes.
    market.app.pass(Duration::from_secs(31)).await;
    assert_eq!(market.app.database.count("marketplace.bids WHERE status = 'EXPIRED'"), 1);
    market.assert_unchanged(&before, "a bid that has run out").await;
}

#[actix_web::test]
async fn nobody_at_all_learns_of_a_sealed_bid() {
    let mut market = Market::new(true).await;
    let before = market.views().await;
    market.app.bid_for(&market.rival, &market.lonely, 1_000).await;
    market.bid(1_000).await;
    market.assert_unchanged(&before, "a sealed bid").await;
    market.attach_and_detach(&before).await;
    market.revise(&before).await;
    let before = market.edit_and_confirm().await;
    market.take_back(&before).await;
    market.bid(500).await;
    market.assert_unchanged(&before, "a second sealed bid").await;
    market.assert_no_figure_of_anybody().await;
}

/// A bid is answered alike whether it is the first of its job or not.
#[actix_web::test]
async fn a_bid_is_answered_alike_whether_there_are_others_or_not() {
    for sealed in [false, true] {
        let market = Market::new(sealed).await;
        let other = if sealed {
            market.app.sealed_job(&market.ada).await
        } else {
            market.app.open_job(&market.ada).await
        };
        let mut answers = Vec::new();
        for job in [&other, &market.job] {
            let bidder = market.app.verified_contractor().await;
            let form = json!({ "jobId": job, "amount": 70_000, "terms": "All in." });
            let mut answer = bidder.post("/api/bids", form).await;
            for own in
                ["id", "jobId", "contractorId", "receipt", "proof", "submittedAt", "createdAt", "updatedAt"]
            {
                assert!(answer.json[own].take() != Value::Null || (sealed && own == "proof"), "{own}");
            }
            let names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            answers.push((answer.status, names, answer.json));
        }
        let [first, fourth] = answers.as_slice() else { panic!("two answers were given") };
        assert_eq!((first, first.0), (fourth, 201));
    }
}

/// The list of refused commands above is of all commands that there are on jobs, bids and reviews.
#[actix_web::test]
async fn every_command_of_the_document_is_tried() {
    let market = Market::new(false).await;
    let on_the_market =
        |path: &str| ["/api/jobs", "/api/bids", "/api/reviews"].iter().any(|it| path.starts_with(it));
    let mut all: Vec<(String, String)> = market
        .operations()
        .filter(|(method, path, operation)| {
            *method != "get" && (operation["tags"] == json!(["marketplace"]) || on_the_market(path))
        })
        .map(|(method, path, _)| (method.to_uppercase(), path.to_owned()))
        .collect();
    let Some(bidder) = market.viewers.last() else { panic!("nobody looks") };
    let refusals = market.refusals(bidder);
    let mut tried: Vec<_> =
        refusals.iter().map(|(method, path, ..)| (method.to_string(), (*path).to_owned())).collect();
    all.sort_unstable();
    tried.sort_unstable();
    tried.dedup();
    assert_eq!(tried, all);
}
