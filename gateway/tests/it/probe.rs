//! Operations that only these tests have.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use gateway::{
    Admin, Body, Context, Homeowner, Id, Key, MaybeSignedIn, Operation, OptionalBody, Paging, Path, Problem,
    Query, Rate, RawBody, Reply, SignedIn, Who,
};
use kernel::{Page, PartyId as ThingId, Position};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How often the work of each name ran.
static RUNS: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);

pub(crate) fn runs(name: &str) -> u32 {
    RUNS.lock().unwrap().as_ref().and_then(|runs| runs.get(name).copied()).unwrap_or(0)
}

fn ran(name: &str) -> u32 {
    let mut runs = RUNS.lock().unwrap();
    let count = runs.get_or_insert_default().entry(name.to_owned()).or_insert(0);
    *count += 1;
    *count
}

/// A thing to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProbeThing {
    /// Its name.
    #[schema(min_length = 1, max_length = 40)]
    pub(crate) name: String,
    /// What it costs.
    #[schema(minimum = 100, maximum = 100_000_000)]
    pub(crate) amount: i64,
    /// What it belongs to.
    pub(crate) parent: Option<Id<ThingId>>,
    /// When it is due.
    pub(crate) due: Option<chrono::NaiveDate>,
    /// Its parts.
    #[schema(max_items = 3)]
    pub(crate) parts: Option<Vec<ProbePart>>,
}

/// A part of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProbePart {
    /// What kind.
    pub(crate) kind: ProbeKind,
}

/// Kinds of parts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProbeKind {
    /// Work.
    Labour,
    /// Wood.
    Material,
}

/// A filter.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProbeFilter {
    /// From here on.
    #[schema(minimum = 0, maximum = 1000)]
    pub(crate) from: Option<i64>,
    /// Of these kinds.
    #[schema(max_items = 2)]
    pub(crate) kinds: Option<Vec<ProbeKind>>,
}

pub(crate) fn operations() -> Vec<Operation> {
    let thing = || ProbeThing { name: "x".into(), amount: 100, parent: None, due: None, parts: None };
    let answers = |operation: gateway::OperationBuilder| operation.answers::<ProbeThing>(200, "It.", thing());
    vec![
        answers(
            Operation::post("/probe/things")
                .by(Who::SignedIn)
                .idempotent(Key::Optional)
                .body::<ProbeThing>(thing()),
        )
        .to(make_thing),
        answers(
            Operation::post("/probe/money/{thingId}")
                .by(Who::SignedIn)
                .idempotent(Key::Required)
                .body::<ProbeThing>(thing()),
        )
        .to(move_money),
        answers(
            Operation::post("/probe/staged")
                .by(Who::SignedIn)
                .idempotent(Key::Required)
                .body::<ProbeThing>(thing()),
        )
        .to(make_staged),
        answers(Operation::post("/probe/check").body::<ProbeThing>(thing())).to(check_thing),
        answers(Operation::post("/probe/optional").optional_body::<ProbeThing>(thing())).to(maybe_thing),
        answers(Operation::post("/probe/empty")).to(take_nothing),
        answers(Operation::post("/probe/raw").by(Who::Signed).raw_body("Bytes.")).to(take_bytes),
        answers(Operation::get("/probe/things/{thingId}").if_match()).to(get_thing),
        answers(Operation::patch("/probe/things/{thingId}").if_match()).to(change_thing),
        answers(Operation::get("/probe/things/mine")).to(my_things),
        answers(Operation::get("/probe/panic")).to(panic_now),
        answers(Operation::get("/probe/panic/executor")).to(panic_on_the_executor),
        answers(Operation::get("/probe/slow")).to(be_slow),
        answers(Operation::get("/probe/home").by(Who::Homeowner)).to(only_homeowners),
        answers(Operation::get("/probe/admin").by(Who::Admin)).to(only_admins),
        answers(Operation::get("/probe/me")).to(whoever),
        answers(Operation::get("/probe/free").rate(Rate::Unlimited)).to(take_nothing_free),
        Operation::get("/probe/list")
            .query::<ProbeFilter>()
            .lists::<ProbeThing>("Some.", thing())
            .to(list_things),
    ]
}

