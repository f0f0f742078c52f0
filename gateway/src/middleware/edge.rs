//! The outermost layer: gives a request its id, and its answer the last touches.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;

use tracing::Instrument;

use super::access_log::Refusal;
use super::{access_log, conditional, request_id, security};
use crate::app::App;
use crate::http::Problem;

/// The folder of the only pages that there are.
const PAGES: &str = "/api-docs";

/// Around everything else.
pub(crate) async fn around(
    app: App,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let id = request_id::assign(&request);
    let is_page = request.path().starts_with(PAGES);
    let _under_way = app.begin();
    let span = tracing::info_span!("request", request_id = id);
    let answer = next.call(request).instrument(span).await?.map_into_boxed_body();
    let refusal = Refusal::of(&answer);
    let mut response = conditional::apply(name_problem(answer, &id));
    security::write(response.headers_mut(), is_page, app.config().http.strict_transport_security);
    if let Some(value) = request_id::value(&id) {
        response.headers_mut().insert(request_id::REQUEST_ID, value);
    }
    if app.is_draining() {
        // So that this connection is not kept open for a request that would find nobody.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    access_log::note(&response, refusal.as_ref(), &id, started.elapsed());
    Ok(response)
}

/// Writes an error's body again, now with the request's id. Whatever else actix made of an error becomes a problem too.
fn name_problem(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    let mut named = match error.as_error::<Problem>() {
        Some(problem) => problem.respond(id),
        None if response.status().is_client_error() => {
            Problem::new(response.status(), "bad_request", "the request cannot be read").respond(id)
        }
        None => Problem::internal(error.to_string()).respond(id),
    };
    for (name, value) in response.headers() {
        if !named.headers().contains_key(name) {
            named.headers_mut().append(name.clone(), value.clone());
        }
    }
    response.into_response(named)
}
