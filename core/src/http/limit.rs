//! A body that ends with an error once it grows over a limit, or once its sender breaks off.

use futures_util::StreamExt;

use super::request::{OPERATION, wrong};
use crate::body::Body;
use crate::{Error, ErrorKind, Result};

/// The body, held to `limit` bytes.
///
/// # Errors
/// `TooLarge` at once where the length is known to be over it.
pub(crate) fn limited(body: Body, limit: u64) -> Result<Body> {
    let length = body.known_len();
    if length.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let body = match body.try_into_bytes() {
        Ok(bytes) => return Ok(Body::from(bytes)),
        Err(stream) => stream,
    };
    let mut seen = 0_u64;
    let checked = body.map(move |chunk| match chunk {
        Ok(chunk) => {
            seen = seen.saturating_add(chunk.len() as u64);
            if seen > limit { Err(too_large(limit)) } else { Ok(chunk) }
        }
        Err(error) if error.operation().is_some() => Err(error),
        Err(error) => Err(wrong("the request's body broke off").with_source(error)),
    });
    let body = Body::from_stream(checked);
    Ok(match length {
        Some(length) => body.with_len(length),
        None => body,
    })
}

fn too_large(limit: u64) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the body is over this route's limit of {limit} bytes"))
        .with_operation(OPERATION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures_util::stream;

    #[tokio::test]
    async fn a_stream_is_cut_off_at_the_limit() {
        let chunks =
            || stream::iter([Ok::<_, Error>(Bytes::from_static(b"abc")), Ok(Bytes::from_static(b"def"))]);
        let exact = limited(Body::from_stream(chunks()), 6).expect("unknown length");
        assert_eq!(exact.collect(100).await.expect("fits"), "abcdef");
        let over = limited(Body::from_stream(chunks()), 5).expect("unknown length");
        assert_eq!(over.collect(100).await.expect_err("over").kind(), ErrorKind::TooLarge);
        assert_eq!(limited(Body::from("abcdef"), 5).expect_err("known length").kind(), ErrorKind::TooLarge);
    }

    #[tokio::test]
    async fn a_client_that_breaks_off_is_the_requests_fault() {
        let broken = stream::iter([Ok(Bytes::from_static(b"abc")), Err(std::io::Error::other("reset"))]);
        let error = limited(Body::from_stream(broken), 100)
            .expect("unknown length")
            .collect(100)
            .await
            .expect_err("broken");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidArgument, Some(OPERATION)));
    }
}
