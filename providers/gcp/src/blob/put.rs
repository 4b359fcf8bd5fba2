//! Writing a whole object: one request of two parts, what describes it and its bytes.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderValue;
use http_body::{Frame, SizeHint};
use reqwest::Body;
use skyport_core::blob::port::{PutOptions, Written};
use skyport_core::{Error, Result, Token};

use super::describe::Described;
use super::meta::Resource;
use super::{Gcs, refused};

impl Gcs {
    pub(super) async fn put_object(&self, key: &str, body: Bytes, options: &PutOptions) -> Result<Written> {
        let condition = refused::if_generation_match(&options.condition)?;
        let described = Described::new(key, &options.properties, options.token);
        // Nobody who sends bytes to be stored can know it.
        let boundary = Token::new();
        let related = HeaderValue::try_from(format!("multipart/related; boundary=skyport-{boundary}"));
        let related = related.map_err(|error| Error::internal("a token is no header").with_source(error))?;
        // What stands before the bytes and behind them is one piece of memory.
        let mut around = Vec::with_capacity(512);
        let json = "content-type: application/json; charset=UTF-8";
        written(write!(around, "--skyport-{boundary}\r\n{json}\r\n\r\n"))?;
        described.write_to(&mut around)?;
        let content_type = described.content_type;
        written(write!(around, "\r\n--skyport-{boundary}\r\ncontent-type: {content_type}\r\n\r\n"))?;
        let before = around.len();
        written(write!(around, "\r\n--skyport-{boundary}--\r\n"))?;
        let mut before_and_after = Bytes::from(around);
        let after = before_and_after.split_off(before);
        let chunks = Chunks { chunks: [before_and_after, body, after], next: 0 };
        let call = self.uploads("multipart").maybe("ifGenerationMatch", condition.as_deref());
        let written = call.query("fields", "generation").body(related, Body::wrap(chunks));
        let written: Resource =
            written.read().await.map_err(|refused| refused::writing(refused, &options.condition))?;
        Ok(Written::new(written.etag().map_err(|error| error.with_ambiguous(true))?))
    }
}

/// Into memory this cannot fail.
fn written(written: std::io::Result<()>) -> Result<()> {
    written.map_err(|error| Error::internal("nothing more could be written into memory").with_source(error))
}

/// A body of three pieces, none of which is copied for it; its length is told before it is sent.
struct Chunks {
    chunks: [Bytes; 3],
    /// Which goes next.
    next: usize,
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { chunks, next } = &mut *self;
        let chunk = chunks.iter_mut().skip(*next).find(|chunk| {
            *next += 1;
            !chunk.is_empty()
        });
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(std::mem::take(chunk)))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.chunks.iter().map(|chunk| chunk.len() as u64).sum())
    }
}
