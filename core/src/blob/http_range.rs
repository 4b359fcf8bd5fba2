//! Ranges as a request of HTTP says them, and as its answer tells them: for providers whose service speaks HTTP.

use super::port::ByteRange;

/// Past every object, and a number that every service can read.
const FAR: u64 = 1 << 52;

/// A range as a request says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeHeader {
    /// By no header: it is the whole object.
    None,
    /// By this value of `Range`.
    Value(String),
    /// Not at all: it has no bytes, which HTTP cannot say. The object's size tells what it is.
    Unsayable,
}

impl RangeHeader {
    /// How a request says `range`.
    #[must_use]
    pub fn of(range: ByteRange) -> Self {
        match range {
            ByteRange::All | ByteRange::From(0, None) => Self::None,
            ByteRange::From(start, None) => Self::Value(format!("bytes={}-", start.min(FAR))),
            ByteRange::From(start, Some(end)) if end <= start => Self::Unsayable,
            ByteRange::From(start, Some(end)) => {
                Self::Value(format!("bytes={}-{}", start.min(FAR), (end - 1).min(FAR)))
            }
            ByteRange::Last(0) => Self::Unsayable,
            ByteRange::Last(n) => Self::Value(format!("bytes=-{}", n.min(FAR))),
        }
    }
}

/// Start and end (exclusive), and the whole object's size, from an answer's `Content-Range`: `bytes 2-5/10`. `None` where it is nothing
/// of the kind.
#[must_use]
pub fn content_range(text: &str) -> Option<((u64, u64), u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, size) = (first.parse().ok()?, last.parse::<u64>().ok()?, size.parse().ok()?);
    (first <= last && last < size).then(|| ((first, last + 1), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_said_as_http_says_them() {
        let text = |text: &str| RangeHeader::Value(text.to_owned());
        for (range, wanted) in [
            (ByteRange::All, RangeHeader::None),
            (ByteRange::From(0, None), RangeHeader::None),
            (ByteRange::From(5, None), text("bytes=5-")),
            (ByteRange::From(0, Some(1)), text("bytes=0-0")),
            (ByteRange::From(2, Some(u64::MAX)), text("bytes=2-4503599627370496")),
            (ByteRange::From(4, Some(4)), RangeHeader::Unsayable),
            (ByteRange::Last(3), text("bytes=-3")),
            (ByteRange::Last(0), RangeHeader::Unsayable),
        ] {
            assert_eq!(RangeHeader::of(range), wanted, "{range:?}");
        }
    }

    #[test]
    fn an_answered_range_is_read_and_nonsense_is_refused() {
        assert_eq!(content_range("bytes 2-5/10"), Some(((2, 6), 10)));
        for bad in
            ["", "bytes */10", "bytes 5-2/10", "bytes 0-10/10", "bytes 0-18446744073709551615/1", "2-5/10"]
        {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
