//! `/health`: whether the server lives, whether it is ready, and how it is.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::readiness::{self, HealthCheck, HealthStatus};
use crate::{Context, Operation, Rate, Reply};

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthView {
    /// `healthy` and `degraded` are 200, `unhealthy` is 503.
    pub status: HealthStatus,
    /// When it was looked at.
    pub timestamp: DateTime<Utc>,
    /// What was looked at.
    pub checks: Vec<HealthCheck>,
}

/// The operations on the server's health.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let example = || HealthView {
        status: HealthStatus::Healthy,
        timestamp: DateTime::UNIX_EPOCH,
        checks: vec![HealthCheck::new("webhook_queue", HealthStatus::Healthy, json!({ "queueSize": 0 }))],
    };
    vec![
        Operation::get("/health")
            .summary("How the server is, in short")
            .description("Looks at nothing outside the process; `/health/ready` does.")
            .answers::<HealthView>(200, "It answers.", HealthView { checks: vec![], ..example() })
            .to(get_health),
        Operation::get("/api/health")
            .summary("How the server is, in short, for clients of the API")
            .description("The same answer as `/health`.")
            .answers::<HealthView>(200, "It answers.", HealthView { checks: vec![], ..example() })
            .to(get_api_health),
        Operation::get("/health/live")
            .summary("Whether the process lives")
            .description("Looks at nothing: restart the process when this does not answer.")
            .rate(Rate::Unlimited)
            .answers::<HealthView>(200, "It lives.", HealthView { checks: vec![], ..example() })
            .to(get_liveness),
        Operation::get("/health/ready")
            .summary("Whether requests should be sent here")
            .description("Looks at the database, the queue of tasks, the disk, the memory and where requests are counted; `unhealthy` while the server is stopping.")
            .rate(Rate::Unlimited)
            .answers::<HealthView>(200, "Healthy, or degraded.", example())
            .answers::<HealthView>(
                503,
                "Not ready.",
                HealthView { status: HealthStatus::Unhealthy, ..example() },
            )
            .to(get_readiness),
    ]
}

async fn get_health(context: Context) -> Reply {
    short(&context)
}

async fn get_api_health(context: Context) -> Reply {
    short(&context)
}

async fn get_liveness(context: Context) -> Reply {
    short(&context)
}

async fn get_readiness(context: Context) -> Reply {
    let checks = readiness::checks(context.app()).await;
    let view = HealthView { status: readiness::overall(&checks), timestamp: context.app().now(), checks };
    match view.status {
        HealthStatus::Healthy | HealthStatus::Degraded => Reply::ok(&view),
        HealthStatus::Unhealthy => Reply::with_status(StatusCode::SERVICE_UNAVAILABLE, &view),
    }
}

fn short(context: &Context) -> Reply {
    Reply::ok(&HealthView { status: HealthStatus::Healthy, timestamp: context.app().now(), checks: vec![] })
}
