//! The body of an answer on its way: it has an end, and does not stop in mid-way for ever.

use std::pin::Pin;
use std::task::{Context, Poll};

use azure_core::error::{Error, ErrorKind, Result};
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

use super::{SILENCE, unanswered};

/// What becomes of a body that is longer than it can be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    /// It is an error.
    #[cfg(any(feature = "blob", feature = "queue"))]
    Refuse(usize),
    /// The rest is not read.
    Cut(usize),
    /// It may have any length.
    None,
}

/// A body that ends with an error where no bytes come for long, and where it goes on for too long.
pub(super) struct Incoming<S> {
    /// None once it has ended.
    body: Option<S>,
    limit: Limit,
    /// Made where bytes have to be waited for: most bodies are there with their head.
    patience: Option<Pin<Box<Sleep>>>,
    waits: bool,
}

impl<S: Stream<Item = reqwest::Result<Bytes>> + Unpin> Incoming<S> {
    pub(super) fn new(body: S, limit: Limit) -> Self {
        Self { body: Some(body), limit, patience: None, waits: false }
    }

    /// The chunk, or what of it is within the limit; nothing where that is the end.
    fn limited(&mut self, mut chunk: Bytes) -> Result<Option<Bytes>> {
        match &mut self.limit {
            Limit::None => {}
            #[cfg(any(feature = "blob", feature = "queue"))]
            Limit::Refuse(left) => {
                *left = left.checked_sub(chunk.len()).ok_or_else(too_much)?;
            }
            Limit::Cut(0) => return Ok(None),
            Limit::Cut(left) => {
                chunk.truncate(*left);
                *left -= chunk.len();
            }
        }
        Ok(Some(chunk))
    }

    /// Nothing has come yet: whether it has been waited for long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(SILENCE)));
        if !self.waits {
            patience.as_mut().reset(Instant::now() + SILENCE);
            self.waits = true;
        }
        patience.as_mut().poll(cx).map(|()| {
            let text = format!("no byte of the answer came for {} seconds", SILENCE.as_secs());
            Error::with_message(ErrorKind::Io, text)
        })
    }
}

impl<S: Stream<Item = reqwest::Result<Bytes>> + Unpin> Stream for Incoming<S> {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let next = match Pin::new(body).poll_next(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                this.waits = false;
                this.limited(chunk).transpose()
            }
            Poll::Ready(Some(Err(error))) => Some(Err(unanswered(error))),
            Poll::Ready(None) => None,
            Poll::Pending => match this.poll_silence(cx) {
                Poll::Ready(error) => Some(Err(error)),
                Poll::Pending => return Poll::Pending,
            },
        };
        if !matches!(next, Some(Ok(_))) {
            this.body = None;
        }
        Poll::Ready(next)
    }
}

/// A body that is longer than it can be.
pub(super) fn too_much() -> Error {
    Error::with_message(ErrorKind::DataConversion, "Azure answered with more than such an answer can have")
}
