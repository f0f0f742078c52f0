//! One keep-alive HTTP/1.1 connection that sends prepared bytes and reads an answer whole. As little as will do, so
//! that on a machine shared with the server the load tool takes as small a part as it can.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request, ready to be sent.
pub(crate) type Request = Vec<u8>;

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// After how many seconds to come back, where it says so.
    pub(crate) retry_after: Option<u64>,
    /// The body's bytes.
    pub(crate) body: Vec<u8>,
}

/// Renders a request; `key` becomes the `Idempotency-Key`.
#[must_use]
pub(crate) fn request(
    method: &str,
    path: &str,
    token: Option<&str>,
    key: Option<&str>,
    body: Option<&serde_json::Value>,
) -> Request {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: bench\r\n");
    if let Some(token) = token {
        head.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    if let Some(key) = key {
        head.push_str(&format!("Idempotency-Key: {key}\r\n"));
    }
    let body = body.map(ToString::to_string).unwrap_or_default();
    if !body.is_empty() {
        head.push_str("Content-Type: application/json\r\n");
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    head.into_bytes()
}

/// Renders a request as a proxy hands it on for somebody at this address.
#[must_use]
pub(crate) fn forwarded(from: &str, method: &str, path: &str, body: &serde_json::Value) -> Request {
    let body = body.to_string();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: {from}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A connection to the server.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// # Errors
    /// When the server does not accept it.
    pub(crate) async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(32 * 1024) })
    }

    /// # Errors
    /// When the connection breaks or what comes back is not HTTP with a length.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(head) = Head::read(&self.buffer)? {
                break head;
            }
            self.read_more().await?;
        };
        while self.buffer.len() < head.body.end {
            self.read_more().await?;
        }
        let Head { status, retry_after, body } = head;
        Ok(Answer { status, retry_after, body: self.buffer[body].to_vec() })
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// What stands before an answer's body.
struct Head {
    status: u16,
    retry_after: Option<u64>,
    /// Where the body will be.
    body: Range<usize>,
}

impl Head {
    /// None until it is all there.
    fn read(answer: &[u8]) -> io::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(start) = head.parse(answer).map_err(|_| malformed())? else {
            return Ok(None);
        };
        let header = |name: &str| {
            let of_name = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            of_name.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let length: usize = header("content-length").map_or(Ok(0), str::parse).map_err(|_| malformed())?;
        let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok());
        let status = head.code.ok_or_else(malformed)?;
        Ok(Some(Self { status, retry_after, body: start..start + length }))
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer with a length")
}
