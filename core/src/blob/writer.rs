//! Writing an object through `AsyncWrite`.

use std::fmt;
use std::future::{IntoFuture, Ready, poll_fn, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready as poll_ready};

use bytes::BytesMut;
use futures_util::future::BoxFuture;
use tokio::io::AsyncWrite;
use tracing::Instrument as _;

use super::bucket::{Bucket, operation_span};
use super::key;
use super::options::{condition_methods, property_methods};
use super::port::{PutOptions, Upload, Written};
use super::put::check_size;
use super::upload::Uploading;
use crate::{Error, ErrorKind, Result};

const OPERATION: &str = "blob.writer";

/// How a [`Writer`] is to write; awaiting it opens the writer, with no I/O yet. Made by [`Bucket::writer`].
///
/// # Errors
/// When awaited: `InvalidArgument` and `TooLarge` for a key or properties that cannot be written.
#[must_use = "nothing is opened until this is awaited"]
#[derive(Debug)]
pub struct OpenWriter<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    options: PutOptions,
}

impl<'a> OpenWriter<'a> {
    pub(super) fn new(bucket: &'a Bucket, key: &'a str) -> Self {
        let options = PutOptions::default();
        Self { bucket, key, options }
    }

    condition_methods!(options.condition);
    property_methods!();

    fn open(self) -> Result<Writer> {
        let limits = self.bucket.limits();
        key::check_written(self.key, limits)?;
        key::check_properties(&self.options.properties, limits)?;
        Ok(Writer {
            bucket: self.bucket.clone(),
            key: self.key.to_owned(),
            options: self.options,
            filling: BytesMut::new(),
            state: State::Small,
            written: 0,
        })
    }
}

impl IntoFuture for OpenWriter<'_> {
    type Output = Result<Writer>;
    type IntoFuture = Ready<Result<Writer>>;

    fn into_future(self) -> Self::IntoFuture {
        let (bucket, key) = (self.bucket, self.key);
        ready(bucket.named(OPERATION, key, self.open()))
    }
}

/// Writes one object. **Only [`finish`](Self::finish) makes it visible.**
///
/// `flush` and `shutdown` do not: code that shuts its output down after an error would else publish half an object.
/// Dropped or failed, the writer leaves the old content as it was, and what was uploaded is removed in the background.
///
/// Bytes go out in parts of `limits().part_bytes`, several at once; at most `limits().part_concurrency` parts are in
/// memory. Where an object of many parts is larger than those could hold, parts grow with it
/// ([`BlobLimits::part_size`](super::BlobLimits::part_size)), fewer go at once, and the last of them is alone. Parts move only while the writer is being written to or finished.
///
/// ```no_run
/// # use skyport_core::blob::Bucket;
/// # async fn f(bucket: Bucket, mut source: impl tokio::io::AsyncRead + Unpin) -> Result<(), Box<dyn std::error::Error>> {
/// let mut writer = bucket.writer("backup.tar").if_absent().await?;
/// tokio::io::copy(&mut source, &mut writer).await?;   // an error here drops the writer: nothing is visible
/// writer.finish().await?;
/// # Ok(()) }
/// ```
#[must_use = "a writer that is dropped without `finish()` writes nothing"]
pub struct Writer {
    bucket: Bucket,
    key: String,
    options: PutOptions,
    filling: BytesMut,
    state: State,
    written: u64,
}

enum State {
    /// All bytes so far fit in one part.
    Small,
    Starting(BoxFuture<'static, Result<Box<dyn Upload>>>),
    Uploading(Uploading),
    Failed,
}

impl Writer {
    /// Writes what is left and makes the object visible.
    ///
    /// # Errors
    /// As [`Put`](super::Put); after an error that the writer gave before, `PreconditionFailed`. Nothing is visible then,
    /// but for `Indeterminate`, where that cannot be known.
    pub async fn finish(mut self) -> Result<Written> {
        let span = operation_span!("blob.writer", self.bucket, self.key.as_str());
        let result = self.run_finish().instrument(span).await;
        self.bucket.named(OPERATION, &self.key, result)
    }

