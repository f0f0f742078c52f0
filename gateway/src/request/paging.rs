//! [`Paging`]: where a list goes on, and how much of it is wanted.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use kernel::{Fault, Limit, Page, Position};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::Call;
use crate::http::{Problem, Reply};

/// The `limit` and `cursor` of an operation that was declared with `.lists::<T>(…)`.
#[derive(Clone)]
pub struct Paging(Arc<Call>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

/// A page of a list that is the same for everybody, written down: what is added for each request is the cursor.
#[derive(Debug)]
pub(crate) struct Written {
    /// The things as a JSON array.
    data: String,
    next: Option<Position>,
}

impl Written {
    /// The page's things, each as JSON, and where the next page goes on.
    pub(crate) fn new<'a>(things: impl Iterator<Item = &'a str>, next: Option<Position>) -> Self {
        let things: Vec<&str> = things.collect();
        Self { data: format!("[{}]", things.join(",")), next }
    }
}

impl Default for Written {
    fn default() -> Self {
        Self::new(std::iter::empty(), None)
    }
}

impl Paging {
    /// How many things the page may hold.
    #[must_use]
    pub fn limit(&self) -> Limit {
        let given = self.0.query.get("limit").and_then(Value::as_i64);
        given.and_then(|limit| Limit::new(limit).ok()).unwrap_or_default()
    }

    /// Where the page starts; none at the beginning.
    ///
    /// # Errors
    /// 400 for a cursor that is forged, stale, or of another list or other filters.
    pub fn position<K: DeserializeOwned>(&self) -> Result<Option<Position<K>>, Problem> {
        let Some(cursor) = self.0.query.get("cursor").and_then(Value::as_str) else { return Ok(None) };
        let app = &self.0.app;
        match app.cursors().open(&self.list(), cursor, app.now()) {
            Some(position) => Ok(Some(position)),
            None => {
                let fault = Fault::new(
                    "?cursor",
                    "bad_cursor",
                    "is not a cursor of this list, or is older than a day",
                );
                Err(Problem::invalid(StatusCode::BAD_REQUEST, vec![fault]))
            }
        }
    }

    /// The answer: this page, each of its things as `view` shows it.
    pub fn reply<T, K: Serialize, V: Serialize>(&self, page: Page<T, K>, view: impl FnMut(T) -> V) -> Reply {
        let next_cursor = self.next_cursor(page.next.as_ref());
        Reply::ok(&PageView { data: page.items.into_iter().map(view).collect(), next_cursor })
    }

    /// The answer that [`Paging::reply`] would give to the same page.
    pub(crate) fn reply_written(&self, page: &Written) -> Reply {
        let next_cursor = serde_json::Value::from(self.next_cursor(page.next.as_ref()));
        Reply::written(format!(r#"{{"data":{},"nextCursor":{next_cursor}}}"#, page.data).into_bytes())
    }

    /// The cursor of the page that goes on there, for a list that answers more than its page.
    #[must_use]
    pub fn next_cursor<K: Serialize>(&self, next: Option<&Position<K>>) -> Option<String> {
        let app = &self.0.app;
        next.map(|position| app.cursors().sign(&self.list(), position, app.now()))
    }

    /// Names the list with its filters: a cursor is good for the same question only.
    fn list(&self) -> String {
        let mut name = format!("{} {}", self.0.entry.operation.method, self.0.path);
        if let Value::Object(query) = &self.0.query {
            let mut filters: Vec<_> =
                query.iter().filter(|(name, _)| !matches!(name.as_str(), "limit" | "cursor")).collect();
            filters.sort_by_key(|(name, _)| *name);
            for (filter, value) in filters {
                name.push_str(&format!(" {filter}={value}"));
            }
        }
        name
    }
}

impl FromRequest for Paging {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Call::of(request).map(Self))
    }
}
