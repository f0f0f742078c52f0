//! Every cell of the matrix is asked.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use tests::{Answer, Person};

use super::cast::{Caller, Cast, OPERATOR, Scene, Things, everything_stored, with_token};
use super::document::{Operation, Request, Who, operations};
use super::rights::{NAME_NOTHING, RIGHTS};

/// The codes that say that nobody is signed in; what a sign-in itself answers to wrong words is another matter.
const SIGN_IN_FIRST: [&str; 4] = ["unauthenticated", "signed_out", "invalid_token", "token_expired"];

/// What somebody met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// 401.
    SignInFirst,
    /// 403: not what the operation is for.
    WrongRole,
    /// 403: the caller sees the thing, and may not.
    Forbidden,
    /// 404.
    NotFound,
    /// Whatever else: done, or refused for what was sent or for the state of things.
    LetThrough,
}

fn met(answer: &Answer) -> Met {
    assert!(answer.status < 500, "{} answered {}", answer.asked, answer.text());
    assert_ne!(answer.status, 405, "{}", answer.asked);
    let code = answer.json["code"].as_str().unwrap_or_default();
    match (answer.status, code) {
        (401, code) if SIGN_IN_FIRST.contains(&code) => {
            assert!(answer.header("www-authenticate").is_some(), "{}", answer.asked);
            Met::SignInFirst
        }
        (403, "wrong_role") => Met::WrongRole,
        // Theirs to do, once they have proved again who they are.
        (403, "step_up_required") => Met::LetThrough,
        (403, _) => Met::Forbidden,
        (404, _) => Met::NotFound,
        _ => Met::LetThrough,
    }
}

/// Asks about these things, and notes an answer that the document does not describe.
async fn ask(
    person: &Person,
    operation: &Operation,
    things: &Things,
    wrong: &mut BTreeSet<String>,
) -> Answer {
    let answer = send(person, operation.about(things)).await;
    if !operation.describes(&answer) {
        wrong.insert(format!(
            "{}: the document does not tell of {} {}",
            operation.id, answer.status, answer.json["code"]
        ));
    }
    answer
}

/// All have one request id, so that answers can be compared byte by byte.
async fn send(person: &Person, request: Request) -> Answer {
    let Request { method, path, needs_key, body } = request;
    person
        .send(method, &path, |mut sent| {
            sent = sent.header("x-request-id", "matrix-0000");
            if needs_key {
                sent = sent.header("idempotency-key", uuid::Uuid::now_v7().to_string());
            }
            match &body {
                Some(body) => sent.json(body),
                None => sent,
            }
        })
        .await
}

/// What the declared rights alone say.
fn declared(operation: &Operation, caller: Caller) -> Met {
    match (operation.who, caller) {
        (Who::Operator, _) => Met::SignInFirst,
        (Who::Signed, _) => Met::LetThrough,
        (who, caller) if caller.fits(who) => Met::LetThrough,
        (_, Caller::SignedOut) => Met::SignInFirst,
        _ => Met::WrongRole,
    }
}

/// A cell of the matrix: an operation, its thing, and what everybody meets there.
struct Row<'a> {
    operation: &'a Operation,
    scene: Scene,
    things: &'a Things,
    outcomes: Vec<(Caller, Met)>,
}

/// Every row that there must be, and nothing else in the table.
fn rows<'a>(operations: &'a [Operation], scenes: &'a BTreeMap<Scene, Things>) -> Vec<Row<'a>> {
    let mut listed: BTreeMap<(&str, Scene), &str> =
        RIGHTS.iter().map(|(id, scene, outcomes)| ((*id, *scene), *outcomes)).collect();
    assert_eq!(listed.len(), RIGHTS.len(), "an operation is listed twice");
    let mut rows = Vec::new();
    let mut unlisted = Vec::new();
    for operation in operations.iter().filter(|operation| !operation.names().is_empty()) {
        let names = operation.names();
        let here: Vec<_> =
            scenes.iter().filter(|(_, things)| names.iter().all(|name| things.get(name).is_some())).collect();
        assert!(!here.is_empty(), "{}: no scene has {names:?}", operation.id);
        for (scene, things) in here {
            match listed.remove(&(operation.id.as_str(), *scene)) {
                Some(outcomes) => {
                    rows.push(Row { operation, scene: *scene, things, outcomes: read(operation, outcomes) });
                }
                None => unlisted.push((operation.id.as_str(), *scene)),
            }
        }
    }
    assert!(unlisted.is_empty(), "say in rights.rs what becomes of these: {unlisted:#?}");
    assert!(listed.is_empty(), "in rights.rs, but not in the document: {:#?}", listed.keys());
    rows
}

