//! The `fairtrade` command as a shell sees it: what it prints, where, and its exit code.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use testing::{RedisServer, S3Server, TestDatabase};

/// A machine on which nothing of the program is yet, but perhaps a database.
struct Shell {
    data: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Shell {
    fn new() -> Self {
        let data = std::env::temp_dir().join(format!("fairtrade-command-{}", uuid::Uuid::now_v7()));
        Self { data, variables: Vec::new() }
    }

    fn over(database: &TestDatabase) -> Self {
        let urls = [("DATABASE_URL", &database.url), ("MIGRATION_DATABASE_URL", &database.owner_url)];
        urls.into_iter().fold(Self::new(), |shell, (name, url)| shell.with(name, url))
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "")
    }

    /// What the doctor says of one thing.
    #[track_caller]
    fn seen(&self, name: &str) -> Value {
        let report = self.run(&["doctor", "--json"]).json();
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap().clone()
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairtrade"));
        command.args(arguments).env_clear().env("FAIRTRADE_DATA", &self.data);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // What reads nothing may have gone before it was told.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Said::from(child.wait_with_output().unwrap())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

struct Said {
    code: i32,
    out: String,
    error: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.error))
    }

    /// The last line of standard error, as programs read it.
    #[track_caller]
    fn failure(&self) -> Value {
        let line = self.error.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", self.error))
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let shell = Shell::new();
    let commands = [
        "serve",
        "worker",
        "migrate",
        "demo",
        "openapi",
        "admin create",
        "admin reset-second-factor",
        "ledger verify",
        "audit verify",
        "audit checkpoint",
        "keys list",
        "keys rotate",
        "tasks list",
        "tasks retry",
        "tasks park",
        "doctor",
        "completions",
    ];
    for command in commands {
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let said = shell.run(&arguments);
        assert_eq!(said.code, 0, "{command}");
        assert!(said.out.contains("Example"), "{command}: {}", said.out);
        assert!(said.out.contains("--json"), "{command}: {}", said.out);
    }
    assert!(shell.run(&["--help"]).out.contains("Exit codes: 0 done"));
}

#[test]
fn a_wrong_command_line_is_2_and_writes_nothing_on_standard_output() {
    let shell = Shell::new();
    for wrong in [
        vec!["frobnicate"],
        vec!["migrate", "--down", "0"],
        vec!["tasks", "list", "--limit", "500"],
        vec!["tasks", "list", "--state", "lost"],
        vec!["completions", "klingon"],
        vec!["admin", "create"],
    ] {
        let said = shell.run(&wrong);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{wrong:?}");
        assert!(!said.error.is_empty(), "{wrong:?}");
    }
}

#[test]
fn every_fault_of_the_configuration_is_told_at_once_and_is_3() {
    let shell = Shell::new().with("PORT", "many").with("FAIRTRADE__SERVER__COLOUR", "blue");
    let said = shell.run(&["serve"]);
    assert_eq!(said.code, 3);
    assert!(said.error.contains("server.port (the variable PORT)"), "{}", said.error);
    assert!(said.error.contains("server.colour (the variable FAIRTRADE__SERVER__COLOUR)"), "{}", said.error);
    let failure = shell.run(&["serve", "--json"]).failure();
    assert_eq!((failure["error"].as_str(), failure["exitCode"].as_i64()), (Some("config"), Some(3)));
}

#[test]
fn a_taken_port_is_5_and_names_the_port_and_the_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = Shell::new().with("PORT", &port).run(&["serve"]);
    assert_eq!(said.code, 5);
    assert!(said.error.contains(&port) && said.error.contains("server.port"), "{}", said.error);
    let listen = format!("127.0.0.1:{port}");
    let said = Shell::new().with("PORT", "0").with("FAIRTRADE__METRICS__LISTEN", &listen).run(&["serve"]);
    assert_eq!(said.code, 5);
    assert!(said.error.contains(&port) && said.error.contains("metrics.listen"), "{}", said.error);
}

