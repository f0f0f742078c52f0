//! What the doctor sees without a database: programs, directories, the address, the secrets.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use database::cluster::{Binaries, RunAs};

use super::check::Check;
use crate::config::{Environment, Loaded};
use crate::rates::redis::{RedisQuotas, Unusable};
use crate::settings::{CountIn, RateSettings};

/// How long Redis may take to answer here.
const REDIS_PATIENCE: Duration = Duration::from_secs(2);
/// Below this, Postgres may soon be unable to write.
const FREE_BYTES_MIN: u64 = 500 * 1024 * 1024;

/// The environment, and what it means.
pub(super) fn environment(loaded: &Loaded) -> Check {
    let found = format!("read without a fault, for {}", loaded.environment.as_str());
    match loaded.environment {
        Environment::Production => Check::good("config", found),
        Environment::Development | Environment::Test => {
            Check::note("config", found, "where real people are, set FAIRTRADE_ENV=production")
        }
    }
}

/// The keys that the server signs and seals with.
pub(super) fn secrets(loaded: &Loaded) -> Check {
    match loaded.keys() {
        Ok(_) => Check::good("secrets", "each is there and long enough"),
        Err(faults) => {
            let found =
                faults.0.iter().map(|fault| format!("{} {}", fault.key, fault.message)).collect::<Vec<_>>();
            Check::bad(
                "secrets",
                found.join("; "),
                "make each with `openssl rand -hex 32` and set its variable",
            )
        }
    }
}

/// The data directory: there, writable, with room.
pub(super) fn data_directory(directory: &Path) -> Check {
    let shown = directory.display();
    let existing =
        directory.ancestors().find(|each| each.exists()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    if !writable(&existing) {
        let advice = "choose another with FAIRTRADE_DATA, or let this user write to it";
        return Check::bad("directory", format!("{shown} cannot be written to"), advice);
    }
    let Ok(room) = nix::sys::statvfs::statvfs(&existing) else {
        return Check::note("directory", format!("{shown}: the free space is unknown"), "look with `df`");
    };
    let free = room.blocks_available().saturating_mul(room.fragment_size());
    let megabytes = free / 1024 / 1024;
    if free < FREE_BYTES_MIN {
        return Check::bad(
            "directory",
            format!("{shown} has {megabytes} MB left"),
            "make room, or choose another with FAIRTRADE_DATA",
        );
    }
    Check::good("directory", format!("{shown}, {megabytes} MB free"))
}

/// The folder for mail that is not sent.
pub(super) fn mail_folder(folder: &Path) -> Check {
    let shown = folder.display();
    let existing = folder.ancestors().find(|each| each.exists()).unwrap_or_else(|| Path::new("."));
    if writable(existing) {
        return Check::note(
            "mail",
            format!("not sent, but written to {shown}"),
            "set SMTP_URL to have it sent",
        );
    }
    let advice =
        "let this user write to it, set FAIRTRADE__MAIL__FOLDER to another, or SMTP_URL to have mail sent";
    Check::bad("mail", format!("{shown} cannot be written to"), advice)
}

/// The folder for the files of people.
pub(super) fn files_folder(folder: &Path) -> Check {
    let shown = folder.display();
    let existing = folder.ancestors().find(|each| each.exists()).unwrap_or_else(|| Path::new("."));
    if writable(existing) {
        return Check::good("files", format!("kept in {shown}"));
    }
    let advice = "let this user write to it, or choose another with FAIRTRADE__STORAGE__FOLDER";
    Check::bad("files", format!("{shown} cannot be written to"), advice)
}

/// Whether something can be put into it. Root may write everywhere, but not below a file.
fn writable(path: &Path) -> bool {
    path.is_dir() && nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok()
}

/// Where requests are counted; Redis is asked whether it lets itself be used for that.
pub(super) fn counting(settings: &RateSettings) -> Check {
    let Some(url) = settings.redis_url.as_ref().filter(|_| settings.count_in == CountIn::Redis) else {
        let found = match settings.count_in {
            CountIn::Process => "counted by each server for itself",
            CountIn::Postgres | CountIn::Redis => "counted by all servers together, in Postgres",
        };
        return Check::good("rate limits", found);
    };
    let mut quotas = match RedisQuotas::at(url, REDIS_PATIENCE) {
        Ok(quotas) => quotas,
        Err(error) => {
            return Check::bad("rate limits", error.to_string(), "correct rate_limit.redis_url");
        }
    };
    match quotas.prove().map(|()| quotas.version()) {
        Ok(version) => {
            let version = version.unwrap_or_else(|_| "of an unknown version".to_owned());
            Check::good("rate limits", format!("counted by all servers together, in Redis {version}"))
        }
        Err(error @ Unusable::Refused(_)) => {
            let advice = "correct rate_limit.redis_url; no server starts before that";
            Check::bad("rate limits", format!("Redis: {error}"), advice)
        }
        Err(error @ Unusable::Away(_)) => {
            let advice =
                "start the Redis that rate_limit.redis_url names; until then each server counts for itself";
            Check::bad("rate limits", format!("Redis: {error}"), advice)
        }
    }
}

/// The programs of Postgres; only asked for where no server is named.
pub(super) fn postgres_binaries(configured: Option<&Path>, data: &Path) -> Check {
    let found = RunAs::choose().and_then(|_| Binaries::find(configured, &data.join("postgres").join("data")));
    match found {
        Ok(binaries) => {
            Check::good("postgres", format!("version {} in {}", binaries.major(), binaries.dir().display()))
        }
        Err(error) => Check::bad("postgres", "cannot be run privately", error.to_string()),
    }
}

/// The address: free, or ours already.
pub(super) fn address(host: &str, port: u16) -> Check {
    let shown = format!("{host}:{port}");
    let addresses: Vec<SocketAddr> = match (host, port).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            return Check::bad(
                "address",
                format!("{shown}: {error}"),
                "set HOST to an address of this machine",
            );
        }
    };
    match TcpListener::bind(addresses.as_slice()) {
        Ok(_) => Check::good("address", format!("{shown} is free")),
        Err(_) if is_ours(&shown) => Check::good("address", format!("{shown} is served by FairTradeWorker")),
        Err(error) => Check::bad(
            "address",
            format!("{shown}: {error}"),
            "end what listens there, or set PORT (or HOST) to another",
        ),
    }
}

