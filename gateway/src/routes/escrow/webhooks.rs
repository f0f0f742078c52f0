//! `/webhooks/simulated`: what the simulated payment provider tells us.

use actix_web::HttpRequest;
use escrow::Error;
use escrow::provider::simulated::SIGNATURE_HEADER;
use kernel::Classify;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Context, Operation, Problem, RawBody, Reply, Who, error};

/// The route exists only with the simulated provider.
pub(super) const SIMULATED_PATH: &str = "/webhooks/simulated";

/// That a webhook was taken in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct PaymentWebhookReceipt {
    /// Always true.
    pub received: bool,
}

/// Webhooks of payment providers.
#[must_use]
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post(SIMULATED_PATH)
            .summary("Take in a webhook of the simulated payment provider")
            .description(
                "Signed in the header `Simulated-Signature`: `t=<seconds>,v1=<hex HMAC-SHA256 of t.body>`, over the raw body, at most five minutes old. \
                 Each event counts once, in any order; what it is about is read back from the provider.",
            )
            .by(Who::Signed)
            .raw_body("The event as JSON, as it was signed.")
            .answers::<PaymentWebhookReceipt>(200, "It is recorded, now or before.", PaymentWebhookReceipt { received: true })
            .errors(&[
                error(400, "bad_signature", "The signature is missing, of another secret or body, or too old."),
                error(400, "bad_webhook", "It is signed, but not to be understood."),
            ])
            .to(receive_simulated_webhook),
    ]
}

async fn receive_simulated_webhook(
    context: Context,
    request: HttpRequest,
    body: RawBody,
) -> Result<Reply, Problem> {
    let header = request.headers().get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let signature = header.unwrap_or_default().to_owned();
    context
        .command(
            move |commands| commands.escrow.receive_webhook(&signature, &body.0).map_err(problem),
            |()| Reply::ok(&PaymentWebhookReceipt { received: true }),
        )
        .await
}

/// Payment providers read 400 as "do not send this again", and that is what a bad signature deserves.
fn problem(error: Error) -> Problem {
    match error {
        Error::Webhook(refused) => Problem::bad_request(refused.code(), refused.to_string()),
        other => other.into(),
    }
}
