//! The operations that are measured: what is sent, and what pgbench issues beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use crate::capture::{self, Executed};
use crate::client::{Connection, Request, request};
use crate::load::Source;
use crate::pgbench::{Script, script};
use crate::searching;
use crate::world::{Deal, MILESTONES, PASSWORD, World, job_id_sql};

/// Pages that readers leaf through.
const PAGES: usize = 50;
/// What a part of a release is worth, in cents.
const PART: i64 = 100;

/// One line of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) source: Source,
    /// Statuses that are no error.
    pub(crate) good: &'static [u16],
    pub(crate) script: Script,
}

/// Makes a row: what it sends, and what it sees the service issue.
pub(crate) type Maker = fn(&World) -> Row;

/// All of them, by name; those of looking for jobs where there is something to find.
pub(crate) fn all(world: &World) -> Vec<(&'static str, Maker)> {
    let mut all: Vec<(&'static str, Maker)> =
        vec![("job by id", job_by_id), ("page of jobs", page_of_jobs), ("login", login)];
    if world.seeded {
        all.extend(searching::rows(world));
    }
    all.extend([("bid", bid as Maker), ("release", release)]);
    all
}

/// What people with time to think do: read jobs, and leaf through them.
pub(crate) fn crowd(world: &World) -> Row {
    let (jobs, pages) = (job_requests(world), page_requests(world));
    Row {
        name: "read with time to think",
        source: Arc::new(move |connection, turn| {
            let from = if (connection + turn).is_multiple_of(4) { &pages } else { &jobs };
            from[rand::random_range(0..from.len())].clone()
        }),
        good: &[200],
        script: Script { text: String::new(), variables: None },
    }
}

/// Any job, by its id.
pub(crate) fn jobs(world: &World) -> Source {
    let jobs = job_requests(world);
    Arc::new(move |_, _| jobs[rand::random_range(0..jobs.len())].clone())
}

fn job_by_id(world: &World) -> Row {
    let jobs = job_requests(world);
    let (seen, _) = statements(world, &jobs[1], &jobs[1], &jobs[1]);
    let asked =
        Uuid::parse_str(seen[0].values[0].as_deref().unwrap().trim_matches(['{', '}'])).unwrap().to_string();
    let meta = format!("\\set n random(0, {})", world.jobs - 1);
    let text = script(&meta, &seen, &[], &[(asked, &job_id_sql(":n"))]);
    Row {
        name: "job by id",
        source: Arc::new(move |_, _| jobs[rand::random_range(0..jobs.len())].clone()),
        good: &[200],
        script: Script { text, variables: None },
    }
}

fn page_of_jobs(world: &World) -> Row {
    let pages = page_requests(world);
    let page = &pages[pages.len() / 2];
    let (seen, _) = statements(world, page, page, page);
    Row {
        name: "page of jobs",
        source: Arc::new(move |_, _| pages[rand::random_range(0..pages.len())].clone()),
        good: &[200],
        script: Script { text: script("", &seen, &[], &[]), variables: None },
    }
}

fn login(world: &World) -> Row {
    let form = |email: &str| {
        let form = json!({ "email": email, "password": PASSWORD });
        request("POST", "/api/auth/login", None, None, Some(&form))
    };
    let forms: Vec<Request> = world.sign_ins.iter().map(|(email, _)| form(email)).collect();
    let (seen, again) = statements(world, &forms[0], &forms[0], &forms[0]);
    let people: Vec<String> = world.sign_ins.iter().map(|(_, id)| id.uuid().to_string()).collect();
    let person = people[0].clone();
    Row {
        name: "login",
        source: Arc::new(move |connection, _| forms[connection % forms.len()].clone()),
        good: &[200],
        script: Script {
            text: script("", &seen, &again, &[(person, "(:person)::uuid")]),
            variables: Some(Box::new(move |client, _| {
                vec![("person", people[client % people.len()].clone())]
            })),
        },
    }
}

fn bid(world: &World) -> Row {
    let tokens: Vec<String> = world.contractors.iter().map(token).collect();
    let body = |job: String| json!({ "jobId": job, "amount": 120_000, "terms": "Materials included.", "durationDays": 5 });
    let send = |job: u32| {
        request("POST", "/api/bids", Some(&tokens[0]), None, Some(&body(world.job(job).to_string())))
    };
    let of_yardstick = world.jobs / 2;
    let (seen, again) =
        statements(world, &send(of_yardstick), &send(of_yardstick + 1), &send(of_yardstick + 2));
    let names = [
        (world.job(of_yardstick + 1).uuid().to_string(), job_id_sql(":n")),
        (world.contractors[0].party.uuid().to_string(), "(:contractor)::uuid".to_owned()),
    ];
    let names = names.each_ref().map(|(value, name)| (value.clone(), name.as_str()));
    let contractors: Vec<String> =
        world.contractors.iter().map(|contractor| contractor.party.uuid().to_string()).collect();
    // No contractor bids twice on a job: each run has jobs of its own.
    let jobs_of_a_run = of_yardstick as usize / 4;
    let variables = move |client: usize, run: usize| {
        let first = of_yardstick as usize + 3 + run * jobs_of_a_run + client;
        vec![("n", first.to_string()), ("contractor", contractors[client % contractors.len()].clone())]
    };
    let text = script("\\set n :n + 1", &seen, &again, &names);
    let (next, ids) =
        (AtomicU32::new(0), (0..of_yardstick).map(|n| world.job(n).to_string()).collect::<Vec<_>>());
    Row {
        name: "bid",
        source: Arc::new(move |connection, _| {
            let job = &ids[next.fetch_add(1, Ordering::Relaxed) as usize % ids.len()];
            let token = &tokens[connection % tokens.len()];
            request("POST", "/api/bids", Some(token), None, Some(&body(job.clone())))
        }),
        good: &[201],
        script: Script { text, variables: Some(Box::new(variables)) },
    }
}

fn release(world: &World) -> Row {
    let token = token(&world.homeowner);
    let deals: Vec<(String, Vec<String>)> = world
        .deals
        .iter()
        .map(|deal| {
            let path = format!("/api/payments/escrow/{}/release/milestone", deal.escrow);
            (path, deal.milestones.iter().map(ToString::to_string).collect())
        })
        .collect();
    let send = move |deal: usize, milestone: usize| {
        let (path, milestones) = &deals[deal % deals.len()];
        let body = json!({ "milestoneId": milestones[milestone], "amount": PART });
        request("POST", path, Some(&token), Some(&format!("{0}{0}", Uuid::now_v7().simple())), Some(&body))
    };
    // The first milestone of each contract is the yardstick's, the others are the load's.
    let (seen, again) = statements(world, &send(0, 0), &send(0, 0), &send(0, 0));
    let own = |deal: &Deal| {
        [
            ("escrow", deal.escrow.uuid()),
            ("contract", deal.contract.uuid()),
            ("milestone", deal.milestones[0].uuid()),
            ("contractor", deal.contractor.uuid()),
        ]
        .map(|(name, id)| (name, id.to_string()))
    };
    let names = own(&world.deals[0]).map(|(name, id)| (id, format!("(:{name})::uuid")));
    let names = names.each_ref().map(|(value, name)| (value.clone(), name.as_str()));
    let text = script("\\set part :part + 1", &seen, &again, &names);
    let all: Vec<_> = world.deals.iter().map(own).collect();
    // A part has a number of its own: each run begins where none has been.
    let variables = move |client: usize, run: usize| {
        let first_part = ("part", (10 + run * 10_000).to_string());
        all[client % all.len()].clone().into_iter().chain([first_part]).collect()
    };
    Row {
        name: "release",
        source: Arc::new(move |connection, turn| send(connection, 1 + turn % (MILESTONES - 1))),
        good: &[200],
        script: Script { text, variables: Some(Box::new(variables)) },
    }
}

/// The access token of somebody on the stage.
pub(crate) fn token(player: &gateway::demo::stage::Player) -> String {
    player.signed_in.access.token.expose_secret().to_owned()
}

pub(crate) fn job_requests(world: &World) -> Vec<Request> {
    let many = 20_000.min(world.jobs);
    let path = |_| format!("/api/jobs/{}", world.job(rand::random_range(0..world.jobs)));
    (0..many).map(path).map(|path| request("GET", &path, None, None, None)).collect()
}

pub(crate) fn page_requests(world: &World) -> Vec<Request> {
    let mut path = "/api/jobs?limit=20".to_owned();
    let mut pages = Vec::new();
    for _ in 0..PAGES {
        let page = request("GET", &path, None, None, None);
        let answer: serde_json::Value = serde_json::from_slice(&ask(world, &page)).unwrap();
        pages.push(page);
        match answer["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/jobs?limit=20&cursor={cursor}"),
            None => break,
        }
    }
    pages
}

/// What the service asks Postgres to answer the second and the third of these; the first is for what is done only once.
pub(crate) fn statements(
    world: &World,
    warm: &[u8],
    first: &[u8],
    second: &[u8],
) -> (Vec<Executed>, Vec<Executed>) {
    ask(world, warm);
    let seen = |request| capture::during(&world.superuser_url, &world.log, || ask(world, request)).1;
    (seen(first), seen(second))
}

pub(crate) fn ask(world: &World, request: &[u8]) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let mut connection = Connection::open(&world.server.address).await?;
        connection.send(request).await
    });
    let answer = answer.unwrap();
    let said = String::from_utf8_lossy(&answer.body);
    assert!(answer.status < 300, "{}\n{} {said}", String::from_utf8_lossy(request), answer.status);
    answer.body
}
