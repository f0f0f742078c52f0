//! What the load runs over: people, jobs, contracts with money held, on a durable Postgres of their own.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::{ContractId, MilestoneId};
use database::cluster::{Cluster, ClusterSettings, SUPERUSER};
use database::{Db, PoolConfig, Roles, migrate};
use diesel::connection::SimpleConnection;
use escrow::EscrowId;
use escrow::provider::SignatureSecret;
use escrow::provider::simulated::{SimulatedProvider, SimulatedSettings};
use gateway::demo::stage::{Part, Player, Posting, Stage};
use identity::{Patch, ProfileForm, SecretRing, Secrets, random_secret};
use kernel::{Actor, PartyId, PersonId, Role, SystemClock};
use marketplace::{JobId, PublishAs, Reveal};
use notifications::FolderMailer;
use platform::{Parts, Platform};
use secrecy::{ExposeSecret, SecretString};
use seed::{Plan, Progress};
use tempfile::TempDir;
use uuid::Uuid;

use crate::Options;
use crate::server::ServerProcess;

/// Contracts with money held: as many as there are connections at most, so that no two wait for one milestone.
pub(crate) const DEALS: usize = 64;
/// Milestones of each: as many as a bid may have.
pub(crate) const MILESTONES: usize = 30;
/// Worth of a milestone in cents: enough for every part that a run releases.
const MILESTONE_WORTH: i64 = 3_000_000;
/// People who sign in.
const SIGN_INS: usize = 8;
/// The address of the first of them.
pub(crate) const SIGN_IN_EMAIL: &str = "signin0@bench.example";
/// Beside jobs such as people post, so many are made in bulk, for what needs jobs whose ids are known.
const NUMBERED: u32 = 40_000;
/// Bids that are compared.
const COMPARED: usize = 50;
/// The middle of the densest of the seed's cities.
pub(crate) const DENSEST: (f64, f64) = (40.7128, -74.0060);
/// Between two words about how far the seed is.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// The same for all.
pub(crate) const PASSWORD: &str = "violet-mural-97-kestrel";

/// A contract whose milestones are all approved and whose money is all held.
pub(crate) struct Deal {
    pub(crate) escrow: EscrowId,
    pub(crate) contract: ContractId,
    pub(crate) contractor: PartyId,
    pub(crate) milestones: Vec<MilestoneId>,
}

/// Everything that is there before the load begins.
pub(crate) struct World {
    // Dropped first of all: it holds connections.
    pub(crate) server: ServerProcess,
    pub(crate) homeowner: Player,
    pub(crate) contractors: Vec<Player>,
    pub(crate) sign_ins: Vec<(String, PersonId)>,
    pub(crate) deals: Vec<Deal>,
    /// Those that were made in bulk.
    pub(crate) jobs: u32,
    /// Whether there are others, such as people post.
    pub(crate) seeded: bool,
    /// A job with fifty bids.
    pub(crate) compared: Option<JobId>,
    /// What hashing costs the server.
    pub(crate) bcrypt_cost: u32,
    /// The most bytes that the server takes of a paper.
    pub(crate) document_bytes_max: u64,
    /// The same of what is attached to a job.
    pub(crate) attachment_bytes_max: u64,
    pub(crate) superuser_url: String,
    pub(crate) runtime_url: String,
    pub(crate) log: std::path::PathBuf,
    pub(crate) pgbench: std::path::PathBuf,
    _cluster: Cluster,
    _home: TempDir,
}

