//! How S3 is spoken to over HTTP: by the blocking client that the product has anyway, on threads that may block.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use tokio::task::spawn_blocking;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the other side may be silent.
const SILENCE: Duration = Duration::from_secs(20);
/// So much of an answer is read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Speaks HTTP, and HTTPS with whom the machine's authorities vouch for.
#[derive(Debug)]
pub(crate) struct Http(Agent);

impl Http {
    pub(crate) fn new() -> Self {
        let agent = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .tls_config(TlsConfig::builder().root_certs(authorities()).build())
            .build()
            .new_agent();
        Self(agent)
    }
}

/// Those of the machine; those that ship with the program where it has none.
fn authorities() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    RootCerts::Specific(Arc::new(
        found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect(),
    ))
}

impl HttpConnector for Http {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Self(self.0.clone())))
    }
}

#[async_trait]
impl HttpService for Http {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let agent = self.0.clone();
        let answer = blocking(move || {
            // What has no body says nothing of one.
            let answer = if body.is_empty() && head.method != "PUT" && head.method != "POST" {
                agent.run(ureq::http::Request::from_parts(head, ()))
            } else {
                agent.run(ureq::http::Request::from_parts(head, body.as_ref()))
            };
            answer.map_err(told)
        })
        .await?;
        let (head, body) = answer.into_parts();
        Ok(HttpResponse::from_parts(head, pieces(body.into_reader())))
    }
}

/// An answer's body, read on threads that may block, one piece at a time: nobody waits on a thread for whoever reads slowly.
fn pieces(reader: impl Read + Send + 'static) -> HttpResponseBody {
    let reader = Arc::new(Mutex::new(reader));
    HttpResponseBody::new(StreamBody::new(stream::try_unfold(reader, |reader| async move {
        let of_thread = Arc::clone(&reader);
        let piece = blocking(move || {
            let mut piece = vec![0; PIECE_BYTES];
            let read = of_thread.lock().unwrap_or_else(PoisonError::into_inner).read(&mut piece);
            let length = read.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
            piece.truncate(length);
            Ok(Bytes::from(piece))
        })
        .await?;
        Ok((!piece.is_empty()).then(|| (Frame::data(piece), reader)))
    })))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HttpError> + Send + 'static,
) -> Result<T, HttpError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(HttpError::new(HttpErrorKind::Unknown, error)))
}

/// What may pass is tried again.
fn told(error: ureq::Error) -> HttpError {
    let kind = match &error {
        ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => HttpErrorKind::Connect,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            HttpErrorKind::Connect
        }
        ureq::Error::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            HttpErrorKind::Interrupted
        }
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
