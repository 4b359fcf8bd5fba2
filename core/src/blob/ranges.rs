//! A download in ranges, several of them at once.

use std::collections::VecDeque;
use std::future::IntoFuture;
use std::panic::resume_unwind;
use std::vec;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use tokio::task::JoinError;
use tracing::{Instrument as _, Span};

use super::bucket::operation_span;
use super::get::{Found, Get, OPERATION, Object, unchanged};
use super::port::ByteRange;
use super::resume::{Content, Download, Target};
use crate::body::Body;
use crate::waited::Waited;
use crate::{Error, ErrorKind, Result, TraceContext};

/// How many may be asked for at once.
pub(super) const MOST: usize = 64;

/// A read in ranges, several of them at once, that happens when it is awaited; made by [`Get::concurrency`].
///
/// # Errors
/// When awaited: as [`Get`].
#[must_use = "nothing is read until this is awaited"]
#[derive(Clone, Debug)]
pub struct GetInRanges<'a> {
    pub(super) get: Get<'a>,
    pub(super) at_once: usize,
}

impl<'a> GetInRanges<'a> {
    /// The object's bytes in memory.
    ///
    /// # Errors
    /// As [`Get::bytes`]; `Conflict` also where the object changed between two ranges.
    pub async fn bytes(self) -> Result<Bytes> {
        self.object().await?.bytes().await
    }

    /// The object's text in memory.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); `Malformed` where it is not UTF-8.
    pub async fn text(self) -> Result<String> {
        self.object().await?.text().await
    }

    async fn object(self) -> Result<Object> {
        let (bucket, key, limit) = (self.get.bucket, self.get.key, self.get.limit);
        let span = operation_span!("blob.get", bucket, key);
        let found = bucket.named(OPERATION, key, self.find().instrument(span).await)?;
        Ok(Object::new(bucket, key, limit, found))
    }

    async fn find(self) -> Result<Found> {
        let Self { mut get, at_once } = self;
        let (bucket, key, wanted) = (get.bucket, get.key, get.options.range);
        let conditional = get.options.if_match.is_some();
        let size = bucket.limits().part_size(0) as u64;
        let first = if at_once > 1 { first(wanted, size) } else { None };
        get.options.range = first.unwrap_or(wanted);
        let (meta, range, head) = get.run().await?.ok_or_else(unchanged)?;
        let end = if first.is_some() { wanted.resolve(meta.size)?.1 } else { range.1 };
        if end <= range.1 {
            return Ok((meta, range, head));
        }
        let content = Target { bucket, key, etag: &meta.etag, conditional }.to_content();
        let rest = Ranges {
            content,
            head: Some(head),
            chunks: Vec::new().into_iter(),
            ahead: VecDeque::new(),
            next: range.1,
            end,
            size,
            most_ahead: at_once - 1,
            span: Span::current(),
            trace: TraceContext::current(),
        };
        Ok((meta, (range.0, end), rest.into_body(end - range.0)))
    }
}

impl<'a> IntoFuture for GetInRanges<'a> {
    type Output = Result<Object>;
    type IntoFuture = BoxFuture<'a, Result<Object>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.object())
    }
}

/// The first of the ranges in which `range` is read; `None` where it is read as one: its start is not known before its end.
fn first(range: ByteRange, size: u64) -> Option<ByteRange> {
    let (start, end) = match range {
        ByteRange::All => (0, u64::MAX),
        ByteRange::From(start, end) => (start, end.unwrap_or(u64::MAX)),
        ByteRange::Last(_) => return None,
    };
    Some(ByteRange::From(start, Some(start.saturating_add(size).min(end))))
}

/// The bytes of the first range, which is there, and of the others. So many are under way or in memory at once, the one that is being read
/// among them.
struct Ranges {
    content: Content,
    /// The first range, read as it comes.
    head: Option<Body>,
    /// What came of a later one.
    chunks: vec::IntoIter<Bytes>,
    /// Those after it, in order.
    ahead: VecDeque<Waited<Result<Vec<Bytes>>>>,
    /// Where the next one starts.
    next: u64,
    end: u64,
    size: u64,
    most_ahead: usize,
    span: Span,
    trace: Option<TraceContext>,
}

impl Ranges {
    fn into_body(self, length: u64) -> Body {
        let chunks = stream::try_unfold(self, |mut ranges| async move {
            let chunk = ranges.next().await?;
            Ok::<_, Error>(chunk.map(|chunk| (chunk, ranges)))
        });
        Body::from_stream(chunks).with_len(length)
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.head.is_some() {
            self.read_ahead();
        }
        if let Some(head) = &mut self.head {
            if let Some(chunk) = head.next().await {
                return chunk.map(Some);
            }
            self.head = None;
        }
        loop {
            if let Some(chunk) = self.chunks.next() {
                return Ok(Some(chunk));
            }
            let Some(range) = self.ahead.pop_front() else { return Ok(None) };
            self.read_ahead();
            self.chunks =
                range.await.unwrap_or_else(|error| self.content.named(Err(ended(error))))?.into_iter();
        }
    }

    /// Each in a task of its own: they go on while what came before them is looked at.
    fn read_ahead(&mut self) {
        while self.next < self.end && self.ahead.len() < self.most_ahead {
            let range = (self.next, self.next.saturating_add(self.size).min(self.end));
            self.next = range.1;
            let read = read(self.content.clone(), range).instrument(self.span.clone());
            let task = match self.trace.clone() {
                Some(trace) => tokio::spawn(trace.scope(read)),
                None => tokio::spawn(read),
            };
            self.ahead.push_back(task.into());
        }
    }
}

