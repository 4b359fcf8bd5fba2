//! A download that goes on where it broke, bound to the content it began with.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::bucket::Bucket;
use super::get::OPERATION;
use super::port::{ByteRange, Etag, GetOptions, GetResult};
use crate::body::Body;
use crate::retry::RetryPolicy;
use crate::{Error, ErrorKind, Result};

/// So many attempts in a row may fail before the download does; any byte that arrives starts the count again.
const ATTEMPTS: u32 = 5;

/// What is being read.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) bucket: &'a Bucket,
    pub(super) key: &'a str,
    pub(super) etag: &'a Etag,
    /// The user named the content: that it changed is then `PreconditionFailed`.
    pub(super) conditional: bool,
}

impl Target<'_> {
    pub(super) fn to_content(self) -> Content {
        Content {
            bucket: self.bucket.clone(),
            key: self.key.to_owned(),
            etag: self.etag.clone(),
            conditional: self.conditional,
        }
    }
}

/// As [`Target`], of its own.
#[derive(Clone, Debug)]
pub(super) struct Content {
    bucket: Bucket,
    key: String,
    etag: Etag,
    conditional: bool,
}

/// The body of bytes `range`, which resumes by itself and ends only after all of them. What is in memory already stays
/// there, with no stream around it.
pub(super) fn guard(target: Target<'_>, range: (u64, u64), body: Body) -> Result<Body> {
    let Some(length) = range.1.checked_sub(range.0) else {
        return Err(Error::internal("the provider gave a range that ends before it starts"));
    };
    let body = match body.try_into_bytes() {
        Ok(bytes) if bytes.len() as u64 == length => return Ok(Body::from(bytes)),
        Ok(short) => Body::from(short),
        Err(stream) => stream,
    };
    let download = Download {
        content: target.to_content(),
        next: range.0,
        end: range.1,
        body,
        failures: 0,
        policy: policy(),
    };
    let chunks = stream::try_unfold(download, |mut download| async move {
        let chunk = download.next().await?;
        Ok::<_, Error>(chunk.map(|chunk| (chunk, download)))
    });
    Ok(Body::from_stream(chunks).with_len(length))
}

fn policy() -> RetryPolicy {
    RetryPolicy { attempts: ATTEMPTS, base: Duration::from_millis(100), ..RetryPolicy::default() }
}

impl Content {
    /// With an error comes what it was about.
    pub(super) fn named<T>(&self, result: Result<T>) -> Result<T> {
        self.bucket.named(OPERATION, &self.key, result)
    }
}

/// Some bytes of a content, on their way.
pub(super) struct Download {
    content: Content,
    next: u64,
    end: u64,
    body: Body,
    failures: u32,
    policy: RetryPolicy,
}

impl Download {
    /// Asks for these bytes of a content that is known.
    pub(super) async fn open(content: Content, range: (u64, u64)) -> Result<Self> {
        let mut download =
            Self { content, next: range.0, end: range.1, body: Body::empty(), failures: 0, policy: policy() };
        let opened = download.begin().await;
        download.content.named(opened)?;
        Ok(download)
    }

    async fn begin(&mut self) -> Result<()> {
        match self.ask().await? {
            Ok(()) => Ok(()),
            Err(error) => self.resume(error).await,
        }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        let result = self.read().await;
        self.content.named(result)
    }

