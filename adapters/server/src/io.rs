//! A connection's bytes: which version of HTTP begins them, and a limit on how long the client may leave ours unread.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::patience::Patience;
use crate::pulse::Pulse;

/// What every HTTP/2 connection begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    #[cfg(feature = "http2")]
    Http2,
}

/// What a connection that begins with the preface is served as. Where there is no HTTP/2, it is refused as HTTP/1.1 refuses a version.
#[cfg(feature = "http2")]
const PREFACED: Version = Version::Http2;
#[cfg(not(feature = "http2"))]
const PREFACED: Version = Version::Http1;

/// Reads as much as tells the version; `None` where the client went away before it said anything.
pub(crate) async fn sniff(tcp: &mut TcpStream) -> io::Result<Option<(Version, Bytes)>> {
    let mut buffer = [0; PREFACE.len()];
    let mut filled = 0;
    loop {
        let read = tcp.read(&mut buffer[filled..]).await?;
        filled += read;
        let seen = &buffer[..filled];
        if filled == 0 {
            return Ok(None);
        }
        if read == 0 || !PREFACE.starts_with(seen) {
            return Ok(Some((Version::Http1, Bytes::copy_from_slice(seen))));
        }
        if filled == PREFACE.len() {
            return Ok(Some((PREFACED, Bytes::copy_from_slice(seen))));
        }
    }
}

/// A connection that tells its [`Pulse`] what comes in, and fails where what goes out is not taken for too long.
#[derive(Debug)]
pub(crate) struct Stream {
    begun: Bytes,
    tcp: TcpStream,
    pulse: Arc<Pulse>,
    patience: Patience,
}

impl Stream {
    /// `begun` is what has been read already.
    pub(crate) fn new(begun: Bytes, tcp: TcpStream, pulse: Arc<Pulse>, limit: Duration) -> Self {
        Self { begun, tcp, pulse, patience: Patience::new(limit) }
    }

    /// Passes the result of a write on; one that waits for too long fails.
    fn watch<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            if self.patience.is_tried() {
                self.patience.relax();
                self.pulse.blocked(false);
            }
            return polled;
        }
        if !self.patience.is_tried() {
            self.pulse.blocked(true);
        }
        ready!(self.patience.poll_out(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its response")))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.begun.is_empty() {
            let length = self.begun.len().min(buf.remaining());
            buf.put_slice(&self.begun[..length]);
            self.begun.advance(length);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.tcp).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.received();
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.tcp).poll_write(cx, buf);
        self.watch(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs);
        self.watch(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
