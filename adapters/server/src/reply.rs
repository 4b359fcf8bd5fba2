//! From a response to the wire.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use http_body::{Frame, SizeHint};
use skyport_core::{Body, Error};

use crate::gate::Place;
use crate::pulse::Busy;

/// What a request holds until the last piece of its response is handed to the connection: its connection, and its place among those at work.
pub(crate) type Held = (Busy, Option<Place>);

/// A response's body on its way to the client; the request ends with it.
#[derive(Debug)]
pub(crate) struct Download {
    body: Body,
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
    http::Response::from_parts(parts, Download { body, _held: held })
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Err(error))) = &polled {
            // The status is out already: the client can only be told by the connection's end.
            tracing::warn!(%error, "a response broke off: its body failed");
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
