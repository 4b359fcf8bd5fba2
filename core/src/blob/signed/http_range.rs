//! The `Range` header and lists of etags, as far as a signed GET needs them.

use crate::blob::port::{ByteRange, Etag};

/// A single range of bytes. Anything else (several ranges, other units, nonsense) is ignored, as HTTP allows.
pub(super) fn parse_range(header: &str) -> Option<ByteRange> {
    let (start, end) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = (start.trim(), end.trim());
    if start.is_empty() {
        return Some(ByteRange::Last(number(end)?));
    }
    let start = number(start)?;
    if end.is_empty() {
        return Some(ByteRange::From(start, None));
    }
    let end = number(end)?.checked_add(1)?;
    (start < end).then_some(ByteRange::From(start, Some(end)))
}

/// Digits only: `parse` would take a sign as well.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Whether `*` or one of the etags of an `If-Match` or `If-None-Match` is this one. A weak mark is not looked at.
pub(super) fn names(header: &str, etag: &Etag) -> bool {
    header.split(',').map(str::trim).any(|one| {
        let bare = one.strip_prefix("W/").unwrap_or(one);
        bare == "*" || Etag::new(bare) == *etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_all_else_ignored() {
        assert_eq!(parse_range("bytes=0-9"), Some(ByteRange::From(0, Some(10))));
        assert_eq!(parse_range("bytes=5-"), Some(ByteRange::From(5, None)));
        assert_eq!(parse_range("bytes=-5"), Some(ByteRange::Last(5)));
        for odd in [
            "",
            "bytes=",
            "bytes=-",
            "bytes=9-0",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=0-18446744073709551615",
        ] {
            assert_eq!(parse_range(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_etag_is_found_in_a_list() {
        let etag = Etag::new("a1");
        assert!(names("\"a1\"", &etag) && names("\"x\", W/\"a1\"", &etag) && names("*", &etag));
        assert!(!names("\"a\"", &etag) && !names("", &etag));
    }
}
