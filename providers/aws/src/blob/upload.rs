//! A write in parts: a multipart upload of S3.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use skyport_core::blob::port::{Condition, PutOptions, Upload, Written};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};

use super::key::send_on;
use super::meta::{self, describe};
use super::{NAME, S3, refused};
use crate::error;

/// An upload that was started. Dropped before its end, it is aborted in the background.
pub(super) struct S3Upload {
    store: S3,
    key: String,
    id: String,
    options: PutOptions,
    /// The etags of the parts that have arrived.
    parts: Mutex<BTreeMap<u32, String>>,
    over: AtomicBool,
    runtime: Option<Handle>,
}

impl S3Upload {
    pub(super) async fn start(store: &S3, key: &str, options: PutOptions) -> Result<Self> {
        let create = store.client().await.create_multipart_upload().bucket(store.name());
        let create = describe!(create, &options.properties, options.token);
        let output = send_on!(key, create).map_err(error::of)?;
        let id = output.upload_id.ok_or_else(|| malformed("S3 started an upload without an id"))?;
        Ok(Self {
            store: store.clone(),
            key: key.to_owned(),
            id,
            options,
            parts: Mutex::default(),
            over: AtomicBool::new(false),
            runtime: Handle::try_current().ok(),
        })
    }

    /// The parts `0..count` as S3 wants them named.
    fn completed(&self, count: u32) -> Result<CompletedMultipartUpload> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut completed = CompletedMultipartUpload::builder();
        for index in 0..count {
            let etag = parts.get(&index).ok_or(Refusal::MissingPart)?;
            completed =
                completed.parts(CompletedPart::builder().part_number(number(index)?).e_tag(etag).build());
        }
        Ok(completed.build())
    }
}

#[async_trait]
impl Upload for S3Upload {
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()> {
        let (store, key, id) = (self.store.clone(), self.key.clone(), self.id.clone());
        // In a task of its own: signing reads every byte, which the other parts need not wait for where there is another processor.
        // Dropped with this future, the task ends.
        let mut task = JoinSet::new();
        task.spawn(async move { send_part(&store, &key, &id, number(index)?, bytes).await });
        let etag = task.join_next().await.unwrap_or_else(|| Ok(Err(ended()))).map_err(broken_off)??;
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(index, etag);
        Ok(())
    }

    async fn complete(&self, parts: u32) -> Result<Written> {
        if parts == 0 {
            // S3 makes no object of no parts; what was started is aborted when this is dropped.
            return self.store.put_object(&self.key, Bytes::new(), &self.options).await;
        }
        let completed = self.completed(parts)?;
        let complete = self.store.client().await.complete_multipart_upload().bucket(self.store.name());
        let complete = complete
            .upload_id(&self.id)
            .multipart_upload(completed)
            .set_if_match(refused::if_match(&self.options.condition))
            .set_if_none_match(refused::if_none_match(&self.options.condition));
        let sent = send_on!(&self.key, complete);
        let output = sent.map_err(|error| refused::writing(error, &self.options.condition))?;
        self.over.store(true, Ordering::Release);
        Ok(Written::new(meta::etag(output.e_tag)?))
    }

    async fn abort(&self) -> Result<()> {
        abort(&self.store, &self.key, &self.id).await?;
        self.over.store(true, Ordering::Release);
        Ok(())
    }
}

/// Gives the part's etag.
async fn send_part(store: &S3, key: &str, id: &str, number: i32, bytes: Bytes) -> Result<String> {
    let part = store.client().await.upload_part().bucket(store.name());
    let part = part.upload_id(id).part_number(number).body(ByteStream::from(bytes));
    let sent = send_on!(key, part);
    let output = sent.map_err(|error| refused::writing(error, &Condition::None))?;
    output.e_tag.ok_or_else(|| malformed("S3 took a part without telling its etag"))
}

fn ended() -> Error {
    let text = "the runtime ended before the part of an upload was sent";
    Error::new(ErrorKind::Unavailable, text).with_provider(NAME)
}

/// The task of a part was cancelled with its runtime, or it panicked.
fn broken_off(error: JoinError) -> Error {
    if error.is_cancelled() {
        ended()
    } else {
        Error::internal("the part of an upload was not sent").with_source(error)
    }
}

/// Aborts an upload; one that has ended is Ok.
pub(super) async fn abort(store: &S3, key: &str, id: &str) -> Result<()> {
    let abort = store.client().await.abort_multipart_upload().bucket(store.name()).upload_id(id);
    match send_on!(key, abort) {
        Err(error) if error.code() != Some("NoSuchUpload") => Err(error::of(error)),
        _ => Ok(()),
    }
}

/// S3 counts parts from 1.
fn number(index: u32) -> Result<i32> {
    let number = i32::try_from(index).ok().and_then(|index| index.checked_add(1));
    number.ok_or_else(|| Error::invalid(format!("there is no part {index}")).with_provider(NAME))
}

fn malformed(text: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}

impl Drop for S3Upload {
    fn drop(&mut self) {
        // Without a runtime, the bucket's rule for what is left of uploads has to do.
        let (false, Some(runtime)) = (self.over.load(Ordering::Acquire), &self.runtime) else { return };
        let (store, key, id) =
            (self.store.clone(), std::mem::take(&mut self.key), std::mem::take(&mut self.id));
        runtime.spawn(async move {
            if let Err(error) = abort(&store, &key, &id).await {
                tracing::warn!(%error, "a dropped upload could not be aborted; the bucket's rule will remove it");
            }
        });
    }
}

impl fmt::Debug for S3Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Upload").field("store", &self.store).field("key", &self.key).finish_non_exhaustive()
    }
}
