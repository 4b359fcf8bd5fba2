//! Sizes of a store, and in what parts a large object goes out.

use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// Sizes of a store, in bytes unless said otherwise.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobLimits {
    /// The longest key that may be written.
    pub key_bytes: usize,
    /// The most segments (parts between `/`) of a key.
    pub key_segments: usize,
    /// The size in which a stream is cut into parts, or in which that begins; also the most that goes in a single `put`.
    pub part_bytes: usize,
    /// So many parts have one size, then it doubles; 0 where all have the same size. A part is then never much larger than
    /// what came before it divided by this.
    pub parts_of_a_size: u32,
    /// Where parts that double stop doing so.
    pub largest_part_bytes: usize,
    /// The most parts of one upload.
    pub parts: u32,
    /// How many parts of one upload may be on their way at once; 1 where parts must come in order. Of parts that have
    /// grown fewer, so that together they stay within `part_bytes` x `part_concurrency`, down to a single one.
    pub part_concurrency: usize,
    /// The largest object.
    pub object_bytes: u64,
    /// The largest object that `copy` copies atomically.
    pub copy_bytes: u64,
    /// The user metadata of one object, names and encoded values together.
    pub metadata_bytes: usize,
    /// The most entries of one listed page.
    pub page_entries: usize,
    /// The longest life of a signed URL.
    pub signed_for: Duration,
    /// So many keys of a large `delete_many` share one limit of time: a layer that has one hands over no more at once.
    pub deletions: usize,
}

impl BlobLimits {
    /// Refuses to copy an object of `size` bytes where that is over [`copy_bytes`](Self::copy_bytes).
    ///
    /// # Errors
    /// `TooLarge` with the limit in the text.
    pub fn check_copy(&self, size: u64) -> Result<()> {
        if size > self.copy_bytes {
            let text = format!(
                "a copy has at most {} bytes, this object has {size}; read it and put it under the other key",
                self.copy_bytes
            );
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        Ok(())
    }

    /// The size of part `index` (from 0) of an upload, unless it is the last; never 0.
    #[must_use]
    pub fn part_size(&self, index: u32) -> usize {
        let first = self.part_bytes.max(1);
        let Some(doublings) = index.checked_div(self.parts_of_a_size) else { return first };
        let grown = 1_usize.checked_shl(doublings).and_then(|times| first.checked_mul(times));
        grown.unwrap_or(usize::MAX).min(self.largest_part_bytes.max(first))
    }

    /// The largest object that goes up in parts: what they hold together, and no more than
    /// [`object_bytes`](Self::object_bytes).
    #[must_use]
    pub fn upload_bytes(&self) -> u64 {
        let mut bytes = 0_u64;
        let mut index = 0;
        while index < self.parts && bytes < self.object_bytes {
            let size = self.part_size(index);
            // All that have this size at once: those that grow no more are many.
            let grows = self.parts_of_a_size > 0 && size < self.largest_part_bytes;
            let count = if grows { self.parts_of_a_size.min(self.parts - index) } else { self.parts - index };
            bytes = bytes.saturating_add((size as u64).saturating_mul(u64::from(count)));
            index += count;
        }
        bytes.min(self.object_bytes)
    }
}

impl Default for BlobLimits {
    fn default() -> Self {
        Self {
            key_bytes: 1024,
            key_segments: 254,
            part_bytes: 8 << 20,
            parts_of_a_size: 0,
            largest_part_bytes: 8 << 20,
            parts: 10_000,
            part_concurrency: 4,
            // What one upload of such parts can hold.
            object_bytes: 10_000 * (8 << 20),
            copy_bytes: 5 << 30,
            metadata_bytes: 1_900,
            page_entries: 1_000,
            signed_for: Duration::from_secs(7 * 86_400),
            deletions: 4_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_one_size_stay_so() {
        let limits = BlobLimits::default();
        assert!([0, 1, 999, 9_999, u32::MAX].iter().all(|index| limits.part_size(*index) == 8 << 20));
        assert_eq!(limits.upload_bytes(), 10_000 * (8 << 20));
    }

    #[test]
    fn parts_that_grow_double_and_stop_at_the_largest() {
        let limits = BlobLimits {
            part_bytes: 4,
            parts_of_a_size: 3,
            largest_part_bytes: 16,
            parts: 10,
            object_bytes: u64::MAX,
            ..BlobLimits::default()
        };
        let sizes: Vec<usize> = (0..10).map(|index| limits.part_size(index)).collect();
        assert_eq!(sizes, [4, 4, 4, 8, 8, 8, 16, 16, 16, 16]);
        assert_eq!(limits.part_size(u32::MAX), 16);
        assert_eq!(limits.upload_bytes(), sizes.iter().sum::<usize>() as u64);
        assert_eq!(BlobLimits { object_bytes: 50, ..limits }.upload_bytes(), 50);
        assert_eq!(BlobLimits { parts: 4, ..limits }.upload_bytes(), 20);
    }

    #[test]
    fn no_limits_make_a_part_of_nothing_or_an_endless_sum() {
        let none =
            BlobLimits { part_bytes: 0, parts_of_a_size: 1, largest_part_bytes: 0, ..BlobLimits::default() };
        assert_eq!((none.part_size(0), none.part_size(40)), (1, 1));
        assert_eq!(none.upload_bytes(), 10_000);
        let huge = BlobLimits {
            part_bytes: usize::MAX,
            parts_of_a_size: 1,
            largest_part_bytes: usize::MAX,
            parts: u32::MAX,
            object_bytes: u64::MAX,
            ..BlobLimits::default()
        };
        assert_eq!((huge.part_size(70), huge.upload_bytes()), (usize::MAX, u64::MAX));
    }
}
