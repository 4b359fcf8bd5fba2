//! What is sent: letters, in chunks of their own, as they come of a file or a socket; the same for all.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use azure_core::stream::SeekableStream;
use bytes::Bytes;
use futures_util::io::AsyncRead;
use futures_util::{Stream, stream};

/// As what is read from a file or a socket.
const CHUNK: usize = 64 << 10;

static LETTERS: [u8; CHUNK] = [b'x'; CHUNK];

/// So many letters.
pub(super) fn chunks(size: u64) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold(size, |left| async move {
        let next = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        let chunk = LETTERS.get(..next).filter(|chunk| !chunk.is_empty())?;
        Some((Ok(Bytes::copy_from_slice(chunk)), left - next as u64))
    })
}

/// The same as the raw SDK takes it.
#[derive(Clone, Debug)]
pub(super) struct Letters {
    size: u64,
    left: u64,
}

impl Letters {
    pub(super) fn new(size: u64) -> Self {
        Self { size, left: size }
    }
}

impl AsyncRead for Letters {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<std::io::Result<usize>> {
        let most = usize::try_from(self.left).map_or(CHUNK, |left| left.min(CHUNK)).min(into.len());
        if let (Some(into), Some(letters)) = (into.get_mut(..most), LETTERS.get(..most)) {
            into.copy_from_slice(letters);
        }
        self.left -= most as u64;
        Poll::Ready(Ok(most))
    }
}

#[async_trait]
impl SeekableStream for Letters {
    async fn reset(&mut self) -> azure_core::Result<()> {
        self.left = self.size;
        Ok(())
    }

    fn len(&self) -> Option<u64> {
        Some(self.size)
    }
}
