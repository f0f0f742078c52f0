//! Writing an [`Operation`] down.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::request::id::EXAMPLE_SUFFIX;

use super::{Answer, Body, Content, ErrorDoc, Key, Operation, Rate, Shape, Who};

/// An [`Operation`] being written; [`OperationBuilder::to`] ends it.
#[must_use]
pub struct OperationBuilder(Operation);

impl OperationBuilder {
    pub(super) fn new(method: Method, path: &'static str) -> Self {
        // settled: a key is taken on every POST, but not under /api/auth, where an answer holds tokens.
        let takes_key =
            method == Method::POST && path.starts_with("/api/") && !path.starts_with("/api/auth/");
        Self(Operation {
            method,
            path,
            id: String::new(),
            tag: String::new(),
            summary: "",
            description: None,
            who: Who::Anyone,
            key: if takes_key { Key::Optional } else { Key::None },
            rate: Rate::Standard,
            if_match: false,
            lists: false,
            query: None,
            open_query: false,
            body: Body::None,
            answers: Vec::new(),
            errors: Vec::new(),
            route: Arc::new(web::route),
        })
    }

    /// What it does, in a few words.
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.0.summary = summary;
        self
    }

    /// What else a client should know; Markdown.
    pub fn description(mut self, description: &'static str) -> Self {
        self.0.description = Some(description);
        self
    }

    /// The section of the document; without this it is the folder of the handler's file under `routes`.
    pub fn tag(mut self, tag: &'static str) -> Self {
        tag.clone_into(&mut self.0.tag);
        self
    }

    /// Who may call it; anyone unless this says otherwise.
    pub fn by(mut self, who: Who) -> Self {
        self.0.who = who;
        self
    }

    /// What it does with an `Idempotency-Key`; a `POST` outside `/api/auth` takes one unless this says otherwise.
    pub fn idempotent(mut self, key: Key) -> Self {
        self.0.key = key;
        self
    }

    /// How often it may be called.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.0.rate = rate;
        self
    }

    /// It takes an `If-Match`.
    pub fn if_match(mut self) -> Self {
        self.0.if_match = true;
        self
    }

    /// Its query parameters: one for each field of `T`. Without this (and [`OperationBuilder::lists`]) any is refused.
    pub fn query<T: ToSchema>(mut self) -> Self {
        self.0.query = Some(Shape::of::<T>());
        self
    }

    /// As [`OperationBuilder::query`], for what another system writes: parameters that `T` does not have are ignored.
    pub fn open_query<T: ToSchema>(mut self) -> Self {
        self.0.open_query = true;
        self.query::<T>()
    }

    /// It takes JSON; the handler gets it as [`Body<T>`](crate::Body).
    pub fn body<T: ToSchema>(mut self, example: impl Serialize) -> Self {
        self.0.body = Body::Json { shape: Shape::of::<T>(), example: value(&example), required: true };
        self
    }

    /// It takes JSON or nothing; the handler gets it as [`OptionalBody<T>`](crate::OptionalBody).
    pub fn optional_body<T: ToSchema>(mut self, example: impl Serialize) -> Self {
        self.0.body = Body::Json { shape: Shape::of::<T>(), example: value(&example), required: false };
        self
    }

    /// It takes bytes as they are, as [`RawBody`](crate::RawBody).
    pub fn raw_body(mut self, description: &'static str) -> Self {
        self.0.body = Body::Raw { description };
        self
    }

    /// It takes a file of one of these media types, piece by piece, as [`Incoming`](crate::Incoming).
    pub fn stream_body(mut self, description: &'static str, content_types: &'static [&'static str]) -> Self {
        self.0.body = Body::Stream { description, content_types };
        self
    }

    /// A successful answer with JSON.
    pub fn answers<T: ToSchema>(
        self,
        status: u16,
        description: &'static str,
        example: impl Serialize,
    ) -> Self {
        self.answer(
            status,
            description,
            Some(Content::Json { shape: Shape::of::<T>(), example: value(&example) }),
        )
    }

    /// A successful answer without a body.
    pub fn answers_empty(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, None)
    }

    /// A successful answer that is not JSON.
    pub fn answers_other(self, status: u16, description: &'static str, content_type: &'static str) -> Self {
        self.answer(status, description, Some(Content::Other { content_type }))
    }

    /// It answers a page of these, and takes `limit` and `cursor`; the handler gets them as [`Paging`](crate::Paging).
    pub fn lists<T: ToSchema>(mut self, description: &'static str, example: impl Serialize) -> Self {
        self.0.lists = true;
        self.answer(
            200,
            description,
            Some(Content::Page { item: Shape::of::<T>(), example: value(&example) }),
        )
    }

    /// It takes `limit` and `cursor` as [`OperationBuilder::lists`] does, and answers more than a page: say what with
    /// [`OperationBuilder::answers`].
    pub fn paged(mut self) -> Self {
        self.0.lists = true;
        self
    }

    /// Its own errors; those that follow from its classes are added by the document.
    pub fn errors(mut self, errors: &[ErrorDoc]) -> Self {
        self.0.errors.extend_from_slice(errors);
        self
    }

    /// The handler. Its name becomes the `operationId`, the folder of its file the tag.
    pub fn to<F, Args>(mut self, handler: F) -> Operation
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let mut names = std::any::type_name::<F>().rsplit("::");
        self.0.id = camel_case(names.next().unwrap_or_default());
        if self.0.tag.is_empty() {
            names.nth(1).unwrap_or_default().clone_into(&mut self.0.tag);
        }
        let method = self.0.method.clone();
        self.0.route = Arc::new(move || {
            let route = web::route().to(handler.clone());
            if method == Method::GET {
                // A HEAD is a GET whose body actix leaves out.
                route.guard(actix_web::guard::Any(actix_web::guard::Get()).or(actix_web::guard::Head()))
            } else {
                route.method(method.clone())
            }
        });
        self.0
    }

    fn answer(mut self, status: u16, description: &'static str, content: Option<Content>) -> Self {
        self.0.answers.push(Answer { status, description, content });
        self
    }
}

fn value(example: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(example).unwrap_or_default();
    write_ids(&mut value);
    value
}

/// Examples are made with empty ids, so that nobody has to think of some; a reader sees ids as they look.
fn write_ids(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(prefix) = text.strip_suffix(&kernel::id::encode_suffix(uuid::Uuid::nil())) {
                *text = format!("{prefix}{EXAMPLE_SUFFIX}");
            }
        }
        Value::Array(list) => list.iter_mut().for_each(write_ids),
        Value::Object(object) => object.values_mut().for_each(write_ids),
        _ => {}
    }
}

fn camel_case(snake: &str) -> String {
    let mut parts = snake.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_by_every_post_but_those_of_auth() {
        let key = |builder: OperationBuilder| builder.0.key;
        assert_eq!(key(Operation::post("/api/jobs")), Key::Optional);
        assert_eq!(key(Operation::post("/api/auth/login")), Key::None);
        assert_eq!(key(Operation::post("/webhooks/simulated")), Key::None);
        assert_eq!(key(Operation::patch("/api/jobs/{jobId}")), Key::None);
    }

    #[test]
    fn the_handler_names_the_operation() {
        assert_eq!(camel_case("get_job"), "getJob");
        assert_eq!(camel_case("list_job_bids"), "listJobBids");
    }
}