/// The address of the server's figures: free, or had by a server of ours that runs.
pub(super) fn metrics_address(address: SocketAddr) -> Check {
    match TcpListener::bind(address) {
        Ok(_) => Check::good("metrics", format!("{address} is free")),
        Err(_) if serves_figures(address) => {
            Check::good("metrics", format!("{address} is served by FairTradeWorker"))
        }
        Err(error) => Check::bad(
            "metrics",
            format!("{address}: {error}"),
            "end what listens there, or set FAIRTRADE__METRICS__LISTEN to another address",
        ),
    }
}

fn serves_figures(address: SocketAddr) -> bool {
    let client = reqwest::blocking::Client::builder().timeout(Duration::from_secs(2)).build();
    let answer = client.and_then(|client| client.get(format!("http://{address}/metrics")).send());
    answer.is_ok_and(|answer| answer.status().is_success())
}

fn is_ours(address: &str) -> bool {
    let client = reqwest::blocking::Client::builder().timeout(Duration::from_secs(2)).build();
    let answer = client.and_then(|client| client.get(format!("http://{address}/health")).send());
    answer
        .and_then(reqwest::blocking::Response::json::<serde_json::Value>)
        .is_ok_and(|body| body.get("status").is_some())
}

#[cfg(test)]
mod tests {
    use super::super::check::Health;
    use super::*;

    #[test]
    fn a_taken_port_is_told_with_the_setting_that_changes_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let check = address("127.0.0.1", port);
        assert_eq!(check.health, Health::Bad);
        assert!(check.found.contains(&port.to_string()));
        assert!(check.advice.unwrap().contains("PORT"));
    }

    #[test]
    fn a_mail_folder_that_nobody_can_write_to_is_bad() {
        assert_eq!(mail_folder(&std::env::temp_dir().join("mail")).health, Health::Note);
        assert_eq!(mail_folder(Path::new("/dev/null/mail")).health, Health::Bad);
    }

    #[test]
    fn a_directory_that_is_not_there_yet_is_judged_by_where_it_will_be() {
        assert_eq!(data_directory(&std::env::temp_dir().join("not/there/yet")).health, Health::Good);
        assert_eq!(data_directory(Path::new("/dev/null/fairtrade")).health, Health::Bad);
    }
}
