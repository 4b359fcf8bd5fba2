//! A write in parts: one file, each part at its place.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::port::{PutOptions, Upload, Written};

use super::objects::NewObject;
use super::{PART_BYTES, store};
use crate::content::Draft;
use crate::engine::{Engine, blocking};
use crate::error::{Fault, Native};
use skyport_core::refusal::Refusal;

pub(super) struct LocalUpload {
    engine: Arc<Engine>,
    bucket: Arc<str>,
    key: String,
    options: PutOptions,
    state: Arc<Mutex<State>>,
}

enum State {
    Open {
        draft: Draft,
        /// The size of each part that was written.
        parts: Vec<Option<usize>>,
    },
    /// Told again to whoever repeats a `complete` whose answer was lost.
    Completed(Written),
    Ended,
}

impl LocalUpload {
    pub(super) fn new(
        engine: Arc<Engine>,
        bucket: Arc<str>,
        key: &str,
        options: PutOptions,
        draft: Draft,
    ) -> Self {
        let parts = Vec::new();
        Self {
            engine,
            bucket,
            key: key.to_owned(),
            options,
            state: Arc::new(Mutex::new(State::Open { draft, parts })),
        }
    }

    /// Works on the file, on a thread that may wait for the disk.
    async fn with_state<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut State) -> std::result::Result<T, Fault> + Send + 'static,
    {
        let state = Arc::clone(&self.state);
        let folder = self.engine.folder().to_owned();
        blocking(move || work(&mut lock(&state)).map_err(|fault| fault.at(&folder))).await
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn put_part(state: &mut State, index: u32, bytes: &[u8]) -> std::result::Result<(), Fault> {
    let State::Open { draft, parts } = state else {
        return Err(Refusal::UploadEnded.into());
    };
    if bytes.len() > PART_BYTES {
        return Err(Native::BadPart.into());
    }
    draft.write_at(u64::from(index) * PART_BYTES as u64, bytes)?;
    let at = index as usize;
    if parts.len() <= at {
        parts.resize(at + 1, None);
    }
    parts[at] = Some(bytes.len());
    Ok(())
}

/// The size of the object of the first `count` parts.
fn size(parts: &[Option<usize>], count: u32) -> std::result::Result<u64, Fault> {
    let mut size = 0;
    for index in 0..count {
        let part = parts.get(index as usize).copied().flatten().ok_or(Refusal::MissingPart)?;
        if index + 1 < count && part != PART_BYTES {
            return Err(Native::BadPart.into());
        }
        size += part as u64;
    }
    Ok(size)
}

/// Ends the writing and moves the file to its place; what was told before where that is done.
fn finish(
    state: &mut State,
    contents: &crate::content::Contents,
    count: u32,
) -> std::result::Result<std::result::Result<(Draft, u64), Written>, Fault> {
    let size = match state {
        State::Completed(written) => return Ok(Err(written.clone())),
        State::Ended => return Err(Refusal::UploadEnded.into()),
        State::Open { parts, .. } => size(parts, count)?,
    };
    let State::Open { mut draft, .. } = std::mem::replace(state, State::Ended) else {
        return Err(Refusal::UploadEnded.into());
    };
    draft.cut(size)?;
    contents.place(&mut draft)?;
    Ok(Ok((draft, size)))
}

impl fmt::Debug for LocalUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalUpload")
            .field("bucket", &self.bucket)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Upload for LocalUpload {
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()> {
        self.with_state(move |state| put_part(state, index, &bytes)).await
    }

    async fn complete(&self, parts: u32) -> Result<Written> {
        let contents = self.engine.contents().clone();
        let finished = self.with_state(move |state| finish(state, &contents, parts)).await?;
        let (draft, size) = match finished {
            Ok(whole) => whole,
            Err(written) => return Ok(written),
        };
        let new = NewObject {
            draft,
            size,
            properties: self.options.properties.clone(),
            token: self.options.token,
            condition: self.options.condition.clone(),
        };
        let written = store(&self.engine, &self.bucket, &self.key, new).await?;
        *lock(&self.state) = State::Completed(written.clone());
        Ok(written)
    }

    async fn abort(&self) -> Result<()> {
        self.with_state(|state| {
            if matches!(state, State::Open { .. }) {
                *state = State::Ended;
            }
            Ok(())
        })
        .await
    }
}

impl Drop for LocalUpload {
    fn drop(&mut self) {
        // Removing a large file takes a while: in the background, where there is one. A part that is being written holds
        // the state, too: the file goes with the last of them.
        let state = std::mem::replace(&mut self.state, Arc::new(Mutex::new(State::Ended)));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(state));
        }
    }
}