fn read(operation: &Operation, outcomes: &str) -> Vec<(Caller, Met)> {
    let letters: Vec<char> = outcomes.chars().filter(|letter| *letter != ' ').collect();
    assert_eq!(letters.len(), Caller::ALL.len(), "{}: {outcomes}", operation.id);
    let met = |(caller, letter): (Caller, char)| {
        let declared = declared(operation, caller);
        let met = match letter {
            '.' => declared,
            '+' => Met::LetThrough,
            '-' => Met::NotFound,
            'x' => Met::Forbidden,
            other => panic!("{}: {other:?} means nothing", operation.id),
        };
        assert_eq!(
            letter == '.',
            declared != Met::LetThrough,
            "{}: {caller:?}, by the document",
            operation.id
        );
        (caller, met)
    };
    Caller::ALL.into_iter().zip(letters).map(met).collect()
}

#[tokio::test]
async fn everybody_meets_what_the_matrix_says() {
    let cast = Cast::gather().await;
    let operations = operations(&cast.app).await;
    let mut rows = rows(&operations, &cast.scenes);
    let mut wrong = BTreeSet::new();
    let before = everything_stored(&cast.app);
    for row in &rows {
        refuse(&cast, row, &mut wrong).await;
    }
    for operation in operations.iter().filter(|operation| operation.names().is_empty()) {
        refuse_by_rights(&cast, operation, &mut wrong).await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        everything_stored(&cast.app),
        before,
        "somebody was refused and changed something all the same"
    );
    // What changes the least comes first, so that each still finds its thing as the scene says.
    rows.sort_by_key(|row| {
        [Method::GET, Method::PATCH, Method::POST, Method::DELETE]
            .iter()
            .position(|method| *method == row.operation.method)
    });
    let mut done = BTreeSet::new();
    for row in &rows {
        let allowed = row.outcomes.iter().filter(|(_, met)| *met == Met::LetThrough);
        for (caller, _) in allowed {
            let answer = ask(cast.person(*caller, row.scene), row.operation, row.things, &mut wrong).await;
            if row.operation.method != Method::GET && (200..300).contains(&answer.status) {
                done.insert(row.operation.id.clone());
            }
            note(row, *caller, met(&answer), Met::LetThrough, &answer, &mut wrong);
            keeps_secrets(&cast, *caller, &answer);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    is_in_the_trail(&cast, &done);
}

/// Whatever the operation: what was done has a row.
fn is_in_the_trail(cast: &Cast, done: &BTreeSet<String>) {
    assert!(done.len() > 10, "too little was done to tell: {done:?}");
    let told = |id: &&String| {
        cast.app.database.count(&format!("audit.entries WHERE outcome = 'DONE' AND action = '{id}'"))
    };
    let untold: Vec<_> = done.iter().filter(|id| told(id) == 0).collect();
    assert!(untold.is_empty(), "these left no row in the audit trail: {untold:?}");
}

/// Everybody who is to be refused is, and learns nothing: another's thing is answered like one that is not there.
async fn refuse(cast: &Cast, row: &Row<'_>, wrong: &mut BTreeSet<String>) {
    let missing = row.things.missing();
    for (caller, expected) in &row.outcomes {
        let person = cast.person(*caller, row.scene);
        let of_missing = ask(person, row.operation, &missing, wrong).await;
        let nothing = match declared(row.operation, *caller) {
            Met::LetThrough => Met::NotFound,
            refused => refused,
        };
        note(row, *caller, met(&of_missing), nothing, &of_missing, wrong);
        if *expected == Met::LetThrough {
            continue;
        }
        let answer = ask(person, row.operation, row.things, wrong).await;
        note(row, *caller, met(&answer), *expected, &answer, wrong);
        if *expected != Met::Forbidden && answer.bytes != of_missing.bytes {
            wrong.insert(format!(
                "{} {:?} {caller:?} can tell it from a missing one: {}",
                row.operation.id,
                row.scene,
                answer.text()
            ));
        }
    }
    for (why, person) in &cast.locked_out {
        let answer = ask(person, row.operation, row.things, wrong).await;
        if met(&answer) != Met::SignInFirst {
            wrong.insert(format!("{} lets {why} in: {}", row.operation.id, answer.text()));
        }
    }
}

fn note(
    row: &Row<'_>,
    caller: Caller,
    met: Met,
    expected: Met,
    answer: &Answer,
    wrong: &mut BTreeSet<String>,
) {
    if met != expected {
        wrong.insert(format!(
            "{} {:?} {caller:?} expected {expected:?}: {}",
            row.operation.id,
            row.scene,
            answer.text()
        ));
    }
}

/// An operation that names nothing lets through whom it is declared for, and nobody else.
async fn refuse_by_rights(cast: &Cast, operation: &Operation, wrong: &mut BTreeSet<String>) {
    let nothing = Things::default();
    for caller in Caller::ALL {
        let expected = declared(operation, caller);
        if expected != Met::LetThrough {
            let answer = ask(cast.person(caller, Scene::Beside), operation, &nothing, wrong).await;
            if met(&answer) != expected {
                wrong.insert(format!("{} {caller:?} expected {expected:?}: {}", operation.id, answer.text()));
            }
        }
    }
    // A token is not looked at where there is nobody yet, and where a signature counts.
    if matches!(operation.who, Who::Newcomer | Who::Signed) {
        return;
    }
    for (why, person) in &cast.locked_out {
        let answer = ask(person, operation, &nothing, wrong).await;
        if met(&answer) != Met::SignInFirst {
            wrong.insert(format!("{} lets {why} in: {}", operation.id, answer.text()));
        }
    }
}

/// Whoever has no part in a deal reads none of its ids, wherever they look.
fn keeps_secrets(cast: &Cast, caller: Caller, answer: &Answer) {
    if !caller.is_stranger() {
        return;
    }
    let text = answer.text();
    for things in cast.scenes.values() {
        for secret in things.secrets() {
            assert!(!text.contains(secret), "{caller:?} reads {secret}: {} {text}", answer.asked);
        }
    }
}

#[tokio::test]
async fn whom_an_operation_is_for_it_lets_through() {
    let cast = Cast::gather().await;
    let operations = operations(&cast.app).await;
    let nothing: Vec<&Operation> =
        operations.iter().filter(|operation| operation.names().is_empty()).collect();
    let listed: BTreeSet<&str> = nothing.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(listed, NAME_NOTHING.iter().copied().collect(), "rights.rs lists what names nothing");
    let mut wrong = BTreeSet::new();
    // Whoever signs out meets nothing more; that comes last.
    for operation in nothing.into_iter().filter(|operation| operation.id != "logout") {
        for caller in Caller::ALL.into_iter().filter(|caller| declared(operation, *caller) == Met::LetThrough)
        {
            let person = cast.person(caller, Scene::Beside);
            let answer = ask(person, operation, &Things::default(), &mut wrong).await;
            assert_eq!(met(&answer), Met::LetThrough, "{caller:?} {}", answer.text());
            keeps_secrets(&cast, caller, &answer);
        }
        if operation.who == Who::Newcomer {
            for (why, person) in &cast.locked_out {
                let answer = ask(person, operation, &Things::default(), &mut wrong).await;
                assert_eq!(met(&answer), Met::LetThrough, "{why} {}", answer.text());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let _ = with_token(&cast.app, OPERATOR).get("/metrics").await.expect(200);
    for caller in Caller::ALL.into_iter().filter(|caller| *caller != Caller::SignedOut) {
        let person = cast.person(caller, Scene::Beside);
        let _ = person.post_empty("/api/auth/logout").await.expect(204);
        let _ = person.get("/api/auth/me").await.problem(401, "signed_out");
    }
}
