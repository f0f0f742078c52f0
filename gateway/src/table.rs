//! The table of paths: made once from the operations, it is what actix routes by and what answers 405.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::StatusCode;
use actix_web::http::header::ALLOW;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Resource, Scope, web};

use crate::app::App;
use crate::gate;
use crate::http::Problem;
use crate::middleware::access_log::Figures;
use crate::operation::{Body, Operation};
use crate::request::checker::{BadSchema, Checker};
use crate::request::query::QueryRules;

/// An operation, compiled.
pub(crate) struct Entry {
    pub(crate) operation: Operation,
    pub(crate) body: Option<Checker>,
    pub(crate) query: QueryRules,
    pub(crate) figures: Figures,
}

/// Every operation, by path.
#[derive(Clone)]
pub(crate) struct Table(Arc<Vec<PathEntry>>);

struct PathEntry {
    path: &'static str,
    allow: String,
    entries: Vec<Arc<Entry>>,
}

impl Table {
    /// # Errors
    /// [`BadSchema`] when a type's schema does not compile; a test over all operations shows that none is.
    pub(crate) fn new(operations: Vec<Operation>) -> Result<Self, BadSchema> {
        let mut paths: BTreeMap<Vec<(bool, &'static str)>, PathEntry> = BTreeMap::new();
        for operation in operations {
            let path = operation.path;
            let entry = PathEntry { path, allow: String::new(), entries: Vec::new() };
            let slot = paths.entry(order(path)).or_insert(entry);
            slot.entries.push(Arc::new(Entry::compile(operation)?));
        }
        let mut paths: Vec<PathEntry> = paths.into_values().collect();
        for path in &mut paths {
            path.allow = allow(&path.entries);
        }
        Ok(Self(Arc::new(paths)))
    }

    /// Registers every path with actix; those of one thing together, because it tries what is registered one after the other.
    pub(crate) fn configure(&self, app: &App, service: &mut web::ServiceConfig) {
        for alike in self
            .0
            .chunk_by(|one, other| stem(one.path).is_some_and(|stem| self::stem(other.path) == Some(stem)))
        {
            let stem = alike.first().and_then(|path| stem(path.path)).unwrap_or_default();
            let resources =
                alike.iter().map(|path| path.resource(path.path.get(stem.len()..).unwrap_or_default(), app));
            if stem.is_empty() {
                resources.for_each(|resource| {
                    service.service(resource);
                });
            } else {
                service.service(resources.fold(web::scope(stem), Scope::service));
            }
        }
    }
}

impl PathEntry {
    fn resource(&self, path: &str, app: &App) -> Resource {
        let mut resource = web::resource(path);
        for entry in &self.entries {
            let (app, entry) = (app.clone(), Arc::clone(entry));
            let route = (entry.operation.route)();
            resource = resource.route(route.wrap(from_fn(move |request, next| {
                gate::pass(app.clone(), Arc::clone(&entry), request, next)
            })));
        }
        let allow = self.allow.clone();
        resource.default_service(web::to(move |request| other_method(request, allow.clone())))
    }
}

impl Entry {
    fn compile(operation: Operation) -> Result<Self, BadSchema> {
        let body = match &operation.body {
            Body::Json { shape, .. } => Some(Checker::of_request(shape)?),
            Body::None | Body::Raw { .. } | Body::Stream { .. } => None,
        };
        Ok(Self { query: QueryRules::of(&operation)?, body, figures: Figures::of(&operation), operation })
    }
}

/// Literals before parameters, segment by segment: `/bids/mine` before `/bids/{id}`, which would hide it.
fn order(path: &'static str) -> Vec<(bool, &'static str)> {
    path.split('/').map(|segment| (segment.starts_with('{'), segment)).collect()
}

/// What all paths of one thing begin with, and no other's: `/api/jobs` of `/api/jobs/{jobId}`. Paths outside the API have none: there are
/// few, and pages stand beside them.
fn stem(path: &'static str) -> Option<&'static str> {
    let thing = path.strip_prefix("/api/")?.split('/').next().filter(|thing| !thing.starts_with('{'))?;
    path.get(.."/api/".len() + thing.len())
}

fn allow(entries: &[Arc<Entry>]) -> String {
    let mut methods: Vec<&str> = entries.iter().map(|entry| entry.operation.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

/// The path is there, but not with this method.
async fn other_method(request: HttpRequest, allow: String) -> Result<HttpResponse, Problem> {
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent().insert_header((ALLOW, allow)).finish());
    }
    let detail = format!("this path takes {allow}");
    Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).with_header(ALLOW, &allow))
}

/// No such path.
pub(crate) async fn no_such_path() -> Result<HttpResponse, Problem> {
    let detail = "there is no such path; /api-docs shows those that there are";
    Err(Problem::new(StatusCode::NOT_FOUND, "no_such_path", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_begin_alike_have_one_stem() {
        for (path, expected) in [
            ("/api/jobs", Some("/api/jobs")),
            ("/api/jobs/{id}", Some("/api/jobs")),
            ("/api/jobs/{id}/bids/mine", Some("/api/jobs")),
            ("/api/{x}/mine", None),
            ("/api-docs/openapi.json", None),
            ("/health/live", None),
        ] {
            assert_eq!(stem(path), expected, "{path}");
        }
    }

    #[test]
    fn literals_come_before_parameters() {
        let mut paths =
            ["/api/bids/{id}", "/api/bids/{id}/accept", "/api/bids/mine", "/api/{x}/mine", "/api/bids"];
        paths.sort_by_key(|path| order(path));
        assert_eq!(
            paths,
            ["/api/bids", "/api/bids/mine", "/api/bids/{id}", "/api/bids/{id}/accept", "/api/{x}/mine"]
        );
    }
}
