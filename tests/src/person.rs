//! Somebody with an HTTP client of their own.

use gateway::demo::stage::Player;
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::Answer;

/// Somebody who uses the API: signed in, or not.
#[derive(Debug, Clone)]
pub struct Person {
    pub(crate) client: Client,
    pub(crate) base: String,
    /// `usr_…`; empty for somebody signed out.
    pub id: String,
    /// `pty_…`, as whom they own things; empty for somebody signed out.
    pub party: String,
    /// With what they sign in.
    pub email: String,
    /// With what they sign in.
    pub password: String,
    /// The access token; none for somebody signed out.
    pub token: Option<String>,
    /// The refresh token that came with it.
    pub refresh_token: Option<String>,
    pub(crate) player: Option<Box<Player>>,
}

impl Person {
    /// Somebody who has not signed in.
    pub(crate) fn stranger(client: Client, base: &str) -> Self {
        Self {
            client,
            base: base.to_owned(),
            id: String::new(),
            party: String::new(),
            email: String::new(),
            password: String::new(),
            token: None,
            refresh_token: None,
            player: None,
        }
    }

    pub(crate) fn played(self, player: Player, email: &str, password: &str) -> Self {
        Self {
            id: player.person.to_string(),
            party: player.party.to_string(),
            email: email.to_owned(),
            password: password.to_owned(),
            token: Some(player.signed_in.access.token.expose_secret().to_owned()),
            refresh_token: Some(player.signed_in.refresh_token.expose_secret().to_owned()),
            player: Some(Box::new(player)),
            ..self
        }
    }

    /// The same person without a token.
    #[must_use]
    pub fn signed_out(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The same person at another server.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, |request| request).await
    }

    /// Commands, with a body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, |request| request.json(&body)).await
    }

    /// Commands, without a body.
    pub async fn post_empty(&self, path: &str) -> Answer {
        self.send(Method::POST, path, |request| request).await
    }

    /// Commands, with a body, under this idempotency key.
    pub async fn post_keyed(&self, path: &str, key: &str, body: Value) -> Answer {
        self.send(Method::POST, path, |request| request.header("idempotency-key", key).json(&body)).await
    }

    /// Sends a file, as its bytes are.
    pub async fn upload(&self, path: &str, bytes: &[u8]) -> Answer {
        self.send(Method::POST, path, |request| request.body(bytes.to_vec())).await
    }

    /// Commands, with a body, under a new idempotency key: for what moves money.
    pub async fn pay(&self, path: &str, body: Value) -> Answer {
        self.post_keyed(path, &uuid::Uuid::now_v7().to_string(), body).await
    }

    /// Changes.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, |request| request.json(&body)).await
    }

    /// Changes, without a body.
    pub async fn patch_empty(&self, path: &str) -> Answer {
        self.send(Method::PATCH, path, |request| request).await
    }

    /// Removes.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, |request| request).await
    }

    /// Anything: `ada.send(Method::GET, "/api/jobs", |request| request.header("if-none-match", etag))`.
    ///
    /// # Panics
    /// When the server does not answer at all.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        dress: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let asked = format!("{method} {path}");
        match self.try_send(method, path, dress).await {
            Ok(answer) => answer,
            Err(error) => panic!("{asked} was not answered: {error:?}"),
        }
    }

    /// As [`Person::send`], for a server that may not be there.
    ///
    /// # Errors
    /// When it does not answer, or not to the end.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        dress: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, reqwest::Error> {
        let asked = format!("{method} {path}");
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = dress(request).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?.to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { asked, status, headers, bytes, json })
    }
}
