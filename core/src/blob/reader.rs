//! A body through `AsyncRead`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_core::Stream;
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use crate::body::Body;

/// Reads a [`Body`] through `AsyncRead` and `AsyncBufRead`. Errors of the port are found in the `std::io::Error` by
/// [`Error::find`](crate::Error::find).
#[derive(Debug)]
pub struct BodyReader {
    body: Body,
    chunk: Bytes,
}

impl BodyReader {
    /// Reads this body.
    #[must_use]
    pub fn new(body: Body) -> Self {
        Self { body, chunk: Bytes::new() }
    }
}

impl AsyncBufRead for BodyReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.chunk.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_next(cx)) {
                Some(chunk) => this.chunk = chunk?,
                None => break,
            }
        }
        Poll::Ready(Ok(&this.chunk))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        let amount = amount.min(self.chunk.len());
        self.chunk.advance(amount);
    }
}

impl AsyncRead for BodyReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let chunk = ready!(self.as_mut().poll_fill_buf(cx))?;
        let amount = chunk.len().min(buf.remaining());
        buf.put_slice(&chunk[..amount]);
        self.consume(amount);
        Poll::Ready(Ok(()))
    }
}
