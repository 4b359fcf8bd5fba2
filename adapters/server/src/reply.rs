//! From a response to the wire.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use http_body::{Frame, SizeHint};
use skyport_core::{Body, Error};

use crate::gate::Place;
use crate::pulse::Busy;
use crate::stall;

/// What a request holds until the last piece of its response is handed to the connection: its connection, and its place among those at work.
pub(crate) type Held = (Busy, Option<Place>);

/// A response's body on its way to the client; the request ends with it.
#[derive(Debug)]
pub(crate) struct Download {
    body: Body,
    /// What has come from the body and has not gone to the connection yet.
    rest: Bytes,
    _held: Held,
}

/// The response as it goes out: a HEAD tells the length and sends nothing.
pub(crate) fn wire(response: http::Response<Body>, method: &Method, held: Held) -> http::Response<Download> {
    let (mut parts, mut body) = response.into_parts();
    if method == Method::HEAD {
        let bodiless = matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if let Some(length) = body.known_len().filter(|_| !bodiless) {
            parts.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
        }
        body = Body::empty();
    }
    http::Response::from_parts(parts, Download { body, rest: Bytes::new(), _held: held })
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        stall::asked();
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(stall::piece(&mut self.rest)))));
        }
        Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => Some(Ok(match frame.into_data() {
                Ok(bytes) => {
                    self.rest = bytes;
                    Frame::data(stall::piece(&mut self.rest))
                }
                Err(frame) => frame,
            })),
            Some(Err(error)) => {
                // The status is out already: the client can only be told by the connection's end.
                tracing::warn!(%error, "a response broke off: its body failed");
                Some(Err(error))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper().and_then(|upper| upper.checked_add(rest)) {
            hint.set_upper(upper);
        }
        hint
    }
}
