//! Blob storage: an index in the database and a file for each object, behind the port [`BlobStore`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, Etag, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use skyport_core::queue::port::{MessageQueue, QueueSettings};

use crate::content::Draft;
use crate::engine::Engine;
use crate::error::{Fault, NAME};
use crate::lookups::FEW;
use crate::queue::LocalQueue;
use skyport_core::refusal::Refusal;

pub(crate) mod events;
mod listing;
pub(crate) mod objects;
mod read;
mod upload;

use objects::NewObject;

/// The size of an upload's parts, and the most of one `put`.
const PART_BYTES: usize = 4 << 20;

/// A handle to a bucket.
pub(crate) struct LocalBucket {
    engine: Arc<Engine>,
    name: Arc<str>,
    info: BlobInfo,
}

impl LocalBucket {
    pub(crate) fn new(engine: Arc<Engine>, name: &str) -> Self {
        let mut info = BlobInfo::new(NAME, name);
        info.clock = engine.clock();
        // Buckets of one data folder share its index and its files.
        info.account = engine.folder().to_string_lossy().into_owned();
        info.capabilities = crate::support::blob();
        info.limits.part_bytes = PART_BYTES;
        info.limits.parts = 1 << 20;
        info.limits.part_concurrency = 2;
        info.limits.object_bytes = (PART_BYTES as u64) << 20;
        info.limits.copy_bytes = info.limits.object_bytes;
        Self { engine, name: name.into(), info }
    }
}

impl fmt::Debug for LocalBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalBucket").field(&self.name).finish()
    }
}

/// Writes a whole content at once.
fn write_whole(contents: &crate::content::Contents, body: &[u8]) -> std::io::Result<Draft> {
    let mut draft = contents.draft()?;
    draft.write_at(0, body)?;
    contents.place(&mut draft)?;
    Ok(draft)
}

/// Lets the index name a content that is in its place.
async fn store(engine: &Engine, bucket: &Arc<str>, key: &str, new: NewObject) -> Result<Written> {
    let (bucket, key, clock) = (Arc::clone(bucket), key.to_owned(), engine.clock());
    engine.write(move |job| objects::store(job, &bucket, &key, new, clock.now())).await
}

#[async_trait]
impl BlobStore for LocalBucket {
    fn info(&self) -> &BlobInfo {
        &self.info
    }

    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        let size = body.len() as u64;
        let draft = self.engine.files(move |contents| Ok(write_whole(contents, &body)?)).await?;
        let new = NewObject {
            draft,
            size,
            properties: options.properties,
            token: options.token,
            condition: options.condition,
        };
        store(&self.engine, &self.name, key, new).await
    }

    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>> {
        let bucket = Arc::clone(&self.name);
        self.engine.read(move |connection| objects::bucket(connection, &bucket)).await?;
        let draft = self.engine.files(|contents| Ok(contents.draft()?)).await?;
        let upload =
            upload::LocalUpload::new(Arc::clone(&self.engine), Arc::clone(&self.name), key, options, draft);
        Ok(Box::new(upload))
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        read::get(&self.engine, &self.name, key, options).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta> {
        let looked =
            self.engine.look_up(|connection| Ok(objects::find(connection, &self.name, key)?.meta)).await?;
        if let Some(meta) = looked {
            return Ok(meta);
        }
        let (bucket, key) = (Arc::clone(&self.name), key.to_owned());
        self.engine.read(move |connection| Ok(objects::find(connection, &bucket, &key)?.meta)).await
    }

    async fn copy(&self, from: &str, to: &str, options: CopyOptions) -> Result<Written> {
        let source = options.source_bucket.as_deref().map(Arc::from);
        let bucket = Arc::clone(source.as_ref().unwrap_or(&self.name));
        let (key, contents, limits) = (from.to_owned(), self.engine.contents().clone(), self.info.limits);
        let copied = self
            .engine
            .read(move |connection| {
                read::at_content(connection, &bucket, &key, |meta, id| {
                    if options.source_if_match.as_ref().is_some_and(|etag| *etag != meta.etag) {
                        return Err(Refusal::Changed.into());
                    }
                    limits.check_copy(meta.size)?;
                    Ok(contents.copy(id)?)
                })
            })
            .await;
        let (meta, draft) = copied.map_err(|error| match &source {
            Some(source) => error.with_resource(source),
            None => error,
        })?;
        let new = NewObject {
            draft,
            size: meta.size,
            properties: meta.properties,
            token: options.token,
            condition: options.condition,
        };
        store(&self.engine, &self.name, to, new).await
    }

    async fn delete(&self, key: &str, options: DeleteOptions) -> Result<()> {
        let (bucket, key, clock) = (Arc::clone(&self.name), key.to_owned(), self.engine.clock());
        self.engine
            .write(move |job| {
                let id = objects::bucket(job.connection, &bucket)?;
                objects::delete(job, id, &bucket, &key, options.if_match.as_ref(), clock.now())
            })
            .await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        let (bucket, clock, count) = (Arc::clone(&self.name), self.engine.clock(), keys.len());
        let deleted = self
            .engine
            .write(move |job| {
                let id = objects::bucket(job.connection, &bucket)?;
                let now = clock.now();
                keys.iter().try_for_each(|key| objects::delete(job, id, &bucket, key, None, now))
            })
            .await;
        match deleted {
            Ok(()) => (0..count).map(|_| Ok(())).collect(),
            Err(error) => error.of_each(count),
        }
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage> {
        if options.page_size <= FEW {
            let few = |connection: &_| listing::page(connection, &self.name, &options);
            if let Some(page) = self.engine.look_up(few).await? {
                return Ok(page);
            }
        }
        let bucket = Arc::clone(&self.name);
        self.engine.read(move |connection| listing::page(connection, &bucket, &options)).await
    }

    async fn sign(&self, key: &str, options: SignOptions) -> Result<SignedRequest> {
        let bucket = Arc::clone(&self.name);
        self.engine.read(move |connection| objects::bucket(connection, &bucket)).await?;
        let signer = self.engine.signer().await?;
        signer.sign(&self.info.clock, &self.engine.signed_name(&self.name), key, &options)
    }

    async fn events(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        let (bucket, wanted) = (Arc::clone(&self.name), subscriber.clone());
        let name = self
            .engine
            .write(move |job| -> std::result::Result<String, Fault> {
                events::subscribe(job, &bucket, &wanted)
            })
            .await?;
        let mut settings = QueueSettings::default();
        settings.max_attempts = subscriber.max_attempts;
        let shown = format!("{} events for {}", self.name, subscriber.name);
        Ok(Arc::new(LocalQueue::new(Arc::clone(&self.engine), name, &shown, settings)))
    }
}

/// The etag of a content: never given twice.
fn etag(content: &str) -> Etag {
    Etag::new(content)
}
