//! From Azure's order to that of the port.
//!
//! Azure documents its order as alphabetical, and no more. What is known of it, and what Azurite does, is the order of UTF-16: there the letters
//! from U+E000 to U+FFFF (here: high letters) come after those beyond U+FFFF (here: far letters), while in the order of UTF-8 they come before. All
//! else is alike. So where a page ends among keys that differ in such a letter, the high ones are asked for first, and then the far
//! ones. Where Azure lists in the order of UTF-8 after all, this finds the same.

use std::cmp::Ordering;

/// The first high letter, and the first far one.
const HIGH: char = '\u{e000}';
const FAR: char = '\u{10000}';

/// A stretch of a listing, without a gap in Azure's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where it begins, which is in it; `None` for the beginning of all.
    start: Option<String>,
    /// What it ends before; `None` for the end of all.
    end: Option<String>,
    /// So many first bytes of its keys are known not to need another order.
    settled: usize,
}

impl Segment {
    pub(super) fn start(&self) -> Option<&str> {
        self.start.as_deref()
    }

    /// Whether a key is past it.
    pub(super) fn ends_before(&self, key: &str) -> bool {
        self.end.as_deref().is_some_and(|end| utf16(key, end) != Ordering::Less)
    }

    /// How it has to be cut, where no more is known of it than what comes up to `furthest`, and all up to `told` is told.
    pub(super) fn split(&self, furthest: &str, told: Option<&str>) -> Option<Split<'_>> {
        let far_is_told = |at: usize| {
            let rest = told.and_then(|told| told.strip_prefix(&furthest[..at]));
            rest.and_then(|rest| rest.chars().next()).is_some_and(is_far)
        };
        let letters = furthest.char_indices();
        let (at, _) = letters
            .filter(|(at, letter)| *at >= self.settled && (is_high(*letter) || is_far(*letter)))
            .find(|(at, _)| !far_is_told(*at))?;
        Some(Split { of: self, before: furthest[..at].to_owned() })
    }

    fn is_empty(&self) -> bool {
        self.start.as_deref().is_some_and(|start| self.ends_before(start))
    }
}

/// A segment that is cut where keys that begin alike go on with high letters and with far ones.
#[derive(Debug)]
pub(super) struct Split<'s> {
    of: &'s Segment,
    /// How those keys begin.
    before: String,
}

impl Split<'_> {
    /// Whether a key is not to be told yet.
    pub(super) fn defers(&self, key: &str) -> bool {
        let next = key.strip_prefix(&self.before).and_then(|rest| rest.chars().next());
        next.is_some_and(|letter| is_high(letter) || is_far(letter))
    }

    /// What is to be asked for next; the first is the last.
    pub(super) fn into_segments(self) -> Vec<Segment> {
        let past = past(&self.before);
        let high = Segment {
            start: Some(format!("{}{HIGH}", self.before)),
            end: past.clone().or_else(|| self.of.end.clone()),
            settled: self.before.len() + HIGH.len_utf8(),
        };
        let rest = past.map(|past| Segment { start: Some(past), ..self.of.clone() });
        let segments = rest.into_iter().chain([far(&self.before), high]);
        segments.filter(|segment| !segment.is_empty()).collect()
    }
}

/// What comes after an entry, in a listing whose keys begin with so many `common` bytes; the first is the last. Where a directory is named, the
/// entry is in it, and so is nothing that comes after.
pub(super) fn after(common: usize, entry: Option<&str>, directory: Option<&str>) -> Vec<Segment> {
    let Some(entry) = entry else { return vec![Segment { start: None, end: None, settled: common }] };
    let (told, mut start) = match directory {
        Some(directory) => (directory, past(directory)),
        None => (entry, Some(entry.to_owned())),
    };
    let mut segments = Vec::new();
    let mut take = |start: Option<String>, end: Option<String>, settled: usize| {
        let segment = start.map(|start| Segment { start: Some(start), end, settled });
        segments.extend(segment.filter(|segment| !segment.is_empty()));
    };
    // Where it has a high letter, those with a far one in that place are to come, although they come before it for Azure.
    for (at, letter) in told.char_indices().rev() {
        if at >= common && is_high(letter) {
            let (before, end) = (&told[..at], past(&told[..at]));
            take(start, end.clone(), at + letter.len_utf8());
            let far = far(before);
            take(far.start, far.end, far.settled);
            start = end;
        }
    }
    take(start, None, common);
    segments.reverse();
    segments
}

/// The keys that begin so and go on with a far letter.
fn far(before: &str) -> Segment {
    Segment {
        start: Some(format!("{before}{FAR}")),
        end: Some(format!("{before}{HIGH}")),
        settled: before.len() + FAR.len_utf8(),
    }
}

fn is_high(letter: char) -> bool {
    (HIGH..FAR).contains(&letter)
}

fn is_far(letter: char) -> bool {
    letter >= FAR
}

/// How two texts stand in the order of UTF-16.
pub(super) fn utf16(a: &str, b: &str) -> Ordering {
    // As in UTF-8, but that what begins with EE or EF, the high letters, comes last.
    let place = |byte: u8| if matches!(byte, 0xee | 0xef) { byte + 0x10 } else { byte };
    a.bytes().map(place).cmp(b.bytes().map(place))
}

/// The least text that is greater than all that begins so, in the order of UTF-16; `None` where nothing is.
fn past(before: &str) -> Option<String> {
    let next = |letter: char| match letter {
        '\u{ffff}' => None,
        '\u{d7ff}' => Some(FAR),
        char::MAX => Some(HIGH),
        other => (other..=char::MAX).nth(1),
    };
    let letters = before.char_indices().rev();
    let (at, next) = letters.filter_map(|(at, letter)| Some((at, next(letter)?))).next()?;
    Some(format!("{}{next}", &before[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_utf_16() {
        let letters =
            ["", "a", "\u{7f}", "\u{e9}", "\u{d7ff}", "\u{10000}", "\u{10ffff}", "\u{e000}", "\u{ffff}"];
        for (at, a) in letters.iter().enumerate() {
            for (bt, b) in letters.iter().enumerate() {
                assert_eq!(utf16(a, b), at.cmp(&bt), "{a:?} {b:?}");
                let (a, b) = (format!("x{a}y"), format!("x{b}z"));
                assert_eq!(utf16(&a, &b), a.encode_utf16().cmp(b.encode_utf16()), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn past_a_beginning_is_the_next_text_in_the_order_of_utf_16() {
        for (before, end) in [
            ("a/", Some("a0")),
            ("\u{d7ff}", Some("\u{10000}")),
            ("a\u{10ffff}", Some("a\u{e000}")),
            ("a\u{ffff}\u{ffff}", Some("b")),
            ("\u{ffff}", None),
            ("", None),
        ] {
            assert_eq!(past(before).as_deref(), end, "{before:?}");
        }
    }

    #[test]
    fn plain_keys_are_one_segment_and_need_no_cut() {
        let all = after(0, None, None);
        assert_eq!(all, [Segment { start: None, end: None, settled: 0 }]);
        assert!(all[0].split("plain/\u{e9}", None).is_none());
        let rest = after(2, Some("p/k"), None);
        assert_eq!(rest, [Segment { start: Some("p/k".to_owned()), end: None, settled: 2 }]);
        let rest = after(0, Some("d/x"), Some("d/"));
        assert_eq!(rest, [Segment { start: Some("d0".to_owned()), end: None, settled: 0 }]);
    }
}
