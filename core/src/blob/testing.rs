//! A tiny store for what the conformance suite cannot reach: scripted downloads, uploads that are watched.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::Notify;

use super::port::*;
use crate::body::Body;
use crate::queue::port::MessageQueue;
use crate::{Error, ErrorKind, Result};

/// What one call of `get` gives: the etag, and chunks that may end in an error or too early.
pub(super) type Download = Result<(&'static str, Vec<Result<&'static str>>)>;

#[derive(Debug)]
pub(super) struct Scripted {
    info: BlobInfo,
    size: u64,
    downloads: Mutex<VecDeque<Download>>,
    /// The range and etag of each `get`.
    pub(super) asked: Mutex<Vec<(ByteRange, Option<Etag>)>>,
    pub(super) uploads: Arc<Uploads>,
}

/// What uploads have seen.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    pub(super) parts: Mutex<Vec<(u32, usize)>>,
    /// How many were on their way when each part began.
    pub(super) at_start: Mutex<Vec<(u32, usize)>>,
    pub(super) at_once: AtomicUsize,
    pub(super) most_at_once: AtomicUsize,
    pub(super) puts: AtomicUsize,
    pub(super) completed: AtomicUsize,
    pub(super) aborted: AtomicUsize,
    pub(super) was_aborted: Notify,
}

impl Scripted {
    pub(super) fn new(size: u64, downloads: Vec<Download>) -> Self {
        let mut info = BlobInfo::new("scripted", "tests");
        info.limits.part_bytes = 4;
        info.limits.part_concurrency = 2;
        info.limits.parts = 5;
        Self {
            info,
            size,
            downloads: Mutex::new(downloads.into()),
            asked: Mutex::default(),
            uploads: Arc::default(),
        }
    }
}

impl Scripted {
    pub(super) fn with_limits(mut self, change: impl FnOnce(&mut BlobLimits)) -> Self {
        change(&mut self.info.limits);
        self
    }
}

fn not_scripted<T>() -> Result<T> {
    Err(Error::unsupported("not in the script"))
}

#[async_trait]
impl BlobStore for Scripted {
    fn info(&self) -> &BlobInfo {
        &self.info
    }

    async fn put(&self, _key: &str, _body: Bytes, _options: PutOptions) -> Result<Written> {
        self.uploads.puts.fetch_add(1, Ordering::SeqCst);
        Ok(Written::new(Etag::new("put")))
    }

    async fn start_upload(&self, _key: &str, _options: PutOptions) -> Result<Box<dyn Upload>> {
        Ok(Box::new(Watched(Arc::clone(&self.uploads))))
    }

    async fn get(&self, _key: &str, options: GetOptions) -> Result<GetResult> {
        self.asked.lock().unwrap().push((options.range, options.if_match));
        let next = self.downloads.lock().unwrap().pop_front();
        let (etag, chunks) = next.unwrap_or_else(not_scripted)?;
        let chunks = chunks.into_iter().map(|chunk| chunk.map(Bytes::from));
        Ok(GetResult::Found {
            meta: ObjectMeta::new(self.size, Etag::new(etag), SystemTime::UNIX_EPOCH),
            range: options.range.resolve(self.size)?,
            body: Body::from_stream(stream::iter(chunks.collect::<Vec<_>>())),
        })
    }

    async fn head(&self, _key: &str) -> Result<ObjectMeta> {
        not_scripted()
    }

    async fn copy(&self, _from: &str, _to: &str, _options: CopyOptions) -> Result<Written> {
        not_scripted()
    }

    async fn delete(&self, _key: &str, _options: DeleteOptions) -> Result<()> {
        not_scripted()
    }

    /// Each takes its time.
    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        let count = u32::try_from(keys.len()).expect("not so many");
        tokio::time::sleep(Duration::from_millis(10) * count).await;
        keys.iter().map(|_| Ok(())).collect()
    }

    async fn list(&self, _options: ListOptions) -> Result<ListPage> {
        not_scripted()
    }

    async fn sign(&self, _key: &str, _options: SignOptions) -> Result<SignedRequest> {
        not_scripted()
    }

    async fn events(&self, _subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        not_scripted()
    }
}

#[derive(Debug)]
struct Watched(Arc<Uploads>);

#[async_trait]
impl Upload for Watched {
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()> {
        let now = self.0.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.at_start.lock().unwrap().push((index, now));
        self.0.most_at_once.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.0.at_once.fetch_sub(1, Ordering::SeqCst);
        self.0.parts.lock().unwrap().push((index, bytes.len()));
        if bytes.starts_with(b"!") {
            return Err(Error::new(ErrorKind::Conflict, "a rival ended this upload"));
        }
        Ok(())
    }

    async fn complete(&self, _parts: u32) -> Result<Written> {
        self.0.completed.fetch_add(1, Ordering::SeqCst);
        Ok(Written::new(Etag::new("uploaded")))
    }

    async fn abort(&self) -> Result<()> {
        self.0.aborted.fetch_add(1, Ordering::SeqCst);
        self.0.was_aborted.notify_one();
        Ok(())
    }
}
