//! The request's id: the client's own when it is well formed, so that one id follows a request through several systems; else a new one.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use uuid::Uuid;

/// The header, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a client.
const LENGTH_MAX: usize = 64;

#[derive(Clone)]
struct RequestId(String);

/// Gives the request its id.
pub(crate) fn assign(request: &ServiceRequest) -> String {
    let own = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| well_formed(text));
    let id = own.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    id
}

/// The id that [`assign`] gave.
pub(crate) fn of(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// The id as a header.
pub(crate) fn value(id: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(id).ok()
}

fn well_formed(text: &str) -> bool {
    (8..=LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_well_formed_id_is_kept_and_any_other_replaced() {
        for (sent, kept) in
            [("client-0001", true), ("short", false), ("with space 1", false), ("<script>alert", false)]
        {
            let request = TestRequest::default().insert_header((REQUEST_ID, sent)).to_srv_request();
            assert_eq!(assign(&request) == sent, kept, "{sent}");
            assert_ne!(of(request.request()), "");
        }
        assert!(!well_formed(&"a".repeat(65)));
    }
}
