//! How the server is: the database, the queue of tasks, the disk, the memory, where requests are counted.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::settings::HealthSettings;

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// As it should be.
    Healthy,
    /// It works, and somebody should look at it.
    Degraded,
    /// It does not work.
    Unhealthy,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HealthCheck {
    /// What.
    pub service: &'static str,
    /// How it is.
    pub status: HealthStatus,
    /// Figures, by name.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

impl HealthCheck {
    pub(crate) fn new(service: &'static str, status: HealthStatus, metadata: Value) -> Self {
        let metadata = match metadata {
            Value::Object(metadata) => metadata,
            _ => Map::new(),
        };
        Self { service, status, metadata }
    }
}

/// Looks at everything that requests need.
pub(crate) async fn checks(app: &App) -> Vec<HealthCheck> {
    let mut checks = vec![server(app)];
    checks.extend(database(app).await);
    let settings = &app.config().health;
    checks.push(disk(settings));
    checks.push(memory(settings));
    checks.extend(rate_limit(app));
    checks
}

/// The worst of them.
pub(crate) fn overall(checks: &[HealthCheck]) -> HealthStatus {
    checks.iter().map(|check| check.status).max().unwrap_or(HealthStatus::Healthy)
}

fn server(app: &App) -> HealthCheck {
    let status = if app.is_draining() { HealthStatus::Unhealthy } else { HealthStatus::Healthy };
    HealthCheck::new("server", status, json!({ "stopping": app.is_draining() }))
}

/// The database and, through it, the queue of tasks.
async fn database(app: &App) -> Vec<HealthCheck> {
    let settings = &app.config().health;
    let started = std::time::Instant::now();
    let asked = app.lanes().database(|conn| Ok(outbox::waiting(conn)?));
    let answer = tokio::time::timeout(Duration::from_millis(settings.timeout_milliseconds), asked).await;
    let took = json!({ "milliseconds": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX) });
    match answer {
        Ok(Ok(waiting)) => {
            let status = worse_if(waiting > settings.queue_size_max, HealthStatus::Degraded);
            vec![
                HealthCheck::new("database", HealthStatus::Healthy, took),
                HealthCheck::new("webhook_queue", status, json!({ "queueSize": waiting })),
            ]
        }
        Ok(Err(_)) | Err(_) => vec![HealthCheck::new("database", HealthStatus::Unhealthy, took)],
    }
}

fn disk(settings: &HealthSettings) -> HealthCheck {
    match nix::sys::statvfs::statvfs(&settings.directory) {
        Ok(stat) => {
            let free = stat.blocks_available().saturating_mul(stat.fragment_size());
            let status = worse_if(free < settings.disk_free_bytes_min, HealthStatus::Degraded);
            HealthCheck::new("disk", status, json!({ "freeBytes": free }))
        }
        Err(_) => HealthCheck::new("disk", HealthStatus::Degraded, json!({})),
    }
}

/// What this process holds in memory, where the system tells.
fn memory(settings: &HealthSettings) -> HealthCheck {
    let resident =
        std::fs::read_to_string("/proc/self/status").ok().and_then(|status| resident_bytes(&status));
    match resident {
        Some(bytes) => {
            let status = worse_if(bytes > settings.memory_bytes_max, HealthStatus::Degraded);
            HealthCheck::new("memory", status, json!({ "residentBytes": bytes }))
        }
        None => HealthCheck::new("memory", HealthStatus::Healthy, json!({})),
    }
}

/// Whether requests are counted together with the other servers, where they are to be.
fn rate_limit(app: &App) -> Option<HealthCheck> {
    let (place, alone) = app.rates().standing()?;
    let status = worse_if(alone, HealthStatus::Degraded);
    Some(HealthCheck::new("rate_limit", status, json!({ "countedIn": place, "alone": alone })))
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

fn worse_if(bad: bool, worse: HealthStatus) -> HealthStatus {
    if bad { worse } else { HealthStatus::Healthy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_check_decides() {
        let check = |status| HealthCheck::new("x", status, json!({}));
        assert_eq!(overall(&[]), HealthStatus::Healthy);
        assert_eq!(
            overall(&[check(HealthStatus::Degraded), check(HealthStatus::Healthy)]),
            HealthStatus::Degraded
        );
        assert_eq!(
            overall(&[check(HealthStatus::Degraded), check(HealthStatus::Unhealthy)]),
            HealthStatus::Unhealthy
        );
    }

    #[test]
    fn memory_is_read_from_the_systems_own_words() {
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t   2048 kB\n"), Some(2_097_152));
        assert_eq!(resident_bytes("Name:\tx\n"), None);
    }
}
