//! Listings and queries for providers that keep keys in order: where to seek, what a directory is, and tokens that go on
//! by key. Going on by key rather than by position survives what is inserted and deleted in between.

mod barren;
mod listing;
mod mark;
mod scan;

pub use barren::Barren;
pub use listing::Listing;
pub use mark::fingerprint;
pub use scan::Scan;

/// The least text that is greater than everything that begins with `prefix`, in UTF-8 byte order; `None` where nothing
/// is greater.
#[must_use]
pub fn after_prefix(prefix: &str) -> Option<String> {
    // Code points have the order of their UTF-8: the last one that has a successor is replaced by it.
    let (at, last) = prefix.char_indices().rev().find(|&(_, last)| last != char::MAX)?;
    // A range of chars steps over the surrogates by itself.
    let next = (last..=char::MAX).nth(1)?;
    let mut end = String::with_capacity(at + next.len_utf8());
    end.push_str(&prefix[..at]);
    end.push(next);
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text_that_does_not_begin_with_it() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("a/", Some("a0")),
            ("a\u{7f}", Some("a\u{80}")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("\u{ffff}", Some("\u{10000}")),
            ("a\u{10ffff}\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(after_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