#[test]
fn a_database_that_does_not_answer_is_4_and_the_doctor_says_so_too() {
    let shell = Shell::new().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    for command in [vec!["migrate"], vec!["ledger", "verify"], vec!["tasks", "list"], vec!["worker"]] {
        let said = shell.run(&command);
        assert_eq!(said.code, 4, "{command:?}: {}", said.error);
        assert!(said.error.contains("DATABASE_URL") && !said.error.contains("panicked"), "{}", said.error);
    }
    let said = shell.run(&["doctor", "--json"]);
    assert_eq!(said.code, 1);
    let report = said.json();
    assert_eq!(report["healthy"], false);
    let checks = report["checks"].as_array().unwrap();
    let database = checks.iter().find(|check| check["name"] == "database").unwrap();
    assert_eq!(database["health"], "bad");
    assert!(database["advice"].as_str().unwrap().contains("DATABASE_URL"));
}

#[test]
fn a_redis_that_refuses_is_3_and_one_that_is_away_is_for_the_doctor() {
    let database = TestDatabase::new();
    let mut redis = RedisServer::start_with_password("right");
    let over = |url: &str| {
        let shell =
            Shell::over(&database).with("PORT", "0").with("FAIRTRADE__METRICS__LISTEN", "127.0.0.1:0");
        shell.with("FAIRTRADE__RATE_LIMIT__COUNT_IN", "redis").with("FAIRTRADE__RATE_LIMIT__REDIS_URL", url)
    };
    let (right, wrong) = (over(&redis.url()), over(&redis.url_with_password("hunter2")));
    let said = wrong.run(&["serve"]);
    assert_eq!(said.code, 3, "{}", said.error);
    assert!(said.error.contains("rate_limit.redis_url (Redis)"), "{}", said.error);
    assert!(
        said.error.contains("authentication failed") && !said.error.contains("hunter2"),
        "{}",
        said.error
    );
    assert_eq!(wrong.seen("rate limits")["health"], "bad");
    let seen = right.seen("rate limits");
    assert!(seen["health"] == "good" && seen["found"].as_str().unwrap().contains("in Redis"), "{seen}");
    redis.kill();
    assert_eq!(right.seen("rate limits")["health"], "bad");
    let said = Shell::over(&database).with("FAIRTRADE__RATE_LIMIT__COUNT_IN", "redis").run(&["serve"]);
    assert!(said.code == 3 && said.error.contains("rate_limit.redis_url"), "{}", said.error);
}

#[test]
fn redis_is_spoken_to_over_tls_where_its_certificate_is_believed() {
    let redis = RedisServer::start_with_tls();
    let over = |url: &str| {
        let shell = Shell::new().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
        shell.with("FAIRTRADE__RATE_LIMIT__COUNT_IN", "redis").with("FAIRTRADE__RATE_LIMIT__REDIS_URL", url)
    };
    let authority = RedisServer::authority();
    let believed = over(&redis.url()).with("SSL_CERT_FILE", authority.to_str().unwrap()).seen("rate limits");
    assert_eq!(believed["health"], "good", "{believed}");
    let stranger = over(&redis.url()).seen("rate limits");
    assert_eq!(stranger["health"], "bad", "{stranger}");
    assert!(stranger["found"].as_str().unwrap().contains("certificate"), "{stranger}");
    assert!(stranger["advice"].as_str().unwrap().contains("no server starts before that"), "{stranger}");
    // Nobody is to believe that this is as good.
    let insecure = over(&format!("{}/#insecure", redis.url())).seen("rate limits");
    assert_eq!(insecure["health"], "bad", "{insecure}");
}

#[test]
fn files_in_a_bucket_are_tried_by_the_doctor() {
    let s3 = S3Server::start();
    let over = |bucket: &str| {
        let shell = Shell::new().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
        shell
            .with("FAIRTRADE__STORAGE__S3_BUCKET", bucket)
            .with("FAIRTRADE__STORAGE__S3_ENDPOINT", s3.endpoint())
            .with("FAIRTRADE__STORAGE__S3_ACCESS_KEY_ID", S3Server::ACCESS_KEY_ID)
            .with("FAIRTRADE__STORAGE__S3_SECRET_ACCESS_KEY", S3Server::SECRET_ACCESS_KEY)
    };
    assert_eq!(over(S3Server::BUCKET).seen("files")["health"], "good");
    let wrong = over("nowhere").seen("files");
    assert_eq!(wrong["health"], "bad", "{wrong}");
    assert!(wrong["found"].as_str().unwrap().contains("nowhere"), "{wrong}");
    let said = over(S3Server::BUCKET).with("FAIRTRADE__STORAGE__FOLDER", "files").run(&["serve"]);
    assert!(said.code == 3 && said.error.contains("storage.folder"), "{}", said.error);
}

