//! `fairtrade doctor`: looks at the machine, and says what is wrong and what to do about it. It changes nothing.

mod check;
mod database;
mod machine;

use serde_json::json;

use super::assembly;
use super::failure::Failure;
use super::output::{Voice, say};
use crate::config::{ConfigFaults, Environment, Loaded};
use check::{Check, Health};

/// Looks at everything and tells; a configuration that cannot be read is the first thing to be told of.
///
/// # Errors
/// [`Failure::Refused`] when something has to be done.
pub(super) fn run(loaded: Result<Loaded, ConfigFaults>, voice: Voice) -> Result<(), Failure> {
    let checks = match loaded {
        Ok(loaded) => examine(&loaded),
        Err(faults) => {
            let found =
                faults.0.iter().map(|fault| format!("{} ({}): {}", fault.key, fault.origin, fault.message));
            let found: Vec<String> = found.collect();
            vec![Check::bad("config", found.join("; "), "config/default.toml explains every setting")]
        }
    };
    let bad = checks.iter().filter(|check| check.health == Health::Bad).count();
    match voice {
        Voice::People => say(check::report(&checks))?,
        Voice::Programs => voice.tell(&json!({ "healthy": bad == 0, "checks": checks }), String::new)?,
    }
    if bad == 0 {
        return Ok(());
    }
    Err(Failure::Refused(format!("{bad} of {} things need attention", checks.len())))
}

fn examine(loaded: &Loaded) -> Vec<Check> {
    let directory = loaded.config.data.directory();
    let server = &loaded.config.server;
    let mut checks = vec![
        machine::environment(loaded),
        machine::secrets(loaded),
        machine::data_directory(&directory),
        machine::address(&server.host, server.port),
    ];
    checks.extend(loaded.config.metrics.listen.map(machine::metrics_address));
    if loaded.config.database.url.is_none() {
        checks.push(machine::postgres_binaries(loaded.config.database.binaries.as_deref(), &directory));
    }
    checks.extend(database::checks(loaded));
    checks.push(machine::counting(&loaded.config.rate_limit));
    checks.push(files(loaded));
    checks.push(mail(loaded));
    checks.push(payments(loaded));
    checks
}

/// A folder is made by whoever serves; in a bucket a few bytes are kept, read and removed.
fn files(loaded: &Loaded) -> Check {
    let Some(bucket) = &loaded.config.storage.s3_bucket else {
        return machine::files_folder(&loaded.files_folder());
    };
    let proved = assembly::storage(loaded)
        .map_err(|failure| failure.to_string())
        .and_then(|storage| storage.prove().map_err(|error| error.to_string()));
    match proved {
        Ok(()) => {
            Check::good("files", format!("kept in the bucket {bucket}, which takes, gives and removes them"))
        }
        Err(error) => {
            Check::bad("files", format!("bucket {bucket}: {error}"), "correct the storage.s3_… settings")
        }
    }
}

fn mail(loaded: &Loaded) -> Check {
    match &loaded.config.mail.smtp_url {
        Some(_) => Check::good("mail", "sent by the server that SMTP_URL names"),
        None => machine::mail_folder(&loaded.mail_folder()),
    }
}

fn payments(loaded: &Loaded) -> Check {
    let found = "simulated: no money moves outside";
    match loaded.environment {
        Environment::Production => {
            Check::bad("payments", found, "there is no other provider in this version yet")
        }
        Environment::Development | Environment::Test => Check::good("payments", found),
    }
}
