//! A write in parts: kept aside until it is complete.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::port::{PutOptions, Upload, Written};

use super::content::Content;
use super::objects::{BucketCell, NewObject};
use crate::error::Refusal;
use crate::faults::{Faults, call};
use crate::sync::lock;

pub(super) struct MemoryUpload {
    cell: Arc<BucketCell>,
    faults: Faults,
    key: String,
    options: PutOptions,
    state: Mutex<State>,
}

enum State {
    Open(BTreeMap<u32, Bytes>),
    /// Told again to whoever repeats a `complete` whose answer was lost.
    Completed(Written),
    Aborted,
}

impl MemoryUpload {
    pub(super) fn new(cell: Arc<BucketCell>, faults: Faults, key: &str, options: PutOptions) -> Self {
        Self { cell, faults, key: key.to_owned(), options, state: Mutex::new(State::Open(BTreeMap::new())) }
    }

    fn finish(&self, parts: u32) -> Result<Written> {
        let mut state = lock(&self.state);
        let open = match &*state {
            State::Open(open) => open,
            State::Completed(written) => return Ok(written.clone()),
            State::Aborted => return Err(Refusal::UploadEnded.into()),
        };
        let collected: Option<Vec<Bytes>> = (0..parts).map(|index| open.get(&index).cloned()).collect();
        let new = NewObject {
            content: Content::of_parts(collected.ok_or(Refusal::MissingPart)?),
            properties: self.options.properties.clone(),
            token: self.options.token,
        };
        let written = self.cell.put(&self.key, new, &self.options.condition)?;
        *state = State::Completed(written.clone());
        Ok(written)
    }
}

impl fmt::Debug for MemoryUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryUpload")
            .field("bucket", &self.cell.name())
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Upload for MemoryUpload {
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()> {
        call!(self.faults, BlobPutPart, self.cell.name(), || match &mut *lock(&self.state) {
            State::Open(parts) => {
                parts.insert(index, bytes);
                Ok(())
            }
            State::Completed(_) | State::Aborted => Err(Refusal::UploadEnded.into()),
        })
    }

    async fn complete(&self, parts: u32) -> Result<Written> {
        call!(self.faults, BlobComplete, self.cell.name(), || self.finish(parts))
    }

    async fn abort(&self) -> Result<()> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Open(_)) {
            *state = State::Aborted;
        }
        Ok(())
    }
}
