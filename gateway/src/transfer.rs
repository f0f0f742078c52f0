//! Files on their way in and out over HTTP: piece by piece between the server's async threads and storage that blocks.
//!
//! Who may send or have a file belongs to the handlers and the domains behind them.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, Charset, ContentDisposition, DispositionParam,
    DispositionType, ETAG, ExtendedValue,
};
use actix_web::web::{self, Bytes};
use database::TransactionError;
use files::{Delivery, Download, Drawing, File, FileId, NewFile, Received, Upload};
use futures_util::stream;
use platform::Commands;

use crate::app::App;
use crate::http::{Problem, Reply, range};
use crate::keyed;
use crate::lanes::Writing;
use crate::middleware::security;
use crate::request::call::Call;
use crate::request::incoming::Incoming;

/// So much of a file that is refused before its first byte is read and forgotten.
const REFUSED_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How long anybody's cache may show a picture that is public without asking again. Its job may close meanwhile.
const PUBLIC_CACHING: &str = "public, max-age=300";

/// A file to receive, and what is to be drawn of it when it is a picture.
pub(crate) struct Expected {
    pub(crate) file: NewFile,
    pub(crate) drawing: Option<Drawing>,
}

/// What a file is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// To be saved: never shown in the page, whatever is in it.
    ToSave,
    /// To be looked at. Only for pictures that we drew ourselves.
    ToShow {
        /// Whether everybody may have it.
        public: bool,
    },
}

/// Receives the body as a file, has drawn what is to be drawn of it, and does `work` with both, keyed when the call has a key. What `work`
/// did not keep is given up; where something was drawn that is the file itself, too.
pub(crate) async fn receive<T, E>(
    call: Arc<Call>,
    mut incoming: Incoming,
    planned: Result<Expected, Problem>,
    mut work: impl FnMut(&Commands, &Delivery) -> Result<T, E> + Send + 'static,
    answer: impl Fn(T) -> Reply + Send + 'static,
) -> Result<Reply, Problem>
where
    T: 'static,
    E: TransactionError + Into<Problem> + Send + 'static,
{
    let app = call.app.clone();
    let Expected { file: new, drawing } = match planned {
        Ok(expected) => expected,
        Err(refused) => return repeated(&app, &call, &mut incoming).await.ok_or(refused),
    };
    let most = new.limits.bytes_max;
    let time = Duration::from_secs(app.config().http.upload_timeout_seconds);
    let received = match tokio::time::timeout(time, store(&app, &mut incoming, new)).await {
        Ok(Ok(received)) => received,
        Ok(Err(problem)) => {
            drain(&app, &mut incoming, most).await;
            return Err(problem);
        }
        Err(_) => {
            let detail = "the file did not arrive in time";
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail));
        }
    };
    call.streamed.get_or_init(|| received.sha256);
    let delivery = match deliver(&call, received, drawing).await {
        Ok(Delivered::Before(reply)) => {
            discard(&app, received.id).await;
            return Ok(reply);
        }
        Ok(Delivered::Now(delivery)) => delivery,
        Err(problem) => {
            discard(&app, received.id).await;
            return Err(problem);
        }
    };
    let drawn: Vec<FileId> = delivery.drawn.iter().map(|one| one.file.id).collect();
    let outcome = keyed::run(call, move |commands| work(commands, &delivery), answer).await;
    let kept = matches!(&outcome, Ok(reply) if !reply.replayed);
    if !kept || !drawn.is_empty() {
        discard(&app, received.id).await;
    }
    for id in drawn.into_iter().filter(|_| !kept) {
        discard(&app, id).await;
    }
    outcome
}

/// What is done with a file that came.
enum Delivered {
    /// What was answered when the same came before, under the same key.
    Before(Reply),
    /// The file, with what was drawn of it.
    Now(Delivery),
}

/// Has drawn what is to be drawn of a file, unless its command was carried out before: drawing takes seconds, and a replay needs none of it.
async fn deliver(
    call: &Arc<Call>,
    received: Received,
    drawing: Option<Drawing>,
) -> Result<Delivered, Problem> {
    match keyed::answered(call).await? {
        Some(reply) => Ok(Delivered::Before(reply)),
        None => draw(&call.app, received, drawing).await.map(Delivered::Now),
    }
}

/// The answer to a body that may not be sent now, when the same was sent before under the same key, as by a client that never heard the first answer:
/// what there was room for then fills the last room now. The body is read to its end in any case.
async fn repeated(app: &App, call: &Arc<Call>, incoming: &mut Incoming) -> Option<Reply> {
    let sha256 = drain(app, incoming, REFUSED_BYTES_MAX).await?;
    call.streamed.get_or_init(|| sha256);
    keyed::answered(call).await.ok().flatten()
}

/// What is to be drawn of a file that came. Nobody keeps anything of it yet.
async fn draw(app: &App, received: Received, drawing: Option<Drawing>) -> Result<Delivery, Problem> {
    let Some(drawing) = drawing.filter(|_| received.content_type.is_picture()) else {
        return Ok(Delivery { received, drawn: Vec::new() });
    };
    let draw = move |lent: &Writing| lent.commands.files.draw(&received, &drawing).map_err(problem);
    let drawn = app.lanes().drawing(draw).await?;
    Ok(Delivery { received, drawn })
}

/// Lets a client that still sends come to its end, within limits: it hears the answer only then. The SHA-256 of what was read, if that was all.
async fn drain(app: &App, incoming: &mut Incoming, most: u64) -> Option<[u8; 32]> {
    let time = Duration::from_secs(app.config().http.body_timeout_seconds);
    let drained = tokio::time::timeout(time, incoming.drain(most)).await;
    drained.unwrap_or_else(|_| {
        tracing::debug!("a body that was refused did not come to its end in time");
        None
    })
}

