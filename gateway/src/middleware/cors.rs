//! Which web pages of other origins may ask: those that the settings name.

use actix_cors::Cors;
use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};

use crate::settings::CorsSettings;

/// The headers of answers that pages may read.
const EXPOSED: [&str; 8] = [
    "etag",
    "idempotency-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-request-id",
    "allow",
];

/// The middleware, made of the settings.
pub(crate) fn middleware(settings: &CorsSettings) -> Cors {
    let mut cors = Cors::default()
        .allowed_methods(["GET", "POST", "PATCH", "PUT", "DELETE"])
        .allowed_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH])
        .allowed_header("idempotency-key")
        .allowed_header("x-request-id")
        .expose_headers(EXPOSED)
        // A page that is not allowed gets no CORS headers and its browser keeps the answer from it; the request itself is nobody's fault.
        .block_on_origin_mismatch(false)
        .max_age(settings.max_age_seconds);
    for origin in &settings.origins {
        cors =
            if origin == "*" { cors.allow_any_origin().send_wildcard() } else { cors.allowed_origin(origin) };
    }
    cors
}