async fn read(content: Content, range: (u64, u64)) -> Result<Vec<Bytes>> {
    let mut download = Download::open(content, range).await?;
    let mut chunks = Vec::new();
    while let Some(chunk) = download.next().await? {
        chunks.push(chunk);
    }
    Ok(chunks)
}

fn ended(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(error) => {
            let stopped = "the process stops: the download was cut off. Read it again once it runs anew";
            Error::new(ErrorKind::Unavailable, stopped).with_ambiguous(false).with_source(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::bucket::Bucket;
    use super::super::port::Etag;
    use super::super::testing::{Download, Scripted};
    use super::*;

    fn scripted(downloads: Vec<Download>) -> (Bucket, Arc<Scripted>) {
        let store = Arc::new(Scripted::new(10, downloads));
        (Bucket::new(store.clone()), store)
    }

    fn range(text: &'static str) -> Download {
        Ok(("e", vec![Ok(text)]))
    }

    #[tokio::test]
    async fn ranges_come_in_order_and_no_more_are_asked_for_than_shall_be_at_once() {
        let (bucket, store) = scripted(vec![range("0123"), range("4567"), range("89")]);
        let object = bucket.get("k").concurrency(2).await.expect("found");
        assert_eq!((object.size(), object.range()), (10, (0, 10)));
        let mut body = object.into_body();
        assert_eq!(body.known_len(), Some(10));
        let bound = Some(Etag::new("e"));
        let asked = |count| {
            let all = [(0, 4, None), (4, 8, bound.clone()), (8, 10, bound.clone())]
                .map(|(start, end, etag)| (ByteRange::From(start, Some(end)), etag));
            assert_eq!(store.asked.lock().unwrap()[..], all[..count]);
        };
        asked(1);
        let mut read = body.next().await.expect("a chunk").expect("read").to_vec();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        asked(2);
        while let Some(chunk) = body.next().await {
            read.extend_from_slice(&chunk.expect("read"));
        }
        assert_eq!(read, b"0123456789");
        asked(3);
    }

    #[tokio::test]
    async fn what_is_no_longer_than_a_range_is_one_request_and_so_is_the_end() {
        let (bucket, store) = scripted(vec![range("2345"), range("789"), range("0123")]);
        assert_eq!(bucket.get("k").range(2..6).concurrency(4).text().await.expect("read"), "2345");
        assert_eq!(bucket.get("k").last(3).concurrency(4).text().await.expect("read"), "789");
        let limited = bucket.get("k").limit(9).concurrency(4).bytes().await.expect_err("too large");
        assert_eq!(limited.kind(), ErrorKind::TooLarge);
        let asked: Vec<_> = store.asked.lock().unwrap().iter().map(|(range, _)| *range).collect();
        assert_eq!(asked, [ByteRange::From(2, Some(6)), ByteRange::Last(3), ByteRange::From(0, Some(4))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_range_that_breaks_goes_on_by_itself() {
        let broken = || Error::new(ErrorKind::Unavailable, "the connection is gone");
        let (bucket, store) = scripted(vec![
            range("0123"),
            Ok(("e", vec![Ok("45"), Err(broken())])),
            // The next one does not wait for it.
            range("89"),
            Err(broken()),
            range("67"),
        ]);
        assert_eq!(bucket.get("k").concurrency(2).text().await.expect("read"), "0123456789");
        let starts: Vec<_> = store.asked.lock().unwrap().iter().map(|(range, _)| *range).collect();
        let from = |start, end| ByteRange::From(start, Some(end));
        assert_eq!(starts, [from(0, 4), from(4, 8), from(8, 10), from(6, 8), from(6, 8)]);
    }

    #[tokio::test]
    async fn ranges_of_another_content_are_never_mixed_in() {
        let gone = |kind| -> Download { Err(Error::new(kind, "no longer")) };
        for second in
            [gone(ErrorKind::PreconditionFailed), gone(ErrorKind::NotFound), Ok(("other", vec![Ok("4567")]))]
        {
            let (bucket, _) = scripted(vec![range("0123"), second]);
            let error = bucket.get("k").concurrency(2).bytes().await.expect_err("it changed");
            assert_eq!(
                (error.kind(), error.operation(), error.key()),
                (ErrorKind::Conflict, Some("blob.get"), Some("k"))
            );
        }
        let (bucket, _) = scripted(vec![range("0123"), gone(ErrorKind::PreconditionFailed)]);
        let named = bucket.get("k").if_match(&Etag::new("e")).concurrency(2).bytes().await;
        assert_eq!(named.expect_err("it changed").kind(), ErrorKind::PreconditionFailed);
    }

    #[tokio::test]
    async fn a_size_that_cannot_be_makes_no_more_requests_than_are_allowed() {
        let store = Arc::new(Scripted::new(u64::MAX, vec![range("0123")]));
        let object = Bucket::new(store.clone()).get("k").concurrency(usize::MAX).await.expect("found");
        let mut body = object.into_body();
        assert_eq!(body.next().await.expect("a chunk").expect("read"), "0123");
        body.next().await.expect("an end").expect_err("there is no more");
        assert!(store.asked.lock().unwrap().len() <= MOST + 1);
    }

    #[tokio::test]
    async fn what_nobody_reads_any_more_ends() {
        let (bucket, store) = scripted(vec![range("0123"), range("4567"), range("89")]);
        let mut body = bucket.get("k").concurrency(3).await.expect("found").into_body();
        assert_eq!(body.next().await.expect("a chunk").expect("read"), "0123");
        drop((body, bucket));
        while Arc::strong_count(&store) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
