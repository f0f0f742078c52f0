//! The command line: what can be said, and the help that teaches it. What it does stands in the files beside.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const AFTER_HELP: &str = "\
Configuration: config/default.toml, under config/<FAIRTRADE_ENV>.toml, under environment variables
(FAIRTRADE__SECTION__KEY, or plain names such as DATABASE_URL and PORT). config/default.toml explains every setting.

Exit codes: 0 done · 1 refused, or something wrong was found · 2 the command line is wrong · 3 the configuration is
wrong · 4 Postgres is not there or not as it should be · 5 the address cannot be listened on

Examples:
  fairtrade serve --demo          try it out: a private Postgres, a small demo, http://127.0.0.1:8080
  fairtrade demo                  walk a job from posting to paid against it
  DATABASE_URL=postgres://… fairtrade migrate && DATABASE_URL=postgres://… fairtrade serve
  fairtrade doctor                what is wrong with this machine, and what to do about it";

/// FairTradeWorker: a marketplace for home services, with the money held until the work is done.
#[derive(Debug, Parser)]
#[command(name = "fairtrade", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(super) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Answer in JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the API, and run the workers unless told not to.
    ///
    /// Without DATABASE_URL a private Postgres is started under the data directory and migrated; Ctrl-C stops both. With DATABASE_URL the
    /// schema has to be current: run `fairtrade migrate` first, or say --migrate.
    #[command(after_help = "Examples:\n  fairtrade serve --demo\n  PORT=8081 fairtrade serve\n  \
        DATABASE_URL=postgres://… fairtrade serve --no-workers     (and `fairtrade worker` elsewhere)")]
    Serve(Serve),
    /// Run the workers alone: deadlines, mail, payouts, everything that happens without being asked for.
    #[command(after_help = "Example:\n  DATABASE_URL=postgres://… fairtrade worker")]
    Worker,
    /// Bring the database's schema up to date, or take migrations back.
    ///
    /// Makes the database roles that the ledger is guarded by, where it may.
    #[command(
        after_help = "Examples:\n  MIGRATION_DATABASE_URL=postgres://… DATABASE_URL=postgres://… fairtrade migrate\n  \
        fairtrade migrate --down 1      take the last one back; its data goes with it"
    )]
    Migrate(Migrate),
    /// Walk the main job over HTTP, from three registrations to the trial balance, telling each step.
    ///
    /// A client like any other: against the server that is running, or against one that it starts for the purpose. The server has to have
    /// the demo in it (`serve --demo`), because its administrator verifies the contractors. Each walk makes new people and a new job.
    #[command(
        after_help = "Examples:\n  fairtrade demo\n  fairtrade demo --url http://127.0.0.1:8081 --mail /srv/mail\n  fairtrade demo --json | jq '.steps[].moved'"
    )]
    Demo(Demo),
    /// Fill an empty database with believable people, jobs, bids and reviews: for trying out, and for measuring.
    ///
    /// The same number makes the same rows again, on the same day. Only a database in which nobody lives but the seed is filled, never a
    /// production installation, and nobody of the seed can sign in; `fairtrade admin create` makes somebody who can, after the last seeding. Stop
    /// servers that use the database meanwhile: of many rows the indexes are taken away and made anew.
    #[command(
        after_help = "Examples:\n  fairtrade seed\n  fairtrade seed --jobs 1000000 --bids 5000000      about 200,000 people with them\n  \
        fairtrade seed --jobs 1000 --bids 4000 --people 300 --seed 42 --json"
    )]
    Seed(Seed),
    /// Print the OpenAPI 3.1 document of the API.
    #[command(after_help = "Example:\n  fairtrade openapi > openapi.json")]
    Openapi,
    /// Administrators are made here and nowhere else; and who has lost a second factor gets in again.
    #[command(subcommand)]
    Admin(Admin),
    /// The books.
    #[command(subcommand)]
    Ledger(Ledger),
    /// The audit trail.
    #[command(subcommand)]
    Audit(Audit),
    /// The keys that access tokens are signed with.
    #[command(subcommand)]
    Keys(Keys),
    /// The work that waits, runs, or has given up.
    #[command(subcommand)]
    Tasks(Tasks),
    /// Look at this machine and say what is wrong and what to do about it.
    #[command(
        after_help = "Exit code 1 when something has to be done.\n\nExample:\n  fairtrade doctor --json"
    )]
    Doctor,
    /// Print completions for a shell.
    #[command(after_help = "Example:\n  fairtrade completions bash > /etc/bash_completion.d/fairtrade")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// What `serve` takes.
#[derive(Debug, Default, Args)]
pub(super) struct Serve {
    /// Put a small demo in, once: people, jobs in every state, money in every account.
    #[arg(long)]
    pub demo: bool,
    /// Leave the workers to `fairtrade worker`.
    #[arg(long)]
    pub no_workers: bool,
    /// Migrate first, also where DATABASE_URL names the server.
    #[arg(long)]
    pub migrate: bool,
}

/// What `migrate` takes.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Take so many migrations back, the newest first. Their data is lost.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub down: Option<u32>,
}

/// What `demo` takes.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where the server is; by default the configured address, and one is started when nobody answers there.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Where that server writes mail that is not sent: new people find there what proves their addresses. By default the configured
    /// folder; with --url and without this the demo's own people walk, who need no mail.
    #[arg(long, value_name = "FOLDER")]
    pub mail: Option<PathBuf>,
}

