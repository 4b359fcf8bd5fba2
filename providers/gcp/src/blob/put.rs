//! Writing a whole object: one request of two parts, what describes it and its bytes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderValue;
use http_body::{Frame, SizeHint};
use reqwest::Body;
use skyport_core::blob::port::{PutOptions, Written};
use skyport_core::{Error, Result, Token};

use super::meta::{self, Resource};
use super::{Gcs, refused};

impl Gcs {
    pub(super) async fn put_object(&self, key: &str, body: Bytes, options: &PutOptions) -> Result<Written> {
        let condition = refused::if_generation_match(&options.condition)?;
        let mut described = meta::describe(&options.properties, options.token);
        described["name"] = key.into();
        // Nobody who sends bytes to be stored can know it.
        let boundary = format!("skyport-{}", Token::new());
        let content_type = described["contentType"].as_str().unwrap_or(skyport_core::blob::stored::NO_TYPE);
        let head = format!(
            "--{boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{described}\r\n\
             --{boundary}\r\ncontent-type: {content_type}\r\n\r\n"
        );
        let chunks = [Bytes::from(head), body, Bytes::from(format!("\r\n--{boundary}--\r\n"))];
        let related = HeaderValue::try_from(format!("multipart/related; boundary={boundary}"));
        let related = related.map_err(|error| Error::internal("a token is no header").with_source(error))?;
        let call = self.uploads("multipart").maybe("ifGenerationMatch", condition.as_deref());
        let written = call.query("fields", "generation").body(related, Body::wrap(Chunks::of(chunks)));
        let written: Resource =
            written.read().await.map_err(|refused| refused::writing(refused, &options.condition))?;
        Ok(Written::new(written.etag().map_err(|error| error.with_ambiguous(true))?))
    }
}

/// A body of several pieces, none of which is copied for it; its length is told before it is sent.
struct Chunks(VecDeque<Bytes>);

impl Chunks {
    fn of<const N: usize>(chunks: [Bytes; N]) -> Self {
        Self(chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect())
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|chunk| chunk.len() as u64).sum())
    }
}