#[test]
fn production_refuses_the_demo() {
    let said = Shell::new().with("FAIRTRADE_ENV", "production").run(&["serve", "--demo"]);
    assert_eq!(said.code, 1);
    assert!(said.error.contains("known to everybody"), "{}", said.error);
}

#[test]
fn a_database_is_seeded_once_from_a_number_and_the_trail_says_so() {
    let database = TestDatabase::new();
    let shell = Shell::over(&database);
    let asked = ["seed", "--jobs", "200", "--bids", "800", "--people", "90", "--seed", "5", "--json"];
    let said = shell.run(&asked);
    assert_eq!(said.code, 0, "{}", said.error);
    let told = said.json();
    assert_eq!((&told["people"], &told["jobs"], &told["bids"]), (&90.into(), &200.into(), &800.into()));
    assert!(said.error.contains("a second"), "{}", said.error);
    assert_eq!(database.count("marketplace.jobs"), 200);
    assert!(database.count("marketplace.trending") > 0, "what people looked at is told at once");
    assert_eq!(database.count("audit.entries WHERE action = 'fairtrade seed'"), 1);

    let again = shell.run(&asked);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    assert!(again.error.contains("number 5 is in this database already"), "{}", again.error);
    let impossible = shell.run(&["seed", "--jobs", "10", "--bids", "5000", "--people", "4", "--seed", "6"]);
    assert!(impossible.code == 1 && impossible.error.contains("more people"), "{}", impossible.error);
    assert_eq!(shell.run(&["seed", "--jobs", "0"]).code, 2);
}

#[test]
fn only_a_database_in_which_nobody_lives_is_seeded_and_never_production() {
    let database = TestDatabase::new();
    database.execute(
        "INSERT INTO identity.people (id, role, email, email_canonical, full_name, time_zone, created_at, updated_at)
         VALUES (gen_random_uuid(), 'HOMEOWNER', 'ada@example.org', 'ada@example.org', 'Ada', 'UTC', app.clock(), app.clock())",
    );
    let refused = Shell::over(&database).run(&["seed"]);
    assert_eq!(refused.code, 1);
    assert!(refused.error.contains("1 people and 0 jobs that no seeding made"), "{}", refused.error);
    let refused = Shell::new().with("FAIRTRADE_ENV", "production").run(&["seed"]);
    assert_eq!(refused.code, 1);
    assert!(refused.error.contains("production"), "{}", refused.error);
}

