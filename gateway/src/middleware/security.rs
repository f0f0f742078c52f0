//! Headers that tell browsers to be careful.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY,
};

/// For answers that are data: nothing may be loaded or framed.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// For the Swagger UI: its own files only. It styles with attributes and shows images that it carries in its style sheet.
const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'; base-uri 'none'";

/// Which other sites' pages may show an answer: none, unless it is public and says so itself.
pub(crate) const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Puts them on an answer.
pub(crate) fn write(headers: &mut HeaderMap, is_page: bool, strict_transport: bool) {
    let mut set =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(HeaderName::from_static("x-content-type-options"), "nosniff");
    set(HeaderName::from_static("x-frame-options"), "DENY");
    set(HeaderName::from_static("referrer-policy"), "no-referrer");
    set(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    set(CONTENT_SECURITY_POLICY, if is_page { PAGE_POLICY } else { DATA_POLICY });
    if strict_transport {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    if !headers.contains_key(RESOURCE_POLICY) {
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        // What one person may see must not come out of a cache for another; a client may keep it for `If-None-Match`.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
}
