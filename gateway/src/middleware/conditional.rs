//! `If-None-Match`: what the client has already is not sent again.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{ETAG, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode};

use crate::http::etag;

/// Turns an answer into a 304 when its tag is one that the client named.
pub(crate) fn apply(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let reads = matches!(*response.request().method(), Method::GET | Method::HEAD);
    if !reads || response.status() != StatusCode::OK {
        return response;
    }
    let named = response.request().headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let tag = response.headers().get(ETAG);
    let known = match (named, tag.and_then(|value| value.to_str().ok())) {
        (Some(named), Some(tag)) => etag::names(named, tag),
        _ => false,
    };
    if !known {
        return response;
    }
    let (request, response) = response.into_parts();
    let mut bare = HttpResponse::NotModified();
    for (name, value) in response.headers() {
        if name != actix_web::http::header::CONTENT_TYPE && name != actix_web::http::header::CONTENT_LENGTH {
            bare.append_header((name.clone(), value.clone()));
        }
    }
    ServiceResponse::new(request, bare.finish())
}
