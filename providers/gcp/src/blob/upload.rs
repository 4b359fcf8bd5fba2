//! A write in parts: a resumable session.
//!
//! A session is told with its last bytes that they are the last, and every piece before must be a multiple of 256 KiB. Which part is the
//! last is known at the end only: so the newest part waits until another comes, or the end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use skyport_core::blob::port::{Condition, Etag, PutOptions, Upload, Written};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::call::{Refused, malformed};
use super::session::{Session, Told, has_ended};
use super::{Gcs, NAME, refused};

/// An upload that was started. Dropped before its end, it is given up in the background.
pub(super) struct GcsUpload {
    session: Arc<Session>,
    condition: Condition,
    state: Mutex<State>,
    over: AtomicBool,
    runtime: Option<Handle>,
}

/// How far it has come.
struct State {
    /// The newest part, of which nothing was sent before there was a newer one.
    held: Option<Part>,
    /// So many bytes are kept at Google's.
    kept: u64,
    /// Whether `kept` is what Google said last: after an answer that was lost it has to be asked for.
    sure: bool,
    done: Option<Etag>,
}

#[derive(Clone)]
struct Part {
    index: u32,
    start: u64,
    bytes: Bytes,
}

impl Part {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl GcsUpload {
    pub(super) async fn start(store: &Gcs, key: &str, options: PutOptions) -> Result<Self> {
        let session = Session::start(store, key, &options).await?;
        Ok(Self {
            session: Arc::new(session),
            condition: options.condition,
            state: Mutex::new(State { held: None, kept: 0, sure: true, done: None }),
            over: AtomicBool::new(false),
            runtime: Handle::try_current().ok(),
        })
    }

    /// Sends what is not kept yet of `part`; with a `total` it is the last, and makes the object.
    async fn flush(&self, state: &mut State, part: &Part, total: Option<u64>) -> Result<Option<Etag>> {
        loop {
            if !state.sure {
                match self.session.ask().await.map_err(|refused| self.refused(refused))? {
                    Told::Done(etag) => return finished(total, etag),
                    Told::Kept(kept) => (state.kept, state.sure) = (kept, true),
                }
            }
            if !(part.start..=part.end()).contains(&state.kept) {
                let text =
                    "Cloud Storage has kept other bytes of an upload than it said before: start another";
                return Err(Error::new(ErrorKind::Conflict, text).with_retryable(false).with_provider(NAME));
            }
            if state.kept == part.end() && total.is_none() {
                return Ok(None);
            }
            let (range, rest) = piece(part, state.kept, total);
            // Should this be the last that is heard of it.
            state.sure = false;
            match self.session.send(rest, &range).await.map_err(|refused| self.refused(refused))? {
                Told::Done(etag) => return finished(total, etag),
                Told::Kept(kept) if kept > state.kept => (state.kept, state.sure) = (kept, true),
                Told::Kept(_) => {
                    let text = "Cloud Storage kept nothing of what was sent";
                    return Err(Error::new(ErrorKind::Unavailable, text).with_provider(NAME));
                }
            }
        }
    }

    /// What the session refuses.
    fn refused(&self, refused: Refused) -> Error {
        match refused.status {
            Some(status) if has_ended(status) => refused::as_refusal(Refusal::UploadEnded, refused.error),
            Some(StatusCode::PRECONDITION_FAILED) => refused::writing(refused, &self.condition),
            _ => refused.error,
        }
    }
}

/// What of a part goes next, and how its place is said.
fn piece(part: &Part, kept: u64, total: Option<u64>) -> (String, Bytes) {
    let from = usize::try_from(kept - part.start).unwrap_or(usize::MAX).min(part.bytes.len());
    let rest = part.bytes.slice(from..);
    let whole = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
    let range = if rest.is_empty() {
        format!("bytes */{whole}")
    } else {
        format!("bytes {kept}-{}/{whole}", part.end() - 1)
    };
    (range, rest)
}

/// The object is there; it should not be before its end was told.
fn finished(total: Option<u64>, etag: Etag) -> Result<Option<Etag>> {
    match total {
        Some(_) => Ok(Some(etag)),
        None => Err(malformed("Cloud Storage made an object of an upload that has not ended")),
    }
}

#[async_trait]
impl Upload for GcsUpload {
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()> {
        let mut state = self.state.lock().await;
        let start = match state.held.clone() {
            // It is kept already, or is going to be sent: the same bytes came once more.
            Some(held) if index <= held.index => return Ok(()),
            Some(held) if index - held.index == 1 => {
                self.flush(&mut state, &held, None).await?;
                held.end()
            }
            None if index == 0 => 0,
            _ => return Err(Error::from(Refusal::MissingPart).with_provider(NAME)),
        };
        state.held = Some(Part { index, start, bytes });
        Ok(())
    }

    async fn complete(&self, parts: u32) -> Result<Written> {
        let mut state = self.state.lock().await;
        if let Some(etag) = &state.done {
            return Ok(Written::new(etag.clone()));
        }
        let last = match state.held.clone() {
            Some(held) if parts.checked_sub(1) == Some(held.index) => held,
            None if parts == 0 => Part { index: 0, start: 0, bytes: Bytes::new() },
            _ => return Err(Error::from(Refusal::MissingPart).with_provider(NAME)),
        };
        let etag = self.flush(&mut state, &last, Some(last.end())).await?;
        let etag = etag.ok_or_else(|| malformed("Cloud Storage did not end an upload"))?;
        self.over.store(true, Ordering::Release);
        state.done = Some(etag.clone());
        Ok(Written::new(etag))
    }

    async fn abort(&self) -> Result<()> {
        self.session.end().await?;
        self.over.store(true, Ordering::Release);
        Ok(())
    }
}

impl Drop for GcsUpload {
    fn drop(&mut self) {
        // Without a runtime, it has to do that a session ends by itself after a week.
        let (false, Some(runtime)) = (self.over.load(Ordering::Acquire), &self.runtime) else { return };
        let session = Arc::clone(&self.session);
        runtime.spawn(async move {
            if let Err(error) = session.end().await {
                tracing::warn!(%error, "a dropped upload could not be given up; it ends by itself after a week");
            }
        });
    }
}

impl fmt::Debug for GcsUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcsUpload").field("session", &self.session).finish_non_exhaustive()
    }
}