    /// Gives up now and removes what was uploaded; dropping the writer does the same in the background.
    ///
    /// # Errors
    /// What the service says; the bucket's clean-up rule then removes the rest.
    pub async fn abort(mut self) -> Result<()> {
        let result = match std::mem::replace(&mut self.state, State::Failed) {
            State::Uploading(uploading) => uploading.abort().await,
            State::Small | State::Starting(_) | State::Failed => Ok(()),
        };
        self.bucket.named(OPERATION, &self.key, result)
    }

    /// How many bytes were written to it so far.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.written
    }

    async fn run_finish(&mut self) -> Result<Written> {
        if matches!(self.state, State::Starting(_)) {
            poll_fn(|cx| self.poll_uploading(cx)).await?;
        }
        let last = std::mem::take(&mut self.filling).freeze();
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Small => {
                let options = std::mem::take(&mut self.options);
                self.bucket.port().put(&self.key, last, options).await
            }
            State::Uploading(mut uploading) => {
                let pushed = if last.is_empty() { Ok(()) } else { uploading.push(last) };
                match pushed {
                    Ok(()) => uploading.complete().await,
                    Err(error) => {
                        uploading.give_up().await;
                        Err(error)
                    }
                }
            }
            State::Starting(_) | State::Failed => Err(has_failed()),
        }
    }

    /// Starts the upload where that has not happened, and waits until it has.
    fn poll_uploading(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if let State::Small = self.state {
            let (store, key) = (self.bucket.port().clone(), self.key.clone());
            let options = self.options.clone();
            self.state = State::Starting(Box::pin(async move { store.start_upload(&key, options).await }));
        }
        if let State::Starting(starting) = &mut self.state {
            let upload = poll_ready!(starting.as_mut().poll(cx))?;
            self.state = State::Uploading(Uploading::new(upload, self.bucket.limits()));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let limits = *self.bucket.limits();
        match &mut self.state {
            State::Failed => return Poll::Ready(Err(has_failed())),
            State::Uploading(uploading) => uploading.poll_progress(cx)?,
            State::Small | State::Starting(_) => {}
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.filling.len() >= self.part_size() {
            poll_ready!(self.poll_uploading(cx))?;
            let part = std::mem::take(&mut self.filling).freeze();
            if let State::Uploading(uploading) = &mut self.state {
                uploading.push(part)?;
            }
        }
        if let State::Uploading(uploading) = &mut self.state {
            poll_ready!(uploading.poll_room(cx))?;
        }
        let taken = bytes.len().min(self.part_size() - self.filling.len());
        check_size(self.written + taken as u64, &limits)?;
        self.filling.extend_from_slice(&bytes[..taken]);
        self.written += taken as u64;
        Poll::Ready(Ok(taken))
    }

    /// The size of the part that is being filled.
    fn part_size(&self) -> usize {
        match &self.state {
            State::Uploading(uploading) => uploading.next_size(),
            State::Small | State::Starting(_) | State::Failed => self.bucket.limits().part_size(0),
        }
    }

    fn fail(&mut self, error: Error) -> io::Error {
        // Drops the upload, which aborts it in the background.
        self.state = State::Failed;
        self.filling = BytesMut::new();
        match self.bucket.named::<()>(OPERATION, &self.key, Err(error)) {
            Err(named) => named.into(),
            Ok(()) => io::ErrorKind::Other.into(),
        }
    }
}

fn has_failed() -> Error {
    Error::new(
        ErrorKind::PreconditionFailed,
        "this writer has failed before and was aborted; open another and start again",
    )
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_accept(cx, bytes).map_err(|error| this.fail(error))
    }

    /// Moves nothing: what is less than a part waits for more, or for [`Writer::finish`].
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let progress = match &mut this.state {
            State::Uploading(uploading) => uploading.poll_progress(cx),
            State::Small | State::Starting(_) => Ok(()),
            State::Failed => Err(has_failed()),
        };
        Poll::Ready(progress.map_err(|error| this.fail(error)))
    }

    /// As flush; the object is not visible before [`Writer::finish`].
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("bucket", &self.bucket)
            .field("key", &self.key)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}
