//! `/metrics`, for Prometheus. It is also on a listener of its own, see [`MetricsSettings`](crate::settings::MetricsSettings).

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use crate::{Context, Operation, Problem, Rate, Who, error, telemetry};

/// The content type of Prometheus' text format.
pub(crate) const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The operation on the server's figures.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/metrics")
            .summary("The server's figures, for Prometheus")
            .description(
                "Open with the operator's bearer token (`metrics.token`); not there when none is set.",
            )
            .by(Who::Operator)
            .rate(Rate::Unlimited)
            .answers_other(200, "Every figure.", "text/plain")
            .errors(&[
                error(401, "unauthenticated", "The operator's token is missing or wrong."),
                error(404, "not_found", "No token is set: the figures are on their own listener only."),
            ])
            .to(get_metrics),
    ]
}

async fn get_metrics(context: Context, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let Some(token) = &context.app().config().metrics.token else { return Err(Problem::not_found()) };
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = header.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
    if !bool::from(given.as_bytes().ct_eq(token.expose_secret().as_bytes())) {
        return Err(Problem::unauthenticated());
    }
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, TEXT_FORMAT)).body(telemetry::render()))
}
