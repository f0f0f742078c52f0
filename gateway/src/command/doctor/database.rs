//! What the doctor sees in the database. A private Postgres is looked at only while it runs: the doctor starts nothing.

use chrono::{TimeDelta, Utc};
use database::ServerFacts;

use super::super::access::Access;
use super::check::Check;
use crate::command::assembly::{Use, connections};
use crate::config::Loaded;

/// Clocks that differ by more make deadlines look wrong.
const CLOCK_DRIFT_MAX: TimeDelta = TimeDelta::seconds(2);

/// Every check that needs the database.
pub(super) fn checks(loaded: &Loaded) -> Vec<Check> {
    let directory = loaded.config.data.directory();
    if loaded.config.database.url.is_none() && database::cluster::inspect(&directory).server.is_none() {
        let advice = "`fairtrade serve` starts it; set DATABASE_URL for a server of your own";
        return vec![Check::note("database", "a private Postgres, which does not run at the moment", advice)];
    }
    let access = match Access::open(loaded) {
        Ok(access) => access,
        Err(failure) => return vec![Check::bad("database", "cannot be had", failure.to_string())],
    };
    let checks = match access.facts() {
        Ok((runtime, owner)) => {
            let mut checks = vec![
                reachable(&runtime),
                guard(&runtime, &owner, &loaded.config.database.roles.runtime),
                clock(&runtime),
                room(&runtime, loaded),
            ];
            checks.push(migrations(&access));
            checks
        }
        Err(failure) => vec![unreachable(&failure.to_string())],
    };
    match access.close() {
        Ok(()) => checks,
        Err(failure) => {
            checks.into_iter().chain([Check::bad("database", "does not stop", failure.to_string())]).collect()
        }
    }
}

/// What the failure advises beside is to ask the doctor.
fn unreachable(failure: &str) -> Check {
    let found = failure.lines().next().unwrap_or(failure);
    let advice =
        "start the server that DATABASE_URL names, correct the URL, or unset it to have a private one";
    Check::bad("database", found, advice)
}

fn reachable(runtime: &ServerFacts) -> Check {
    Check::good("database", format!("Postgres {} as {}", runtime.version, runtime.user))
}

/// What keeps a program that was taken over from the ledger's rows.
fn guard(runtime: &ServerFacts, owner: &ServerFacts, role: &str) -> Check {
    if runtime.superuser {
        let advice = format!("let DATABASE_URL sign in as {role}; no right stops a superuser");
        return Check::note(
            "ledger guard",
            "the server is used as a superuser: the ledger is guarded by triggers alone",
            advice,
        );
    }
    if runtime.may_own || runtime.user == owner.user {
        let advice = format!("let DATABASE_URL sign in as {role} and MIGRATION_DATABASE_URL as the owner");
        let found = "one login serves and owns: it gives up its rights by SET ROLE, and whoever takes it over can take them back";
        return Check::note("ledger guard", found, advice);
    }
    Check::good(
        "ledger guard",
        format!("{} may not write ledger rows past the ledger's functions", runtime.user),
    )
}

fn clock(runtime: &ServerFacts) -> Check {
    let drift = (Utc::now() - runtime.clock).abs();
    let shown = format!("{} ms between this machine and the database", drift.num_milliseconds());
    if drift > CLOCK_DRIFT_MAX {
        return Check::bad(
            "clock",
            shown,
            "let both keep their time by NTP, for example with `timedatectl set-ntp true`",
        );
    }
    Check::good("clock", shown)
}

fn room(runtime: &ServerFacts, loaded: &Loaded) -> Check {
    let needed = i64::from(connections(loaded, Use::Serve));
    let (most, used) = (runtime.max_connections, runtime.connections);
    let found = format!("a server process opens up to {needed}; the server takes {most} and has {used}");
    if needed > most {
        let advice = "raise max_connections of Postgres, or lower database.executor.readers and writers";
        return Check::bad("connections", found, advice);
    }
    Check::good("connections", found)
}

fn migrations(access: &Access) -> Check {
    match access.status() {
        Ok(all) => {
            let missing = all.iter().filter(|each| !each.applied).count();
            if missing == 0 {
                Check::good("migrations", format!("all {} applied", all.len()))
            } else {
                Check::bad(
                    "migrations",
                    format!("{missing} of {} missing", all.len()),
                    "run `fairtrade migrate`",
                )
            }
        }
        Err(failure) => Check::bad("migrations", "cannot be compared", failure.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Health;
    use super::*;

    fn facts(user: &str) -> ServerFacts {
        ServerFacts {
            version: "15.14".to_owned(),
            user: user.to_owned(),
            superuser: false,
            runtime_exists: true,
            may_own: false,
            max_connections: 100,
            connections: 3,
            clock: Utc::now(),
        }
    }

    #[test]
    fn it_says_plainly_what_the_ledger_is_guarded_against() {
        let judge = |runtime: ServerFacts| guard(&runtime, &facts("owner"), "app");
        assert_eq!(judge(facts("app")).health, Health::Good);
        assert!(judge(facts("owner")).found.contains("SET ROLE"));
        assert!(judge(ServerFacts { superuser: true, ..facts("app") }).found.contains("triggers alone"));
    }

    #[test]
    fn a_server_that_does_not_answer_is_told_in_one_line() {
        let check = unreachable("Postgres cannot be reached: refused\n`fairtrade doctor` says more.");
        assert_eq!(check.found, "Postgres cannot be reached: refused");
        assert!(check.advice.unwrap().contains("DATABASE_URL"));
    }

    #[test]
    fn clocks_that_disagree_are_told() {
        assert_eq!(clock(&facts("app")).health, Health::Good);
        let late = ServerFacts { clock: Utc::now() - TimeDelta::minutes(5), ..facts("app") };
        assert_eq!(clock(&late).health, Health::Bad);
    }
}
