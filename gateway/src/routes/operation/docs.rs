//! `/api-docs`: the OpenAPI document, and Swagger UI from files that are built in. No page loads anything from outside.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_swagger_ui::Config;

use crate::{Context, Operation, Problem, Rate};

/// Where the document is.
const DOCUMENT: &str = "/api-docs/openapi.json";
/// The page's own files do not change while a server runs.
const FILES_CACHED: &str = "public, max-age=3600";

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config =
        Config::from(DOCUMENT).validator_url("none").try_it_out_enabled(true).display_request_duration(true);
    Arc::new(config.persist_authorization(false).filter(true))
});

/// The operations on the API's own description.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api-docs")
            .summary("This document, as a page to read and to try")
            .description("Swagger UI. The page loads nothing from any other place.")
            .rate(Rate::Unlimited)
            .answers_other(200, "Swagger UI.", "text/html")
            .to(get_docs_page),
        Operation::get(DOCUMENT)
            .summary("This document")
            .description("Generated from the code that serves it; the same bytes as long as the server runs.")
            .rate(Rate::Unlimited)
            .answers_other(200, "OpenAPI 3.1.", "application/json")
            .to(get_document),
    ]
}

/// The files that the page loads. They are part of the page and no operations.
pub(crate) fn configure(service: &mut web::ServiceConfig) {
    service.route("/api-docs/", web::get().to(get_docs_page));
    service.route("/api-docs/{file}", web::get().to(get_docs_file));
}

async fn get_docs_page() -> Result<HttpResponse, Problem> {
    let page = utoipa_swagger_ui::serve("index.html", Arc::clone(&CONFIG));
    let page = page.ok().flatten().ok_or_else(|| Problem::internal("Swagger UI is not built in"))?;
    // The page names its files relative to a folder; this address has no slash at its end.
    let html = String::from_utf8_lossy(&page.bytes).replacen(
        "<head>",
        "<head>\n    <base href=\"/api-docs/\" />",
        1,
    );
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(html))
}

async fn get_docs_file(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let name = request.match_info().query("file");
    match utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG)) {
        Ok(Some(file)) if !name.is_empty() => Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, file.content_type))
            .insert_header((CACHE_CONTROL, FILES_CACHED))
            .body(file.bytes.into_owned())),
        _ => Err(Problem::not_found()),
    }
}

async fn get_document(context: Context) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(context.app().document().to_owned())
}
