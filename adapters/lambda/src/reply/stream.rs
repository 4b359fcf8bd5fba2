//! A response as a stream: a prelude of JSON, eight NULs, and the body as it comes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use skyport_core::{Body, Error};
use tokio::time::{Instant, Sleep, sleep_until};

/// Tells in a trailer that the body broke off; its type and text.
pub(crate) const TRAILERS: [HeaderName; 2] = [
    HeaderName::from_static("lambda-runtime-function-error-type"),
    HeaderName::from_static("lambda-runtime-function-error-body"),
];

/// What separates the prelude from the body.
const SEPARATOR: [u8; 8] = [0; 8];

/// The stream as it is posted. Where the body fails, or is not done when its time is over, the trailers say so: the response is
/// out, and only its end can tell that it is not whole.
#[derive(Debug)]
pub(crate) struct Stream {
    prelude: Option<Bytes>,
    body: Option<Body>,
    over: Pin<Box<Sleep>>,
}

impl Stream {
    pub(crate) fn new(mut prelude: Vec<u8>, body: Body, deadline: Instant) -> Self {
        prelude.extend(SEPARATOR);
        let over = Box::pin(sleep_until(deadline));
        Self { prelude: Some(prelude.into()), body: Some(body), over }
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(prelude) = self.prelude.take() {
            return Poll::Ready(Some(Ok(Frame::data(prelude))));
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let Poll::Ready(polled) = Pin::new(body).poll_frame(cx) else {
            std::task::ready!(self.over.as_mut().poll(cx));
            self.body = None;
            tracing::warn!("a response broke off: its body was not done when the deadline came");
            return Poll::Ready(Some(Ok(Frame::trailers(trailers()))));
        };
        if !matches!(polled, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(match polled {
            Some(Err(error)) => {
                tracing::warn!(%error, "a response broke off: its body failed");
                Some(Ok(Frame::trailers(trailers())))
            }
            polled => polled,
        })
    }
}

/// What it failed with is for the log.
fn trailers() -> HeaderMap {
    let error = r#"{"errorType":"Skyport.ResponseFailed","errorMessage":"the response's body failed"}"#;
    let values = ["Skyport.ResponseFailed".to_owned(), STANDARD.encode(error)];
    let values = values.into_iter().filter_map(|value| HeaderValue::try_from(value).ok());
    TRAILERS.into_iter().zip(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use http_body_util::BodyExt;
    use skyport_core::ErrorKind;

    fn later() -> Instant {
        Instant::now() + std::time::Duration::from_secs(60)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_not_done_in_time_is_told_in_a_trailer() {
        let endless = futures_util::stream::iter([Ok::<_, Error>(Bytes::from_static(b"half"))])
            .chain(futures_util::stream::pending());
        let stream = Stream::new(b"{}".to_vec(), Body::from_stream(endless), later());
        let collected = stream.collect().await.expect("ends");
        assert_eq!(collected.trailers().expect("trailers")[&TRAILERS[0]], "Skyport.ResponseFailed");
        assert_eq!(&collected.to_bytes()[..], b"{}\0\0\0\0\0\0\0\0half");
    }

    #[tokio::test]
    async fn a_stream_is_its_prelude_eight_nuls_and_its_body() {
        let stream = Stream::new(b"{}".to_vec(), Body::from("body"), later());
        let collected = stream.collect().await.expect("whole");
        assert!(collected.trailers().is_none());
        assert_eq!(&collected.to_bytes()[..], b"{}\0\0\0\0\0\0\0\0body");
    }

    #[tokio::test]
    async fn a_body_that_fails_is_told_in_a_trailer_and_leaks_nothing() {
        let chunks = [Ok(Bytes::from_static(b"half")), Err(Error::new(ErrorKind::Unavailable, "secret"))];
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let stream = Stream::new(b"{}".to_vec(), body, later());
        let collected = stream.collect().await.expect("ends");
        let trailers = collected.trailers().expect("trailers").clone();
        assert_eq!(trailers[&TRAILERS[0]], "Skyport.ResponseFailed");
        let told = STANDARD.decode(trailers[&TRAILERS[1]].as_bytes()).expect("base64");
        assert!(!String::from_utf8_lossy(&told).contains("secret"));
        assert_eq!(&collected.to_bytes()[..], b"{}\0\0\0\0\0\0\0\0half");
    }
}