impl World {
    pub(crate) fn build(options: &Options) -> Self {
        let home = TempDir::with_prefix("fairtrade-bench-").unwrap();
        let roles = Roles::default();
        let wanted = ClusterSettings {
            data_dir: home.path().join("database"),
            max_connections: 300,
            ..ClusterSettings::default()
        };
        if let Some(filled) = &options.filled {
            copy(filled, &wanted.data_dir);
        }
        let cluster = Cluster::open(&wanted, &roles).unwrap_or_else(|error| panic!("{error}"));
        let mut owner = database::establish(&cluster.owner_url()).unwrap();
        migrate::up(&mut owner, &roles, &platform::MIGRATIONS).unwrap();
        let secrets = match &options.filled {
            // What was written with them has to be readable.
            Some(_) => {
                ["jwt_secret", "password_pepper", "vault_secret"].map(|name| made(&wanted.data_dir, name))
            }
            None => [random_secret(), random_secret(), random_secret()],
        };
        let seeded = options.bids > 0 || options.filled.is_some();
        if options.bids > 0 {
            fill(&cluster, &secrets, options);
        }
        let (homeowner, contractors, sign_ins, deals) = people_and_deals(&cluster, &secrets);
        let jobs = if seeded { NUMBERED } else { options.jobs };
        owner.batch_execute(&jobs_sql(homeowner.party.uuid(), jobs, seeded)).unwrap();
        let compared = seeded.then(|| compared(&cluster, &secrets, &homeowner, &contractors));
        let superuser_url = cluster.server().url(SUPERUSER, "fairtrade");
        let [jwt, pepper, vault] = secrets.map(|secret| secret.expose_secret().to_owned());
        let server = ServerProcess::start(
            options.program.as_deref(),
            &home.path().join("server"),
            &[
                ("DATABASE_URL", cluster.runtime_url()),
                ("MIGRATION_DATABASE_URL", cluster.owner_url()),
                ("JWT_SECRET", jwt),
                ("PASSWORD_PEPPER", pepper),
                ("VAULT_SECRET", vault),
            ],
        );
        let platform::Settings { identity: of_identity, marketplace: of_marketplace, .. } =
            platform::Settings::default();
        Self {
            server,
            bcrypt_cost: of_identity.bcrypt_cost,
            document_bytes_max: of_identity.verification_document_bytes_max,
            attachment_bytes_max: of_marketplace.attachment_bytes_max,
            homeowner,
            contractors,
            sign_ins,
            deals,
            jobs,
            seeded,
            compared,
            superuser_url,
            runtime_url: cluster.runtime_url(),
            log: cluster.server().log().to_owned(),
            pgbench: cluster.server().binaries().dir().join("pgbench"),
            _cluster: cluster,
            _home: home,
        }
    }

    /// What one row of the table wrote is not to slow the next one down.
    pub(crate) fn calm(&self) {
        let mut superuser = database::establish(&self.superuser_url).unwrap();
        for command in ["VACUUM ANALYZE", "CHECKPOINT"] {
            superuser.batch_execute(command).unwrap();
        }
    }

    /// The n-th of the jobs that were made in bulk.
    pub(crate) fn job(&self, n: u32) -> JobId {
        JobId::from(Uuid::from_u128(JOB_IDS | u128::from(n % self.jobs)))
    }
}

const JOB_IDS: u128 = 0x0190_0000_0000_7000_8000_0000_0000_0000;

/// The id of the job with the number that this SQL names.
pub(crate) fn job_id_sql(number: &str) -> String {
    format!("('01900000-0000-7000-8000-' || lpad(to_hex(({number})::bigint), 12, '0'))::uuid")
}

/// Open jobs of every trade, in bulk; beside others such that nobody comes upon them who does not know their ids: old, and nowhere.
fn jobs_sql(homeowner: Uuid, count: u32, aside: bool) -> String {
    let id = job_id_sql("n");
    let (place, age) = if aside {
        ("NULL, NULL", "interval '100 days' + n * interval '1 second'")
    } else {
        ("30.2 + (n % 100) * 0.01, -97.7 - (n % 90) * 0.01", "n * interval '1 second'")
    };
    format!(
        "INSERT INTO marketplace.jobs (id, homeowner_id, status, title, description, category, skills, city, region, country,
             public_latitude, public_longitude, budget_min, budget_max, currency, urgency, bidding_deadline, accept_until,
             reveal, published_at, created_at, updated_at)
         SELECT {id}, '{homeowner}', 'OPEN', 'Job number ' || n,
             repeat('Two coats of paint on the fence behind the house, both sides. ', 8),
             (ARRAY['painting', 'roofing', 'plumbing', 'electrical', 'fencing'])[1 + n % 5], ARRAY['painting'], 'Austin', 'TX', 'US',
             {place}, 10000, 200000, 'USD', 'normal',
             app.clock() + interval '20 days', app.clock() + interval '30 days', 'on_arrival',
             app.clock() - ({age}), app.clock() - ({age}), app.clock() - ({age})
         FROM generate_series(0, {count} - 1) n"
    )
}

