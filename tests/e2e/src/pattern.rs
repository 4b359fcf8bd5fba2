//! Bytes of any length, each of which is known from where it stands.

use bytes::Bytes;

/// The block that repeats, but for the number at its beginning.
const BLOCK: usize = 1 << 20;

/// How many bytes of a block tell its number.
const NUMBER: usize = size_of::<u64>();

/// A long content that is made and checked as it goes: blocks of noise, each with its number. What is lost, swapped or
/// doubled on the way shows. Comparing and copying are the machine's own, fast in a debug build, too.
#[derive(Clone, Debug)]
pub struct Pattern {
    noise: Bytes,
    position: u64,
}

impl Default for Pattern {
    fn default() -> Self {
        Self::new()
    }
}

impl Pattern {
    /// At its beginning.
    #[must_use]
    pub fn new() -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let words = (0..BLOCK / NUMBER).flat_map(|_| {
            // xorshift: enough that no two places look alike.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        Self { noise: words.collect(), position: 0 }
    }

    /// How many bytes were checked.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The block of this number.
    #[must_use]
    pub fn block(&self, number: u64) -> Bytes {
        let mut block = self.noise.to_vec();
        block[..NUMBER].copy_from_slice(&number.to_le_bytes());
        block.into()
    }

    /// The blocks of `bytes` bytes.
    ///
    /// # Panics
    /// Where `bytes` is no multiple of a mebibyte.
    pub fn blocks(&self, bytes: u64) -> impl Iterator<Item = Bytes> + Send + 'static {
        assert_eq!(bytes % BLOCK as u64, 0, "whole blocks only");
        let this = self.clone();
        (0..bytes / BLOCK as u64).map(move |number| this.block(number))
    }

    /// Checks that these bytes are the next ones.
    ///
    /// # Panics
    /// Where they are not.
    pub fn check(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (number, at) = (self.position / BLOCK as u64, (self.position % BLOCK as u64) as usize);
            let number = number.to_le_bytes();
            let expected = if at < NUMBER { &number[at..] } else { &self.noise[at..] };
            let length = expected.len().min(bytes.len());
            assert!(expected[..length] == bytes[..length], "other bytes at {}", self.position);
            bytes = &bytes[length..];
            self.position += length as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_what_is_expected_however_it_is_cut() {
        let content: Vec<u8> = Pattern::new().blocks(3 << 20).flatten().collect();
        let mut pattern = Pattern::new();
        content.chunks(70_001).for_each(|chunk| pattern.check(chunk));
        assert_eq!(pattern.position(), 3 << 20);
    }

    #[test]
    #[should_panic(expected = "other bytes at 1048576")]
    fn swapped_blocks_show() {
        let mut pattern = Pattern::new();
        pattern.check(&pattern.block(0));
        pattern.check(&pattern.block(2));
    }
}
