//! Cuts a body into parts, of one size or of sizes that grow.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use super::port::BlobLimits;
use crate::body::Body;
use crate::{Error, Result};

/// A stream of parts: all but the last have exactly [`BlobLimits::part_size`]. Chunks that are whole parts are not copied.
pub(super) struct Parts {
    body: Body,
    limits: BlobLimits,
    /// Which part is the next.
    index: u32,
    /// Read from the body, not yet in a part.
    chunk: Bytes,
    part: BytesMut,
    /// Parts that were given out, of the size of the last one: the room of those that nobody holds any more is used again.
    given: Vec<Bytes>,
    ended: bool,
    seen: u64,
    promised: Option<u64>,
}

impl Parts {
    pub(super) fn new(body: Body, limits: &BlobLimits) -> Self {
        let promised = body.known_len();
        Self {
            body,
            limits: *limits,
            index: 0,
            chunk: Bytes::new(),
            part: BytesMut::new(),
            given: Vec::new(),
            ended: false,
            seen: 0,
            promised,
        }
    }

    /// Whether all parts have been given out; reads on until it is known.
    pub(super) fn poll_at_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool>> {
        while self.chunk.is_empty() && !self.ended {
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(chunk) => {
                    self.chunk = chunk?;
                    self.seen += self.chunk.len() as u64;
                }
                None => {
                    self.ended = true;
                    self.check_length()?;
                }
            }
        }
        Poll::Ready(Ok(self.chunk.is_empty()))
    }

    /// The next part; `None` at the end. Losing the future that polls this loses no bytes.
    pub(super) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        loop {
            let at_end = ready!(self.poll_at_end(cx))?;
            if at_end {
                let rest = self.part.split().freeze();
                return Poll::Ready(Ok(Some(rest).filter(|rest| !rest.is_empty())));
            }
            let size = self.limits.part_size(self.index);
            let wanted = size - self.part.len();
            if self.part.is_empty() && self.chunk.len() >= wanted {
                self.index = self.index.saturating_add(1);
                return Poll::Ready(Ok(Some(self.chunk.split_to(wanted))));
            }
            if self.part.is_empty() && self.index > 0 {
                // It will mostly be full: growing step by step takes as long again as filling it. A first one may stay small.
                self.part = self.room(size);
            }
            let taken = self.chunk.split_to(wanted.min(self.chunk.len()));
            self.part.extend_from_slice(&taken);
            if self.part.len() == size {
                self.index = self.index.saturating_add(1);
                let part = std::mem::take(&mut self.part).freeze();
                self.given.push(part.clone());
                return Poll::Ready(Ok(Some(part)));
            }
        }
    }

    /// Room for a part: memory that was never touched takes the system as long to give as it takes to fill.
    fn room(&mut self, size: usize) -> BytesMut {
        self.given.retain(|part| part.len() == size);
        let free = self.given.iter().position(Bytes::is_unique).map(|at| self.given.swap_remove(at));
        match free.map(Bytes::try_into_mut) {
            Some(Ok(mut room)) => {
                room.clear();
                room
            }
            Some(Err(_)) | None => BytesMut::with_capacity(size),
        }
    }

    fn check_length(&self) -> Result<()> {
        match self.promised {
            Some(promised) if promised != self.seen => Err(Error::invalid(format!(
                "the body ended after {} bytes, {promised} were promised",
                self.seen
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::stream;

    use super::*;

    fn limits(part_bytes: usize) -> BlobLimits {
        BlobLimits { part_bytes, ..BlobLimits::default() }
    }

    async fn cut(chunks: &[usize], part_bytes: usize) -> Vec<usize> {
        cut_by(chunks, &limits(part_bytes)).await
    }

    async fn cut_by(chunks: &[usize], limits: &BlobLimits) -> Vec<usize> {
        let chunks: Vec<Result<Bytes>> = chunks.iter().map(|&n| Ok(Bytes::from(vec![7; n]))).collect();
        let mut parts = Parts::new(Body::from_stream(stream::iter(chunks)), limits);
        let mut sizes = Vec::new();
        while let Some(part) = poll_fn(|cx| parts.poll_part(cx)).await.expect("a part") {
            sizes.push(part.len());
        }
        sizes
    }

    #[tokio::test]
    async fn all_parts_but_the_last_have_the_same_size() {
        assert_eq!(cut(&[], 4).await, [] as [usize; 0]);
        assert_eq!(cut(&[0, 0], 4).await, [] as [usize; 0]);
        assert_eq!(cut(&[3], 4).await, [3]);
        assert_eq!(cut(&[4], 4).await, [4]);
        assert_eq!(cut(&[2, 2, 0], 4).await, [4]);
        assert_eq!(cut(&[3, 3, 3], 4).await, [4, 4, 1]);
        assert_eq!(cut(&[11, 1], 4).await, [4, 4, 4]);
    }

    #[tokio::test]
    async fn the_room_of_a_part_that_nobody_holds_any_more_is_used_again() {
        let chunks = (0..12_u8).map(|n| Ok::<_, Error>(Bytes::from(vec![n; 2])));
        let mut parts = Parts::new(Body::from_stream(stream::iter(chunks)), &limits(4));
        let mut held = Vec::new();
        let mut places = std::collections::HashSet::new();
        while let Some(part) = poll_fn(|cx| parts.poll_part(cx)).await.expect("a part") {
            places.insert(part.as_ptr());
            held.push(part);
            if held.len() == 2 {
                assert_eq!(held[0][0] + 2, held[1][0], "what is held stays as it is");
                held.remove(0);
            }
        }
        assert!(places.len() <= 3, "{} places for six parts, two held at once", places.len());
    }

    #[tokio::test]
    async fn parts_grow_with_what_came_before_them() {
        let limits = BlobLimits { parts_of_a_size: 2, largest_part_bytes: 8, ..limits(2) };
        let sizes = [2, 2, 4, 4, 8, 8, 8, 8, 3];
        for chunk in [1, 3, 5, 47] {
            let chunks = vec![chunk; 47_usize.div_ceil(chunk)];
            let cut = cut_by(&chunks, &limits).await;
            assert_eq!(cut[..8], sizes[..8], "chunks of {chunk}");
            assert_eq!(cut.iter().sum::<usize>(), chunks.iter().sum::<usize>());
        }
        assert_eq!(cut_by(&[47], &limits).await, sizes);
    }

    #[tokio::test]
    async fn a_body_of_another_length_than_promised_is_an_error() {
        let short = stream::iter([Ok::<_, Error>(Bytes::from_static(b"abc"))]);
        let mut parts = Parts::new(Body::from_stream(short).with_len(4), &limits(8));
        let error = poll_fn(|cx| parts.poll_part(cx)).await.expect_err("too short");
        assert!(error.message().contains("after 3 bytes, 4 were"));
    }
}