type Cast = (Player, Vec<Player>, Vec<(String, PersonId)>, Vec<Deal>);

/// The product over the cluster, without HTTP.
fn product(
    cluster: &Cluster,
    secrets: &[SecretString; 3],
    bcrypt_cost: u32,
) -> (Platform, platform::Settings) {
    let connect = || {
        let pool = PoolConfig { max_connections: 4, ..PoolConfig::new(cluster.runtime_url()) };
        Db::connect(&pool).unwrap()
    };
    let mut settings = platform::Settings::default();
    settings.identity.bcrypt_cost = bcrypt_cost;
    let clock = Arc::new(SystemClock);
    let secret = SignatureSecret::new("a secret that signs nothing here");
    let provider = SimulatedProvider::new(connect(), clock.clone(), secret, SimulatedSettings::default());
    let [jwt, pepper, master] = secrets.clone().map(SecretRing::new);
    let mailer = FolderMailer::new(std::env::temp_dir(), &settings.notifications.mail_from).unwrap();
    let parts = Parts {
        db: connect(),
        clock,
        secrets: Secrets { jwt, pepper, master },
        payments: Arc::new(provider),
        mailer: Arc::new(mailer),
        providers: identity::Providers::none(),
        storage: files::Storage::folder(&std::env::temp_dir().join("fairtrade-bench-files")).unwrap(),
        settings: settings.clone(),
    };
    (Platform::new(parts).unwrap_or_else(|error| panic!("{error}")), settings)
}

/// A secret that the program has made for itself in its data directory.
fn made(data: &Path, name: &str) -> SecretString {
    let path = data.join("secrets").join(name);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .trim()
        .to_owned()
        .into()
}

/// With the rights of the user whom Postgres runs as.
fn copy(filled: &Path, to: &Path) {
    let copied = Command::new("cp").arg("--archive").args([filled, to]).status().unwrap();
    assert!(copied.success(), "{}: {copied}", filled.display());
}

/// What `fairtrade seed` does, with what follows from it: figures, and the words that searches are led by.
fn fill(cluster: &Cluster, secrets: &[SecretString; 3], options: &Options) {
    let owner =
        Db::connect(&PoolConfig { max_connections: 2, ..PoolConfig::new(cluster.owner_url()) }).unwrap();
    let plan = Plan::new(1, options.jobs, options.bids, owner.now().unwrap());
    let mut told = Instant::now();
    let mut tell = |progress: Progress| {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            eprintln!("  {progress:?}");
        }
    };
    let (platform, settings) = product(cluster, secrets, 4);
    let filled = seed::fill(&owner, &plan, &settings.marketplace, &mut tell);
    let filled = filled.unwrap_or_else(|error| panic!("{error}"));
    let follows = Instant::now();
    outbox::run_due(platform.db(), &platform.registry()).unwrap();
    let (seconds, after) = (filled.elapsed.as_secs_f32(), follows.elapsed().as_secs_f32());
    eprintln!(
        "{} jobs and {} bids in {seconds:.0} s, figures and words in {after:.0} s",
        filled.jobs, filled.bids
    );
}