/// What `seed` takes.
#[derive(Debug, Args)]
pub(super) struct Seed {
    /// Jobs to make; nine of ten are open.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    /// Bids to make on them.
    #[arg(long, value_name = "M", default_value_t = 50_000)]
    pub bids: u32,
    /// Homeowners and contractors; one for each five jobs when it is not said.
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u32).range(2..))]
    pub people: Option<u32>,
    /// The number that all of it is made from.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=i64::MAX.unsigned_abs()))]
    pub seed: u64,
}

/// Administrators.
#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Make an administrator.
    ///
    /// The password is asked for, or read from a pipe, so that it stands in no list of processes and no shell's history.
    #[command(
        after_help = "Example:\n  openssl rand -base64 18 | tee /dev/tty | fairtrade admin create --email ada@example.org --name 'Ada Lovelace'"
    )]
    Create {
        /// Where mail reaches them, and what they sign in with.
        #[arg(long)]
        email: String,
        /// As others see them.
        #[arg(long)]
        name: String,
    },
    /// Switch off the second factor of somebody, administrator or not, who lost the app and the recovery codes.
    ///
    /// Make sure by other means who asks: from then on the password alone signs in. All their sessions end, and they are told by mail.
    #[command(after_help = "Example:\n  fairtrade admin reset-second-factor --email ada@example.org")]
    ResetSecondFactor {
        /// What they sign in with.
        #[arg(long)]
        email: String,
    },
}

/// The books.
#[derive(Debug, Subcommand)]
pub(super) enum Ledger {
    /// Recompute everything from the entries and name every row that disagrees.
    #[command(
        after_help = "Exit code 1 when anything disagrees.\n\nExample:\n  fairtrade ledger verify --json"
    )]
    Verify,
}

/// The audit trail.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Compute every hash again, and name the first row of each chain that is not as it was written.
    ///
    /// Whoever has the whole database in his hands can cut the end of it off, checkpoints and all: a checkpoint that was kept elsewhere
    /// shows that too.
    #[command(
        after_help = "Exit code 1 when anything is broken.\n\nExamples:\n  fairtrade audit verify\n  fairtrade audit verify --checkpoint /mnt/elsewhere/audit.json --json"
    )]
    Verify {
        /// A checkpoint that was kept outside the database, as `audit checkpoint` wrote it.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Sign the heads of all chains as they are now, to be kept where whoever has the database cannot reach.
    #[command(after_help = "Example:\n  fairtrade audit checkpoint --out /mnt/elsewhere/audit.json")]
    Checkpoint {
        /// Where to write it; standard output when it is not said.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// The keys that access tokens are signed with.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// List them with what each is good for, the newest first; never the keys themselves.
    #[command(
        after_help = "Example:\n  fairtrade keys list --json | jq -r '.[] | select(.state == \"CURRENT\") | .kid'"
    )]
    List,
    /// Make a new key. Nobody is signed out by it.
    ///
    /// It signs after a minute (identity.signing_key_delay_seconds), when every running server knows it; the one before is recognised until
    /// the last token that it signed has ended.
    #[command(
        after_help = "Examples:\n  fairtrade keys rotate\n  fairtrade keys rotate --at-once      others have got hold of a key"
    )]
    Rotate {
        /// Refuse everything that was signed before, from now on: clients get new access tokens with their refresh tokens.
        #[arg(long)]
        at_once: bool,
    },
}

/// The work that waits, runs, or has given up.
#[derive(Debug, Subcommand)]
pub(super) enum Tasks {
    /// List tasks, the newest first.
    #[command(
        after_help = "Examples:\n  fairtrade tasks list --state parked\n  fairtrade tasks list --json | jq '.[].reason'"
    )]
    List {
        /// Only those in this state.
        #[arg(long, value_enum, ignore_case = true)]
        state: Option<State>,
        /// At most so many, up to 100.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=100))]
        limit: i64,
    },
    /// Run a parked or waiting one as soon as possible, with all its attempts before it.
    #[command(after_help = "Example:\n  fairtrade tasks retry tsk_01jd3…")]
    Retry {
        /// As `tasks list` shows it.
        id: String,
    },
    /// Set one aside until somebody retries it.
    #[command(after_help = "Example:\n  fairtrade tasks park tsk_01jd3… --reason 'waiting for the bank'")]
    Park {
        /// As `tasks list` shows it.
        id: String,
        /// Why; it is kept with the task.
        #[arg(long, default_value = "parked by an operator")]
        reason: String,
    },
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum State {
    /// Waits for its time, or for the next try.
    Queued,
    /// A worker has it.
    Running,
    /// Finished.
    Done,
    /// Given up; a person has to look.
    Parked,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_every_leaf_teaches_by_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, bool)>) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                if sub.has_subcommands() {
                    leaves(sub, &path, found);
                } else {
                    let teaches =
                        sub.get_after_help().is_some_and(|help| help.to_string().contains("Example"));
                    found.push((path, teaches));
                }
            }
        }
        let mut found = Vec::new();
        leaves(&command, "fairtrade", &mut found);
        assert_eq!(found.len(), 18);
        let silent: Vec<_> = found.into_iter().filter(|(_, teaches)| !teaches).collect();
        assert_eq!(silent, []);
    }
}