async fn make_thing(context: Context, _: SignedIn, body: Body<ProbeThing>) -> Result<Reply, Problem> {
    make(&context, body.into_inner()).await
}

async fn move_money(
    context: Context,
    _: Path<ThingId>,
    _: SignedIn,
    body: Body<ProbeThing>,
) -> Result<Reply, Problem> {
    make(&context, body.into_inner()).await
}

async fn make(context: &Context, thing: ProbeThing) -> Result<Reply, Problem> {
    let work = move |_: &platform::Commands| {
        let run = ran(&thing.name);
        if thing.name.starts_with("slow") {
            std::thread::sleep(Duration::from_millis(400));
        }
        if thing.name.starts_with("fails") && run == 1 {
            return Err(Problem::stale_precondition());
        }
        Ok::<_, Problem>((thing.name.clone(), run))
    };
    context
        .command(work, |(name, run)| Reply::created(format!("/probe/{name}"), &run).version(i64::from(run)))
        .await
}

async fn make_staged(context: Context, _: SignedIn, body: Body<ProbeThing>) -> Result<Reply, Problem> {
    let (name, asked) = (body.name.clone(), body.name.clone());
    context
        .staged(
            move |_, reference| {
                ran(&format!("{name} intend"));
                Ok::<_, Problem>(reference)
            },
            move |_, reference| match ran(&asked) {
                1 if asked.starts_with("away") => Err(Problem::unavailable("the other system is away")),
                1 if asked.starts_with("refused") => Err(Problem::not_found()),
                _ => Ok(reference.to_string()),
            },
            |reference| Reply::ok(&reference),
        )
        .await
}

async fn check_thing(body: Body<ProbeThing>) -> Reply {
    Reply::ok(&body.0)
}

async fn maybe_thing(body: OptionalBody<ProbeThing>) -> Reply {
    Reply::ok(&body.0.is_some())
}

async fn take_nothing() -> Reply {
    Reply::no_content()
}

async fn take_nothing_free() -> Reply {
    Reply::no_content()
}

async fn take_bytes(body: RawBody) -> Reply {
    Reply::ok(&body.0.len())
}

async fn get_thing(id: Path<ThingId>) -> Reply {
    Reply::ok(&id.to_string()).version(7)
}

async fn change_thing(context: Context, id: Path<ThingId>) -> Result<Reply, Problem> {
    context.if_match(7)?;
    Ok(Reply::ok(&(id.to_string(), context.expected_version()?)))
}

async fn my_things() -> Reply {
    Reply::ok(&"mine")
}

async fn panic_now() -> Reply {
    panic!("on purpose, with a secret")
}

async fn panic_on_the_executor(context: Context) -> Result<Reply, Problem> {
    context.read(|_| -> Result<Reply, Problem> { panic!("on purpose, with a secret") }).await
}

async fn be_slow() -> Reply {
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    Reply::ok(&"slow")
}

async fn only_homeowners(actor: Homeowner) -> Reply {
    Reply::ok(&actor.view().party.to_string())
}

async fn only_admins(actor: Admin) -> Reply {
    Reply::ok(&actor.view().party.to_string())
}

async fn whoever(actor: MaybeSignedIn) -> Reply {
    Reply::ok(&actor.actor().map(|actor| actor.role.as_str()))
}

async fn list_things(_: Query<ProbeFilter>, paging: Paging) -> Result<Reply, Problem> {
    let after: Option<Position<i64>> = paging.position()?;
    let first = after.map_or(0, |position| position.key + 1);
    let rows: Vec<i64> = (first..25).take(usize::try_from(paging.limit().plus_one()).unwrap()).collect();
    let page = Page::cut(rows, paging.limit(), |row| Position { key: *row, id: uuid::Uuid::nil() });
    Ok(paging.reply(page, |row| row))
}