    async fn read(&mut self) -> Result<Option<Bytes>> {
        while self.next < self.end {
            match self.body.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) if chunk.len() as u64 > self.end - self.next => {
                    return Err(Error::internal("the provider sent more bytes than it promised"));
                }
                Some(Ok(chunk)) => {
                    self.next += chunk.len() as u64;
                    self.failures = 0;
                    return Ok(Some(chunk));
                }
                Some(Err(error)) => self.resume(error).await?,
                None => self.resume(self.cut_short()).await?,
            }
        }
        Ok(None)
    }

    /// Opens the rest of the same content, or gives up with what went wrong last.
    async fn resume(&mut self, mut error: Error) -> Result<()> {
        loop {
            self.failures += 1;
            if !error.is_retryable() || self.failures >= self.policy.attempts {
                return Err(error);
            }
            let delay = self.policy.delay(self.failures + 1, &error);
            // Whoever reads this would wait for what a service may say as it likes.
            if delay > self.policy.total_timeout {
                return Err(error);
            }
            tokio::time::sleep(delay).await;
            match self.ask().await? {
                Ok(()) => return Ok(()),
                Err(again) => error = again,
            }
        }
    }

    /// Asks for the rest, once. The inner error is one after which it may be asked for again.
    async fn ask(&mut self) -> Result<Result<()>> {
        let Content { bucket, key, etag, .. } = &self.content;
        let mut options =
            GetOptions { range: ByteRange::From(self.next, Some(self.end)), ..GetOptions::default() };
        options.if_match = Some(etag.clone());
        match bucket.port().get(key, options).await {
            Ok(GetResult::Found { meta, range, body })
                if meta.etag == *etag && range == (self.next, self.end) =>
            {
                self.body = body;
                Ok(Ok(()))
            }
            Ok(_) => Err(self.changed()),
            // These bytes are of the content: where the range cannot be, it is another, and the service looked at the range first.
            Err(gone)
                if matches!(
                    gone.kind(),
                    ErrorKind::PreconditionFailed | ErrorKind::NotFound | ErrorKind::InvalidArgument
                ) =>
            {
                Err(self.changed().with_source(gone))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    fn cut_short(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!("the download ended {} bytes too early", self.end - self.next),
        )
    }

    fn changed(&self) -> Error {
        let kind = if self.content.conditional { ErrorKind::PreconditionFailed } else { ErrorKind::Conflict };
        Error::new(
            kind,
            format!(
                "the object changed meanwhile, after byte {} of the download; read it again from the start",
                self.next
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{Download, Scripted};
    use super::*;

    fn broken() -> Error {
        Error::new(ErrorKind::Unavailable, "the connection is gone")
    }

    fn gone(kind: ErrorKind) -> Download {
        Err(Error::new(kind, "no longer"))
    }

    fn scripted(downloads: Vec<Download>) -> (Bucket, Arc<Scripted>) {
        let store = Arc::new(Scripted::new(10, downloads));
        (Bucket::new(store.clone()), store)
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_download_goes_on_where_it_broke_bound_to_its_etag() {
        let (bucket, store) = scripted(vec![
            Ok(("e", vec![Ok("0123"), Err(broken())])),
            gone(ErrorKind::Unavailable),
            // Too short counts as broken.
            Ok(("e", vec![Ok("45")])),
            Ok(("e", vec![Ok("6789")])),
        ]);
        assert_eq!(bucket.get("k").text().await.expect("the whole"), "0123456789");
        let bound = Some(Etag::new("e"));
        let asked = store.asked.lock().unwrap().clone();
        assert_eq!(
            asked,
            [
                (ByteRange::All, None),
                (ByteRange::From(4, Some(10)), bound.clone()),
                (ByteRange::From(4, Some(10)), bound.clone()),
                (ByteRange::From(6, Some(10)), bound),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_of_another_content_are_never_mixed_in() {
        for second in [
            gone(ErrorKind::PreconditionFailed),
            gone(ErrorKind::NotFound),
            gone(ErrorKind::InvalidArgument),
            Ok(("other", vec![Ok("456789")])),
        ] {
            let (bucket, _) = scripted(vec![Ok(("e", vec![Ok("0123"), Err(broken())])), second]);
            let error = bucket.get("k").bytes().await.expect_err("it changed");
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert!(error.message().contains("changed meanwhile") && error.operation() == Some("blob.get"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_download_without_progress_gives_up() {
        let first: Download = Ok(("e", vec![Ok("0"), Err(broken())]));
        let rest = (0..20).map(|_| -> Download { Ok(("e", vec![Err(broken())])) });
        let (bucket, store) = scripted(std::iter::once(first).chain(rest).collect());
        let error = bucket.get("k").bytes().await.expect_err("no progress");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(store.asked.lock().unwrap().len(), ATTEMPTS as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_asks_for_more_patience_than_a_call_has_ends_the_download() {
        for (asked, downloads) in [(3_600, 1), (9, 2)] {
            let slow = Error::new(ErrorKind::Throttled, "slower");
            let broken: Download =
                Ok(("e", vec![Ok("0"), Err(slow.with_retry_after(Duration::from_secs(asked)))]));
            let rest: Download = Ok(("e", vec![Ok("123456789")]));
            let (bucket, store) = scripted(vec![broken, rest]);
            let began = tokio::time::Instant::now();
            let ended = bucket.get("k").bytes().await.map_err(|error| error.kind());
            assert_eq!(ended.is_ok(), downloads == 2, "{ended:?}");
            assert_eq!(store.asked.lock().unwrap().len(), downloads);
            assert!(began.elapsed() <= Duration::from_secs(10));
        }
    }

    #[tokio::test]
    async fn an_error_that_no_repetition_mends_ends_the_download() {
        let denied = Error::new(ErrorKind::PermissionDenied, "no longer allowed");
        let (bucket, store) = scripted(vec![Ok(("e", vec![Ok("0"), Err(denied)]))]);
        let error = bucket.get("k").bytes().await.expect_err("denied");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(store.asked.lock().unwrap().len(), 1);
    }
}
