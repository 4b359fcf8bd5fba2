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
    /// Each gives the size of its part.
    in_flight: FuturesUnordered<BoxFuture<'static, Result<usize>>>,
    bytes_in_flight: usize,
    limits: BlobLimits,
    next: u32,
    over: bool,
}

impl Uploading {
    pub(super) fn new(upload: Box<dyn Upload>, limits: &BlobLimits) -> Self {
        Self {
            upload: Arc::from(upload),
            in_flight: FuturesUnordered::new(),
            bytes_in_flight: 0,
            limits: *limits,
            next: 0,
            over: false,
        }
    }

    /// How large the next part is to be.
    pub(super) fn next_size(&self) -> usize {
        self.limits.part_size(self.next)
    }

    /// Waits until another part may be filled: the one being filled counts, so that memory holds at most
    /// `part_concurrency` parts, or fewer where they have grown.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while self.is_full() {
            match ready!(self.in_flight.poll_next_unpin(cx)) {
                Some(sent) => self.bytes_in_flight -= sent?,
                None => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn is_full(&self) -> bool {
        let concurrency = self.limits.part_concurrency.max(1);
        let most = self.limits.part_size(0).saturating_mul(concurrency);
        let over = self.bytes_in_flight.saturating_add(self.next_size()) > most;
        self.in_flight.len() >= concurrency || (over && !self.in_flight.is_empty())
    }

    /// Drives the parts in flight, so that they move and their errors are seen while the next part is filled.
    pub(super) fn poll_progress(&mut self, cx: &mut Context<'_>) -> Result<()> {
        while let Poll::Ready(Some(sent)) = self.in_flight.poll_next_unpin(cx) {
            self.bytes_in_flight -= sent?;
        }
        Ok(())
    }

    /// Sends the next part.
    pub(super) fn push(&mut self, bytes: Bytes) -> Result<()> {
        if self.next >= self.limits.parts {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("an object goes up in at most {} parts", self.limits.parts),
            ));
        }
        let (upload, index) = (Arc::clone(&self.upload), self.next);
        self.next += 1;
        let size = bytes.len();
        self.bytes_in_flight += size;
        self.in_flight.push(Box::pin(async move { upload.put_part(index, bytes).await.map(|()| size) }));
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
            // It may be there, or be put together still: an abort could destroy it.
            Err(error) if error.kind() == ErrorKind::Indeterminate => {
                self.over = true;
                Err(error)
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

    /// 2 parts of 4 bytes, 2 of 8, and then of 16, with room for 8 at once.
    fn growing() -> (Bucket, Arc<Uploads>) {
        let store = Scripted::new(0, Vec::new()).with_limits(|limits| {
            (limits.parts_of_a_size, limits.largest_part_bytes, limits.parts) = (2, 16, 7);
        });
        let uploads = Arc::clone(&store.uploads);
        (Bucket::new(Arc::new(store)), uploads)
    }

    #[tokio::test]
    async fn parts_that_have_grown_go_alone_and_hold_what_small_ones_could_not() {
        const SIZES: [(u32, usize); 7] = [(0, 4), (1, 4), (2, 8), (3, 8), (4, 16), (5, 16), (6, 16)];
        for by_writer in [false, true] {
            let (bucket, uploads) = growing();
            if by_writer {
                let mut writer = bucket.writer("k").await.expect("a writer");
                for piece in [0; 72].chunks(5) {
                    writer.write_all(piece).await.expect("written");
                }
                writer.finish().await.expect("an upload");
            } else {
                bucket.put("k", vec![0; 72]).await.expect("an upload");
            }
            let mut parts = uploads.parts.lock().unwrap().clone();
            parts.sort_unstable();
            assert_eq!(parts, SIZES);
            let mut at_start = uploads.at_start.lock().unwrap().clone();
            at_start.sort_unstable();
            assert_eq!(at_start[1], (1, 2), "small ones go together");
            assert!(at_start[2..].iter().all(|(_, at_once)| *at_once == 1), "{at_start:?}");
            let error = bucket.put("k", vec![0; 73]).await.expect_err("too long");
            assert!(error.kind() == ErrorKind::TooLarge && error.message().contains("72 bytes"), "{error}");
        }
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