#[test]
fn the_walk_says_when_nobody_answers_or_somebody_else_does() {
    let shell = Shell::new();
    let said = shell.run(&["demo", "--url", "http://127.0.0.1:1", "--json"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.failure()["message"].as_str().unwrap().contains("nobody answers"), "{}", said.error);
    let said = shell.run(&["demo", "--url", "nonsense"]);
    assert_eq!(said.code, 1);
    assert!(said.error.contains("no URL"), "{}", said.error);
}

#[test]
fn the_document_and_the_completions_need_no_configuration() {
    let shell = Shell::new().with("PORT", "many");
    assert_eq!(shell.run(&["openapi"]).json()["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    for name in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = shell.run(&["completions", name]);
        assert!(said.code == 0 && said.out.contains("fairtrade"), "{name}");
    }
}

#[test]
fn over_a_migrated_database_each_command_answers_programs_in_json() {
    let database = TestDatabase::new();
    let shell = Shell::over(&database);
    assert_eq!(shell.run(&["migrate", "--json"]).json()["applied"].as_array().unwrap().len(), 0);
    assert_eq!(shell.run(&["ledger", "verify", "--json"]).json()["clean"], true);
    let create = ["admin", "create", "--email", "ada@example.org", "--name", "Ada Byron", "--json"];
    let made = shell.run_with(&create, "violet-mural-97-kestrel\nnot this line\n");
    assert_eq!(made.json()["email"], "ada@example.org");
    assert_eq!(database.count("identity.people WHERE role = 'ADMIN' AND email_verified_at IS NOT NULL"), 1);
    let again = shell.run_with(&create, "violet-mural-97-kestrel\n");
    assert_eq!((again.code, again.failure()["error"].as_str()), (1, Some("refused")));
    let report = shell.run(&["doctor", "--json"]).json();
    let checks = report["checks"].as_array().unwrap();
    let health = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap()["health"].clone();
    assert_eq!(
        (health("database"), health("ledger guard"), health("migrations")),
        ("good".into(), "good".into(), "good".into())
    );
}

#[test]
fn an_administrators_faults_are_all_named_by_their_arguments() {
    let database = TestDatabase::new();
    let shell = Shell::over(&database);
    let said = shell.run_with(&["admin", "create", "--email", "nowhere", "--name", ""], "weak\n");
    assert_eq!(said.code, 1);
    for fault in ["--email", "--name", "the password"] {
        assert!(said.error.contains(fault), "{fault}: {}", said.error);
    }
    let said = shell.run(&["admin", "create", "--email", "ada@example.org", "--name", "Ada"]);
    assert!(said.code == 1 && said.error.contains("standard input"), "{}", said.error);
}

#[test]
fn a_second_factor_that_was_lost_is_taken_away() {
    let database = TestDatabase::new();
    let shell = Shell::over(&database);
    let create = ["admin", "create", "--email", "Ada@example.org", "--name", "Ada Byron"];
    assert_eq!(shell.run_with(&create, "violet-mural-97-kestrel\n").code, 0);
    let reset = |email: &str| shell.run(&["admin", "reset-second-factor", "--email", email, "--json"]);
    let none = reset("ada@example.org");
    assert!(none.code == 1 && none.error.contains("OFF"), "{}", none.error);
    database.execute("UPDATE identity.people SET second_factor_at = app.clock()");
    let nobody = reset("eve@example.org");
    assert!(nobody.code == 1 && nobody.error.contains("nobody has the address"), "{}", nobody.error);
    assert_eq!(reset("ada@EXAMPLE.org").json()["email"], "Ada@example.org");
    assert_eq!(database.count("identity.people WHERE second_factor_at IS NULL"), 1);
    let told =
        "audit.entries WHERE actor_kind = 'OPERATOR' AND action = 'fairtrade admin reset-second-factor'
        AND changes->0->'before'->>'secondFactor' = 'ON' AND changes->0->'after'->>'secondFactor' = 'OFF'";
    assert_eq!(database.count(told), 1);
    assert_eq!(database.count("outbox.events WHERE name = 'second_factor.reset'"), 1);
}

#[test]
fn a_task_is_parked_and_retried_by_hand() {
    let database = TestDatabase::new();
    let shell = Shell::over(&database);
    database.execute(
        "INSERT INTO outbox.tasks (id, kind, payload, due_at, max_attempts, trace_id, created_at) VALUES \
         (gen_random_uuid(), 'test.waits', '{}', app.clock() + interval '1 hour', 3, 'test', app.clock())",
    );
    let listed = shell.run(&["tasks", "list", "--json"]).json();
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed[0]["state"], "QUEUED");
    assert_eq!(
        shell.run(&["tasks", "park", &id, "--reason", "the bank is closed", "--json"]).json()["state"],
        "PARKED"
    );
    let parked = shell.run(&["tasks", "list", "--state", "parked"]);
    assert!(parked.out.contains("the bank is closed"), "{}", parked.out);
    assert_eq!(shell.run(&["tasks", "retry", &id, "--json"]).json()["state"], "QUEUED");
    for (action, before, after) in
        [("fairtrade tasks park", "QUEUED", "PARKED"), ("fairtrade tasks retry", "PARKED", "QUEUED")]
    {
        let told = format!(
            "audit.entries WHERE actor_kind = 'OPERATOR' AND action = '{action}' AND objects = '{{task/{id}}}'
             AND changes->0->'before'->>'state' = '{before}' AND changes->0->'after'->>'state' = '{after}'"
        );
        assert_eq!(database.count(&told), 1, "{action}");
    }
    for wrong in ["nonsense", "tsk_01h455vb4pex5vsknk084sn02q"] {
        let said = shell.run(&["tasks", "retry", wrong]);
        assert!(said.code == 1 && said.error.contains("task"), "{}", said.error);
    }
}

#[test]
fn whoever_changes_the_keys_is_in_the_audit_trail() {
    let database = TestDatabase::new();
    let shell = Shell::over(&database);
    let kid = |keys: &Value, index: usize| keys[index]["kid"].as_str().unwrap_or_default().to_owned();
    let before = kid(&shell.run(&["keys", "list", "--json"]).json(), 0);
    let keys = shell.run(&["keys", "rotate", "--json"]).json();
    let (next, state) = (kid(&keys, 0), &keys[0]["state"]);
    assert!(next != before && !before.is_empty() && state == "NEXT", "{keys}");
    let rotated = "audit.entries WHERE actor_kind = 'OPERATOR' AND action = 'fairtrade keys rotate' AND outcome = 'DONE'";
    let of_both = format!(
        "{rotated} AND objects @> '{{signing_key/{next},signing_key/{before}}}' AND changes::text LIKE '%signsFrom%'"
    );
    assert_eq!(database.count(&of_both), 1);
    // What is refused changes nothing, and leaves none.
    let refused = shell.run(&["keys", "rotate"]);
    assert_eq!(refused.code, 1, "{}", refused.error);
    assert_eq!(database.count(rotated), 1);
    assert_eq!(shell.run(&["keys", "rotate", "--at-once"]).code, 0);
    assert_eq!(database.count(rotated), 2);
    assert_eq!(shell.run(&["audit", "verify"]).code, 0);
}

#[test]
fn the_audit_trail_is_proved_and_what_was_done_to_it_is_named() {
    let database = TestDatabase::new();
    let shell = Shell::over(&database);
    let nothing = shell.run(&["audit", "checkpoint"]);
    assert!(nothing.code == 1 && nothing.error.contains("empty"), "{}", nothing.error);
    for name in ["ada", "grace", "emmy"] {
        let email = format!("{name}@example.org");
        let create = ["admin", "create", "--email", &email, "--name", "Ada Byron"];
        assert_eq!(shell.run_with(&create, "violet-mural-97-kestrel\n").code, 0);
    }
    let made = "audit.entries WHERE actor_kind = 'OPERATOR' AND action = 'fairtrade admin create' AND outcome = 'DONE'";
    assert_eq!(database.count(made), 3);
    let kept = shell.data.join("kept.json");
    let kept = kept.to_str().unwrap();
    let signed = shell.run(&["audit", "checkpoint", "--out", kept, "--json"]).json();
    assert_eq!((signed["number"].as_i64(), signed["rows"].as_i64()), (Some(1), Some(3)));
    let whole = shell.run(&["audit", "verify", "--checkpoint", kept, "--json"]).json();
    assert_eq!((&whole["whole"], &whole["report"]["entries"]), (&true.into(), &3.into()));
    assert!(shell.run(&["audit", "verify"]).out.contains("is whole: 3 rows and 1 checkpoints"));
    // Whoever is a superuser is held up by no trigger.
    let mut superuser = database.superuser_connection();
    let tamper = "SET session_replication_role = replica; \
        UPDATE audit.entries SET action = 'fairtrade nothing' WHERE id = (SELECT max(id::text)::uuid FROM audit.entries)";
    diesel::connection::SimpleConnection::batch_execute(&mut superuser, tamper).unwrap();
    let broken = shell.run(&["audit", "verify", "--json"]);
    assert_eq!(broken.code, 1);
    let first = &broken.json()["firstBroken"];
    assert_eq!(
        (first["check"].as_str(), first["entry"].as_str().map(|id| &id[..4])),
        (Some("altered"), Some("aud_"))
    );
    assert!(broken.error.contains("is not what was hashed"), "{}", broken.error);
    let nonsense = shell.run(&["audit", "verify", "--checkpoint", "/dev/null"]);
    assert!(nonsense.code == 1 && nonsense.error.contains("no checkpoint"), "{}", nonsense.error);
}
