//! Resumable uploads: a session, whose bytes come in many requests.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, LOCATION, RANGE};
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Failure, Result};
use crate::exchange::{Reply, Request, object};
use crate::store::Store;
use crate::upload::Wanted;

mod range;
use range::ContentRange;

/// Only multiples of it are kept of what is not the end.
const UNIT: u64 = 256 * 1_024;
/// The most sessions, ended ones included; the oldest are forgotten.
const MOST: usize = 1_000;

/// An upload that was begun.
#[derive(Debug)]
pub(crate) struct Session {
    wanted: Wanted,
    /// What the client said that the size will be.
    total: Option<u64>,
    state: State,
}

#[derive(Debug)]
enum State {
    Open(BytesMut),
    Finished(Bytes),
    Cancelled,
}

impl Session {
    fn size(&self) -> u64 {
        match &self.state {
            State::Open(bytes) => bytes.len() as u64,
            State::Finished(_) | State::Cancelled => 0,
        }
    }
}

/// `POST ..?uploadType=resumable`
pub(crate) fn begin(store: &mut Store, request: &Request, bucket: &str) -> Result<Reply> {
    let resource = if request.body.is_empty() { object(b"")? } else { request.json()? };
    let mut wanted = Wanted::of(request, bucket, &resource)?;
    wanted.typed(request.header("x-upload-content-type").map(|value| value.into_owned()))?;
    wanted.check(store)?;
    let total = match request.header("x-upload-content-length") {
        None => None,
        Some(text) => {
            let wrong = |_| Failure::invalid(format!("Invalid value for X-Upload-Content-Length: {text}"));
            Some(text.parse().map_err(wrong)?)
        }
    };
    let id = store.next_id();
    let name = utf8_percent_encode(&wanted.name, NON_ALPHANUMERIC).to_string();
    let url = &store.url;
    let location = format!(
        "{url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&name={name}&upload_id=session-{id}"
    );
    let state = State::Open(BytesMut::new());
    store.sessions.insert(id, Session { wanted, total, state });
    if store.sessions.len() > MOST
        && let Some((_, oldest)) = store.sessions.pop_first()
    {
        store.release(oldest.size());
    }
    Ok(Reply::new(StatusCode::OK)
        .header(LOCATION, &location)
        .header(CONTENT_TYPE, "text/plain; charset=utf-8"))
}

/// A request to a session's own URL.
pub(crate) fn go_on(store: &mut Store, request: &Request) -> Result<Reply> {
    let id = request.parameter("upload_id").unwrap_or_default();
    let absent = || Failure::new(404, "notFound", "NoSuchUpload", "The upload session does not exist.");
    let id: u64 = id.strip_prefix("session-").and_then(|id| id.parse().ok()).ok_or_else(absent)?;
    let session = store.sessions.get_mut(&id).ok_or_else(absent)?;
    match (&request.method, &session.state) {
        (_, State::Cancelled) => {
            Err(Failure::new(410, "uploadTerminated", "NoSuchUpload", "Upload has been terminated."))
        }
        (&Method::DELETE, _) => {
            let size = session.size();
            session.state = State::Cancelled;
            store.release(size);
            Ok(Reply::new(StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)))
        }
        (&Method::PUT | &Method::POST, State::Finished(resource)) => Ok(Reply::new(StatusCode::OK)
            .header(CONTENT_TYPE, "application/json; charset=UTF-8")
            .body(resource.clone())),
        (&Method::PUT | &Method::POST, State::Open(_)) => put(store, request, id),
        _ => Err(Failure::no_such_call()),
    }
}

fn put(store: &mut Store, request: &Request, id: u64) -> Result<Reply> {
    let Some(session) = store.sessions.get_mut(&id) else { return Err(Failure::no_such_call()) };
    let range = ContentRange::of(request)?;
    let before = session.size();
    if let Some(total) = range.total {
        if session.total.is_some_and(|known| known != total) || total < before {
            return Err(Failure::invalid("The total size is not the one that was said before."));
        }
        session.total = Some(total);
    }
    if let Some(first) = range.first {
        add(store, request, id, first)?;
    }
    let Some(session) = store.sessions.get_mut(&id) else { return Err(Failure::no_such_call()) };
    let size = session.size();
    // Without a range, the body's end is the object's.
    let is_end = if range.open_ended { request.whole } else { range.total == Some(size) };
    if !is_end || !request.whole {
        return Ok(incomplete(size));
    }
    finish(store, id)
}

/// Adds what is new of a body whose first byte has this place.
fn add(store: &mut Store, request: &Request, id: u64, first: u64) -> Result<()> {
    let Some(session) = store.sessions.get_mut(&id) else { return Err(Failure::no_such_call()) };
    let size = session.size();
    if first > size {
        // A body without JSON, and a status that sounds as if to try again would help: so it is.
        let message = format!(
            "Invalid request.  According to the Content-Range header, the upload offset is {first} byte(s), which exceeds \
             already uploaded size of {size} byte(s)."
        );
        return Err(Failure::new(503, "backendError", "ServiceUnavailable", message));
    }
    let body = &request.body;
    let end = first + body.len() as u64;
    let range = ContentRange::of(request)?;
    let is_last = request.whole && (range.open_ended || range.total == Some(end));
    let mut kept_to = if is_last { end } else { end - end % UNIT };
    if let Some(most) = request.keep_at_most {
        let most = size.saturating_add(most);
        kept_to = kept_to.min(most - most % UNIT);
    }
    if session.total.is_some_and(|total| end > total) {
        return Err(Failure::invalid("There are more bytes than the total size."));
    }
    // What is there already is passed over.
    if let Some(new) = kept_to.checked_sub(size).filter(|new| *new > 0) {
        store.reserve(new)?;
        let (from, to) = ((size - first) as usize, (kept_to - first) as usize);
        if let Some(Session { state: State::Open(bytes), .. }) = store.sessions.get_mut(&id) {
            bytes.extend_from_slice(body.get(from..to).unwrap_or_default());
        }
    }
    Ok(())
}

/// All bytes are there.
fn finish(store: &mut Store, id: u64) -> Result<Reply> {
    let Some(session) = store.sessions.get_mut(&id) else { return Err(Failure::no_such_call()) };
    let wanted = session.wanted.clone();
    let State::Open(bytes) = &mut session.state else { return Err(Failure::no_such_call()) };
    let content = std::mem::take(bytes).freeze();
    let size = content.len() as u64;
    // They are counted again as an object's.
    store.release(size);
    let finished = wanted.finish(store, content.clone(), None);
    let state = match &finished {
        Ok(reply) => State::Finished(reply.body.clone()),
        Err(_) => {
            store.reserve(size)?;
            State::Open(BytesMut::from(content))
        }
    };
    if let Some(session) = store.sessions.get_mut(&id) {
        session.state = state;
    }
    finished
}

fn incomplete(size: u64) -> Reply {
    let reply = Reply::new(StatusCode::PERMANENT_REDIRECT);
    match size.checked_sub(1) {
        Some(last) => reply.header(RANGE, &format!("bytes=0-{last}")),
        None => reply,
    }
}
