//! The `fairtrade` command: one file for each thing it can do. What a command decides about the marketplace does not belong here; it
//! asks the platform.

mod access;
mod admin;
mod args;
mod assembly;
mod audit;
mod doctor;
mod failure;
mod keys;
mod ledger;
mod logs;
mod migrate;
mod output;
mod seed;
mod serve;
mod signals;
mod tasks;
mod trail;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use serde_json::json;

use crate::config::Loaded;
use crate::{demo, openapi, routes};
use args::{Admin, Audit, Cli, Command, Keys, Ledger};
use assembly::{Use, with_platform};

pub use admin::operator;
pub use failure::Failure;
pub use output::{Voice, say, table};

/// Runs the command line of this process; the result is its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let voice = Voice::of(cli.json);
    match run(&cli.command, voice) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure, voice);
            ExitCode::from(&failure)
        }
    }
}

fn run(command: &Command, voice: Voice) -> Result<(), Failure> {
    match command {
        Command::Openapi => return print_openapi(),
        Command::Completions { shell } => return print_completions(*shell),
        Command::Doctor => return doctor::run(Loaded::read(), voice),
        _ => {}
    }
    let loaded = Loaded::read()?;
    logs::start(&loaded.config.log)?;
    match command {
        Command::Serve(asked) => serve::serve(asked, voice, &loaded),
        Command::Worker => serve::work(voice, &loaded),
        Command::Migrate(asked) => migrate::run(asked, voice, &loaded),
        Command::Seed(asked) => seed::run(asked, voice, &loaded),
        Command::Demo(asked) => demo::run(asked.url.as_deref(), asked.mail.as_deref(), voice, &loaded),
        Command::Admin(Admin::Create { email, name }) => with_platform(&loaded, Use::Command, |platform| {
            trail::acting(platform, "fairtrade admin create", || {
                admin::create(email, name, voice, platform.commands().identity.as_ref())
            })
        }),
        Command::Admin(Admin::ResetSecondFactor { email }) => {
            with_platform(&loaded, Use::Command, |platform| {
                trail::acting(platform, "fairtrade admin reset-second-factor", || {
                    admin::reset_second_factor(email, voice, platform.commands().identity.as_ref())
                })
            })
        }
        Command::Audit(Audit::Verify { checkpoint }) => with_platform(&loaded, Use::Command, |platform| {
            audit::verify(checkpoint.as_deref(), voice, platform.queries().audit.as_ref())
        }),
        Command::Audit(Audit::Checkpoint { out }) => with_platform(&loaded, Use::Command, |platform| {
            audit::checkpoint(out.as_deref(), voice, platform.commands().audit.as_ref())
        }),
        Command::Ledger(Ledger::Verify) => {
            with_platform(&loaded, Use::Command, |platform| ledger::verify(platform.db(), voice))
        }
        Command::Keys(asked) => with_platform(&loaded, Use::Command, |platform| match asked {
            Keys::List => keys::list(platform.queries().identity.as_ref(), voice),
            Keys::Rotate { at_once } => trail::acting(platform, "fairtrade keys rotate", || {
                keys::rotate(platform.commands().identity.as_ref(), *at_once, voice)
            }),
        }),
        Command::Tasks(asked) => {
            with_platform(&loaded, Use::Command, |platform| tasks::run(asked, voice, platform))
        }
        // Done above: they need no configuration.
        Command::Openapi | Command::Completions { .. } | Command::Doctor => Ok(()),
    }
}

fn print_openapi() -> Result<(), Failure> {
    let document = serde_json::to_string_pretty(&openapi::document(&routes::operations()));
    say(document.map_err(|error| Failure::Internal(error.to_string()))?)
}

fn print_completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "fairtrade", &mut script);
    say(String::from_utf8_lossy(&script))
}

/// What went wrong, on standard error; for programs as JSON.
fn report(failure: &Failure, voice: Voice) {
    match voice {
        Voice::People => eprintln!("fairtrade: {failure}"),
        Voice::Programs => {
            eprintln!(
                "{}",
                json!({ "error": failure.word(), "message": failure.to_string(), "exitCode": failure.code() })
            );
        }
    }
}