async fn store(app: &App, incoming: &mut Incoming, new: NewFile) -> Result<Received, Problem> {
    if incoming.stated().is_some_and(|length| length > new.limits.bytes_max) {
        return Err(problem(files::Error::TooLarge { most: new.limits.bytes_max }));
    }
    let begin = move |lent: &Writing| lent.commands.files.begin(new).map_err(Problem::from);
    let upload = app.lanes().write(begin).await?;
    let id = upload.id();
    let stored = pour(incoming, upload).await;
    if stored.is_err() {
        discard(app, id).await;
    }
    stored
}

async fn pour(incoming: &mut Incoming, mut upload: Upload) -> Result<Received, Problem> {
    loop {
        let piece = match incoming.piece().await {
            Ok(piece) if piece.is_empty() => break,
            Ok(piece) => piece,
            Err(broken) => return Err(abandon(upload, broken).await),
        };
        let write = move || {
            let written = upload.write(&piece);
            (upload, written)
        };
        let (back, written) = blocking(write).await?;
        upload = back;
        if let Err(error) = written {
            return Err(abandon(upload, problem(error)).await);
        }
    }
    blocking(move || upload.finish()).await?.map_err(problem)
}

async fn abandon(upload: Upload, why: Problem) -> Problem {
    match blocking(move || upload.abandon()).await {
        Ok(()) => why,
        Err(cancelled) => cancelled,
    }
}

/// Lets go of a file that nobody keeps. The sweep does it when this does not.
async fn discard(app: &App, id: FileId) {
    let files = app.files();
    match blocking(move || files.discard(id)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%id, %error, "a file that is not wanted could not be removed yet"),
        Err(_) => tracing::warn!(%id, "a file that is not wanted could not be removed yet"),
    }
}

/// A file, or the part of it that was asked for.
pub(crate) async fn send(call: &Call, file: File, given: Given) -> Result<HttpResponse, Problem> {
    let tag: String = file.sha256.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let part = range::wanted(call.range.as_deref(), call.if_range.as_deref(), &tag, file.size)?;
    let (files, wanted, within) = (call.app.files(), file.clone(), part.clone());
    let open = move || match within {
        Some(part) => files.open_part(&wanted, part),
        None => files.open(&wanted),
    };
    let download = blocking(open).await?.map_err(Problem::from)?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, file.content_type.as_str()))
        .insert_header(disposition(given, &file.download_name()))
        .insert_header((ETAG, tag))
        .insert_header((ACCEPT_RANGES, "bytes"));
    if given == (Given::ToShow { public: true }) {
        response
            .insert_header((CACHE_CONTROL, PUBLIC_CACHING))
            .insert_header((security::RESOURCE_POLICY, "cross-origin"));
    }
    let mut length = file.size;
    if let Some(part) = part {
        length = part.end.saturating_sub(part.start);
        response
            .status(StatusCode::PARTIAL_CONTENT)
            .insert_header((CONTENT_RANGE, range::content_range(&part, file.size)));
    }
    let pieces = stream::unfold(Some(download), |download| async { next(download?).await });
    Ok(response.no_chunking(length).streaming(pieces))
}

/// The next piece, and what follows it; after an error nothing does, and the client sees that the answer broke off.
async fn next(mut download: Download) -> Option<(Result<Bytes, std::io::Error>, Option<Download>)> {
    let read = move || {
        let piece = download.next();
        (piece, download)
    };
    match web::block(read).await {
        Ok((Some(Ok(piece)), download)) => Some((Ok(piece), Some(download))),
        Ok((Some(Err(error)), _)) => {
            tracing::error!(%error, "a file broke off on its way out");
            Some((Err(std::io::Error::other(error)), None))
        }
        Ok((None, _)) => None,
        Err(cancelled) => Some((Err(std::io::Error::other(cancelled)), None)),
    }
}

/// RFC 6266: a name for every client, and the name as it is for those that read UTF-8.
fn disposition(given: Given, name: &str) -> ContentDisposition {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    let whole = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: name.as_bytes().to_vec(),
    };
    ContentDisposition {
        disposition: match given {
            Given::ToSave => DispositionType::Attachment,
            Given::ToShow { .. } => DispositionType::Inline,
        },
        parameters: vec![DispositionParam::Filename(plain), DispositionParam::FilenameExt(whole)],
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    web::block(work).await.map_err(|cancelled| Problem::internal(cancelled.to_string()))
}

/// What is wrong with a file itself has statuses of its own.
fn problem(error: files::Error) -> Problem {
    let status = match &error {
        files::Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        files::Error::Unsupported { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        files::Error::Empty | files::Error::TooManyPixels { .. } | files::Error::BrokenPicture => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        files::Error::Gone | files::Error::Storage(_) | files::Error::Database(_) => return error.into(),
    };
    Problem::new(status, kernel::Classify::code(&error), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reaches_every_client_and_breaks_out_of_nothing() {
        for (name, expected) in [
            ("licence.pdf", "attachment; filename=\"licence.pdf\"; filename*=UTF-8''licence.pdf"),
            (
                "Führer\"; x.pdf",
                "attachment; filename=\"F_hrer_; x.pdf\"; filename*=UTF-8''F%C3%BChrer%22%3B%20x.pdf",
            ),
        ] {
            assert_eq!(disposition(Given::ToSave, name).to_string(), expected);
            let shown = disposition(Given::ToShow { public: false }, name).to_string();
            assert_eq!(shown, expected.replace("attachment", "inline"));
        }
    }
}
