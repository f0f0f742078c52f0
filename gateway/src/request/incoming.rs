//! [`Incoming`]: a body that nobody has read yet, for operations that were declared with `.stream_body(…)`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use crate::http::Problem;

/// The network gives bytes in small pieces; so many are gathered before they are passed on.
const PIECE_BYTES: usize = 64 * 1024;

/// The body of a request, piece by piece.
pub struct Incoming {
    payload: Payload,
    stated: Option<u64>,
}

impl Incoming {
    /// How many bytes the client says it sends.
    pub(crate) const fn stated(&self) -> Option<u64> {
        self.stated
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// 400 when the connection broke off.
    pub(crate) async fn piece(&mut self) -> Result<Bytes, Problem> {
        let mut piece = BytesMut::new();
        while piece.len() < PIECE_BYTES {
            match self.payload.next().await {
                Some(Ok(bytes)) => piece.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    let detail = format!("the body cannot be read: {error}");
                    return Err(Problem::bad_request("body_broken", detail));
                }
                None => break,
            }
        }
        Ok(piece.freeze())
    }

    /// Reads what is left and forgets it, so that a client that sends everything before it listens hears the answer. Not more than
    /// `most`: whoever sends more is cut off. The SHA-256 of what was left, unless it was cut off or broke off.
    pub(crate) async fn drain(&mut self, most: u64) -> Option<[u8; 32]> {
        let (mut left, mut hash) = (most, Sha256::new());
        while let Some(bytes) = self.payload.next().await {
            let bytes = bytes.ok()?;
            left = left.checked_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
            hash.update(&bytes);
        }
        Some(hash.finalize().into())
    }
}

impl FromRequest for Incoming {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let stated = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let stated = stated.and_then(|text| text.parse().ok());
        let has_body =
            [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| request.headers().contains_key(name));
        // What follows the head of an `Upgrade` is no body, and would be waited for until the time is over.
        let payload = if has_body { payload.take() } else { Payload::None };
        ready(Ok(Self { payload, stated }))
    }
}
