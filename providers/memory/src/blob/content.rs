//! The bytes of an object: as they came, never joined into one copy.

use std::sync::Arc;

use bytes::Bytes;
use skyport_core::{Body, Error};

/// One piece, or the parts of an upload.
#[derive(Clone)]
pub(super) enum Content {
    Whole(Bytes),
    Parts(Arc<[Bytes]>),
}

impl Content {
    pub(super) fn of_parts(mut parts: Vec<Bytes>) -> Self {
        match parts.len() {
            0 => Self::Whole(Bytes::new()),
            1 => Self::Whole(parts.remove(0)),
            _ => Self::Parts(parts.into()),
        }
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Parts(parts) => parts.iter().map(|part| part.len() as u64).sum(),
        }
    }

    /// The bytes from `start` to before `end`, both within the content.
    pub(super) fn slice(&self, start: u64, end: u64) -> Body {
        match self {
            // Lengths in memory fit a usize.
            Self::Whole(bytes) if start == 0 && end == bytes.len() as u64 => Body::from(bytes.clone()),
            Self::Whole(bytes) => Body::from(bytes.slice(start as usize..end as usize)),
            Self::Parts(parts) => joined(cut(parts, start, end), end - start),
        }
    }
}

fn cut(parts: &[Bytes], start: u64, end: u64) -> Vec<Bytes> {
    let mut offset = 0;
    let mut slices = Vec::new();
    for part in parts {
        let (first, last) = (offset, offset + part.len() as u64);
        let (from, to) = (start.clamp(first, last), end.clamp(first, last));
        if from < to {
            slices.push(part.slice((from - first) as usize..(to - first) as usize));
        }
        offset = last;
    }
    slices
}

fn joined(mut slices: Vec<Bytes>, len: u64) -> Body {
    if slices.len() <= 1 {
        return slices.pop().map_or_else(Body::empty, Body::from);
    }
    let chunks = slices.into_iter().map(Ok::<Bytes, Error>);
    Body::from_stream(futures_util::stream::iter(chunks)).with_len(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_slice_of_parts_is_that_of_the_whole() {
        let whole = b"abcdefghij";
        let parts = [&b"abc"[..], b"", b"defg", b"hij"].map(Bytes::from_static);
        let content = Content::of_parts(parts.to_vec());
        assert_eq!(content.len(), 10);
        for start in 0..=10_u64 {
            for end in start..=10 {
                let body = content.slice(start, end);
                assert_eq!(body.known_len(), Some(end - start));
                let bytes = body.collect(10).await.expect("in memory");
                assert_eq!(bytes, whole[start as usize..end as usize]);
            }
        }
    }
}
