//! A write in parts, on its way.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use super::port::{BlobLimits, Upload, Written};
use crate::{Error, ErrorKind, Result};

/// An upload and its parts in flight. Dropped before it is finished, it is aborted in the background.
pub(super) struct Uploading {
    upload: Arc<dyn Upload>,
    in_flight: FuturesUnordered<BoxFuture<'static, Result<()>>>,
    concurrency: usize,
    max_parts: u32,
    next: u32,
    over: bool,
}

impl Uploading {
    pub(super) fn new(upload: Box<dyn Upload>, limits: &BlobLimits) -> Self {
        Self {
            upload: Arc::from(upload),
            in_flight: FuturesUnordered::new(),
            concurrency: limits.part_concurrency.max(1),
            max_parts: limits.parts,
            next: 0,
            over: false,
        }
    }

    /// Waits until another part may be filled: the one being filled counts, so that memory holds at most
    /// `part_concurrency` parts.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while self.in_flight.len() >= self.concurrency {
            if let Some(sent) = ready!(self.in_flight.poll_next_unpin(cx)) {
                sent?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Drives the parts in flight, so that they move and their errors are seen while the next part is filled.
    pub(super) fn poll_progress(&mut self, cx: &mut Context<'_>) -> Result<()> {
        while let Poll::Ready(Some(sent)) = self.in_flight.poll_next_unpin(cx) {
            sent?;
        }
        Ok(())
    }

    /// Sends the next part.
    pub(super) fn push(&mut self, bytes: Bytes) -> Result<()> {
        if self.next >= self.max_parts {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("an object goes up in at most {} parts", self.max_parts),
            ));
        }
        let (upload, index) = (Arc::clone(&self.upload), self.next);
        self.next += 1;
        self.in_flight.push(Box::pin(async move { upload.put_part(index, bytes).await }));
        Ok(())
    }

    /// Waits for all parts and makes the object visible.
    pub(super) async fn complete(mut self) -> Result<Written> {
        let result = self.drain_and_complete().await;
        match result {
            Ok(written) => {
                self.over = true;
                Ok(written)
            }
            Err(error) => {
                self.give_up().await;
                Err(error)
            }
        }
    }

    async fn drain_and_complete(&mut self) -> Result<Written> {
        while let Some(sent) = self.in_flight.next().await {
            sent?;
        }
        self.upload.complete(self.next).await
    }

    /// Aborts because of another error, which is the one that the caller hears of.
    pub(super) async fn give_up(self) {
        if let Err(error) = self.abort().await {
            tracing::warn!(%error, "an upload could not be aborted; the bucket's clean-up rule will remove it");
        }
    }

    /// Aborts now.
    pub(super) async fn abort(mut self) -> Result<()> {
        self.in_flight.clear();
        let upload = Arc::clone(&self.upload);
        // Should this future be dropped in mid-abort, `Drop` aborts again.
        upload.abort().await.inspect_err(|_| self.over = true)?;
        self.over = true;
        Ok(())
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.in_flight.clear();
        // Without a runtime the upload's own drop, and the bucket's clean-up rule, have to do.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let upload = Arc::clone(&self.upload);
        runtime.spawn(async move {
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "a dropped upload could not be aborted");
            }
        });
    }
}

impl fmt::Debug for Uploading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploading")
            .field("upload", &self.upload)
            .field("parts", &self.next)
            .field("in_flight", &self.in_flight.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use futures_util::{FutureExt, stream};
    use tokio::io::AsyncWriteExt;

    use super::super::Bucket;
    use super::super::testing::{Scripted, Uploads};
    use super::*;
    use crate::body::Body;

    fn scripted() -> (Bucket, Arc<Uploads>) {
        let store = Scripted::new(0, Vec::new());
        let uploads = Arc::clone(&store.uploads);
        (Bucket::new(Arc::new(store)), uploads)
    }

    #[tokio::test]
    async fn a_stream_of_one_part_is_a_plain_put_and_a_longer_one_goes_out_in_parts() {
        let (bucket, uploads) = scripted();
        let exact = stream::iter([Ok::<_, Error>("12"), Ok("34")]);
        bucket.put("k", Body::from_stream(exact)).await.expect("a put");
        assert_eq!((uploads.puts.load(SeqCst), uploads.completed.load(SeqCst)), (1, 0));
        bucket.put("k", "0123456789abcdef0").await.expect("an upload");
        let mut parts = uploads.parts.lock().unwrap().clone();
        parts.sort_unstable();
        assert_eq!(parts, [(0, 4), (1, 4), (2, 4), (3, 4), (4, 1)]);
        assert_eq!((uploads.completed.load(SeqCst), uploads.aborted.load(SeqCst)), (1, 0));
        assert_eq!(uploads.most_at_once.load(SeqCst), 2, "as many as the limit, and no more");
    }

    #[tokio::test]
    async fn more_parts_than_there_may_be_are_refused_and_aborted() {
        let (bucket, uploads) = scripted();
        let long = stream::iter((0..6).map(|_| Ok::<_, Error>("1234")));
        let error = bucket.put("k", Body::from_stream(long)).await.expect_err("too long");
        assert!(error.kind() == ErrorKind::TooLarge && error.message().contains("20 bytes"), "{error}");
        assert_eq!((uploads.completed.load(SeqCst), uploads.aborted.load(SeqCst)), (0, 1));
    }

    #[tokio::test]
    async fn a_part_that_fails_aborts_the_upload() {
        let (bucket, uploads) = scripted();
        let error = bucket.put("k", "0123!567").await.expect_err("the second part fails");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let mut writer = bucket.writer("k").await.expect("a writer");
        writer.write_all(b"0123!567").await.expect("buffered");
        assert!(writer.finish().await.is_err());
        assert_eq!((uploads.completed.load(SeqCst), uploads.aborted.load(SeqCst)), (0, 2));
    }

    #[tokio::test]
    async fn a_dropped_put_and_a_dropped_writer_abort_in_the_background() {
        let (bucket, uploads) = scripted();
        let endless = stream::iter([Ok::<_, Error>("01234567")]).chain(stream::pending());
        let put = std::future::IntoFuture::into_future(bucket.put("k", Body::from_stream(endless)));
        assert!(put.now_or_never().is_none());
        uploads.was_aborted.notified().await;
        let mut writer = bucket.writer("k").await.expect("a writer");
        writer.write_all(b"01234567").await.expect("buffered");
        writer.shutdown().await.expect("shutdown only flushes");
        drop(writer);
        uploads.was_aborted.notified().await;
        assert_eq!((uploads.completed.load(SeqCst), uploads.aborted.load(SeqCst)), (0, 2));
    }
}
