//! In what pieces a large call about many things goes to a service.

/// How a layer that has limits of time hands over a large call: in pieces, each with a time of its own.
///
/// A provider cuts what it is handed to the service's requests, and has some of them under way at once. Where it lets the layer have
/// several pieces [under way](Self::at_once), a piece is what makes one request: the next one then begins whenever one ends. All that
/// are under way have at most 32 MiB, unless one item alone has more.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// The most items of a piece.
    pub items: usize,
    /// The most bytes that they bring along; one item may have more.
    pub bytes: usize,
    /// How many pieces are under way at once. Where order counts it is 1, whatever stands here.
    pub at_once: usize,
}

impl Pieces {
    /// Pieces of so many items and at most 32 MiB, one after the other.
    #[must_use]
    pub const fn new(items: usize) -> Self {
        Self { items, bytes: 32 << 20, at_once: 1 }
    }

    /// Pieces that make one request each, of at most so many items and bytes, so many of them at once.
    #[must_use]
    pub const fn requests(items: usize, bytes: usize, at_once: usize) -> Self {
        Self { items, bytes, at_once }
    }
}