/// A job on which fifty contractors have bid.
fn compared(
    cluster: &Cluster,
    secrets: &[SecretString; 3],
    homeowner: &Player,
    contractors: &[Player],
) -> JobId {
    let (platform, settings) = product(cluster, secrets, 4);
    let stage = Stage::new(&platform, settings);
    let job =
        stage.post(homeowner, &posting("A job for fifty", 200_000)).unwrap_or_else(|error| panic!("{error}"));
    for (n, contractor) in (0_i64..).zip(contractors.iter().take(COMPARED)) {
        let parts = [("All of it", 120_000 + n * 1_000)];
        stage.bid(contractor, job.job.id, &parts).unwrap_or_else(|error| panic!("{error}"));
    }
    job.job.id
}

/// As contractors of the densest city are: of three trades, and willing to go some way.
fn profile(n: usize) -> ProfileForm {
    let trades = ["plumbing", "electrical", "painting", "hvac", "cleaning", "handyman"];
    let trades = (0..3).map(|other| trades[(n + other) % trades.len()].to_owned()).collect();
    ProfileForm {
        trades: Some(trades),
        location: Patch::Set(DENSEST),
        service_radius_km: Patch::Set(40),
        ..ProfileForm::default()
    }
}

fn posting(title: &'static str, budget_max: i64) -> Posting<'static> {
    Posting {
        title,
        description: "In thirty steps.",
        category: "painting",
        budget_max,
        reveal: Reveal::OnArrival,
        publish_as: PublishAs::Open,
        bidding_deadline: None,
    }
}

fn people_and_deals(cluster: &Cluster, secrets: &[SecretString; 3]) -> Cast {
    let stage = |bcrypt_cost: u32| {
        let (platform, settings) = product(cluster, secrets, bcrypt_cost);
        Stage::new(&platform, settings)
    };
    let quick = stage(4);
    let enter = |stage: &Stage, name: String, role| {
        let email = format!("{name}@bench.example");
        let part = Part { name: &name, email: &email, password: PASSWORD, role };
        stage.enter(&part).unwrap_or_else(|error| panic!("{error}"))
    };
    let homeowner = enter(&quick, "homeowner".to_owned(), Role::Homeowner);
    let contractors: Vec<Player> =
        (0..DEALS).map(|n| enter(&quick, format!("contractor{n}"), Role::Contractor)).collect();
    for (n, contractor) in contractors.iter().enumerate() {
        quick.verify(contractor, &Actor::system("bench")).unwrap_or_else(|error| panic!("{error}"));
        quick.present(contractor, &profile(n)).unwrap_or_else(|error| panic!("{error}"));
    }
    let deals = contractors.iter().map(|contractor| deal(&quick, &homeowner, contractor)).collect();
    let usual = stage(platform::Settings::default().identity.bcrypt_cost);
    let sign_ins = (0..SIGN_INS)
        .map(|n| {
            let person = enter(&usual, format!("signin{n}"), Role::Homeowner);
            (person.signed_in.person.email.to_string(), person.person)
        })
        .collect();
    (homeowner, contractors, sign_ins, deals)
}

fn deal(stage: &Stage, homeowner: &Player, contractor: &Player) -> Deal {
    let build = || {
        let job = stage.post(homeowner, &posting("A house", 100_000_000))?;
        let bid = stage.bid(contractor, job.job.id, &[("A step", MILESTONE_WORTH); MILESTONES])?;
        let contract = stage.accept(homeowner, bid.id)?;
        stage.sign(homeowner, &contract)?;
        stage.sign(contractor, &contract)?;
        let id: ContractId = contract.contract.id;
        let escrow = stage.fund(homeowner, id)?;
        let places = stage.milestones(homeowner, id)?;
        for at in &places {
            stage.start(contractor, at)?;
            stage.submit(contractor, at)?;
            stage.approve(homeowner, at)?;
        }
        Ok(Deal {
            escrow,
            contract: id,
            contractor: contractor.party,
            milestones: places.iter().map(|at| at.milestone).collect(),
        })
    };
    let built: Result<Deal, gateway::demo::stage::StageError> = build();
    built.unwrap_or_else(|error| panic!("{error}"))
}
