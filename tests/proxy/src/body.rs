//! Bodies as they are passed on: whole, or half.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;

/// Any body.
pub(crate) type Passed = UnsyncBoxBody<Bytes, Ended>;

/// A body as it comes.
pub(crate) fn whole(body: Incoming) -> Passed {
    body.map_err(Ended::from).boxed_unsync()
}

/// A body that is there.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Passed {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// None: of HTTP/2 the headers then end the stream.
pub(crate) fn empty() -> Passed {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// The first half of a body, and then an error.
pub(crate) fn half(body: Incoming) -> Passed {
    let left = body.size_hint().exact().map(|length| length / 2);
    Half { inner: body, left, ended: false }.boxed_unsync()
}

/// Reads a body to its end, and keeps nothing of it.
pub(crate) async fn read(mut body: Incoming) -> Result<(), Ended> {
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}

/// Why a connection ends, or of HTTP/2 a stream.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The plan wants it.
    Broken,
    /// The other side, or what it said.
    Http(hyper::Error),
    /// The way.
    Io(io::Error),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => f.write_str("the plan breaks this connection"),
            Self::Http(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Ended {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Broken => None,
            Self::Http(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<hyper::Error> for Ended {
    fn from(error: hyper::Error) -> Self {
        Self::Http(error)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

struct Half {
    inner: Incoming,
    /// So many bytes are still to come; where nobody knows the length, half of what comes first.
    left: Option<u64>,
    ended: bool,
}

impl Body for Half {
    type Data = Bytes;
    type Error = Ended;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Ended>>> {
        if self.left == Some(0) {
            if self.ended {
                return Poll::Ready(Some(Err(Ended::Broken)));
            }
            // Once in vain, so that what came before is sent.
            self.ended = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => {
                    let length = data.len() as u64;
                    let left = self.left.unwrap_or(length / 2);
                    let taken = left.min(length);
                    self.left = Some(left - taken);
                    let taken = usize::try_from(taken).unwrap_or(data.len());
                    Poll::Ready(Some(Ok(Frame::data(data.slice(..taken)))))
                }
                Err(_) => Poll::Ready(Some(Err(Ended::Broken))),
            },
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(Some(Err(Ended::Broken))),
        }
    }
}
