//! A request's body: a limit on how long the client may take for the next piece, and what becomes of the rest when the
//! handler does not read it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use skyport_core::BoxError;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::patience::Patience;

/// How much of an unread body is read and thrown away, and for how long. A connection that is closed in the midst of an
/// upload loses the response on its way to the client.
const DRAIN: (u64, Duration) = (64 << 20, Duration::from_secs(5));

/// The same of a request that is refused because there is too much at once.
const REFUSED: u64 = 4 << 20;

/// A request's body on its way to the handler.
#[derive(Debug)]
pub(crate) struct Upload {
    incoming: Option<Incoming>,
    patience: Patience,
    /// Whether the rest is to be read when the handler does not.
    drains: bool,
    /// How many bytes of it at most.
    most: u64,
}

impl Upload {
    /// `limit` is the longest time for the next piece. Where the client `awaits` to be asked for the body, an unread one
    /// never comes; over HTTP/2 it can be refused by itself (`one_of_many`).
    pub(crate) fn new(incoming: Incoming, limit: Duration, awaits: bool, one_of_many: bool) -> Self {
        Self {
            incoming: Some(incoming),
            patience: Patience::new(limit),
            drains: !awaits && !one_of_many,
            most: DRAIN.0,
        }
    }

    /// Nobody is going to read it.
    pub(crate) fn refuse(mut self) {
        self.most = REFUSED;
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                this.patience.relax();
                if !matches!(frame, Some(Ok(_))) {
                    this.incoming = None;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                ready!(this.patience.poll_out(cx));
                this.incoming = None;
                let late =
                    io::Error::new(io::ErrorKind::TimedOut, "the client takes too long to send its body");
                Poll::Ready(Some(Err(late.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let unread = self.incoming.take().filter(|incoming| self.drains && !incoming.is_end_stream());
        if let (Some(incoming), Ok(runtime)) = (unread, Handle::try_current()) {
            runtime.spawn(drain(incoming, self.most));
        }
    }
}

/// Reads and forgets; ends with its connection, too.
async fn drain(mut incoming: Incoming, mut left: u64) {
    let reading = async {
        while let Some(Ok(frame)) = incoming.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
            if left == 0 {
                return;
            }
        }
    };
    if timeout(DRAIN.1, reading).await.is_err() {
        tracing::debug!("a client was still sending a body that nobody reads");
    }
}
