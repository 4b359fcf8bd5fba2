//! Keys as users write them, and what makes one valid.

use std::sync::Arc;

use super::port::{Key, TableLimits};
use crate::{Error, Result};

/// What names an item: a partition alone (the sort key is then empty), a pair of partition and sort key, or a [`Key`].
///
/// ```
/// use skyport_core::kv::{IntoKey, Key};
///
/// assert_eq!("ada".into_key(), Key::new("ada", ""));
/// assert_eq!(("ada", String::from("2026-11")).into_key(), Key::new("ada", "2026-11"));
/// ```
pub trait IntoKey {
    /// The key, not yet checked.
    fn into_key(self) -> Key;
}

impl IntoKey for Key {
    fn into_key(self) -> Key {
        self
    }
}

impl IntoKey for &Key {
    fn into_key(self) -> Key {
        self.clone()
    }
}

impl IntoKey for &str {
    fn into_key(self) -> Key {
        Key::new(self, "")
    }
}

impl IntoKey for String {
    fn into_key(self) -> Key {
        Key::new(self, "")
    }
}

impl IntoKey for &String {
    fn into_key(self) -> Key {
        Key::new(self.as_str(), "")
    }
}

impl<P: AsRef<str>, S: AsRef<str>> IntoKey for (P, S) {
    fn into_key(self) -> Key {
        Key::new(self.0.as_ref(), self.1.as_ref())
    }
}

pub(super) fn check_key(key: &Key, limits: &TableLimits) -> Result<()> {
    check_partition(&key.partition, limits)?;
    check_sort(&key.sort, limits)
}

pub(super) fn check_partition(partition: &str, limits: &TableLimits) -> Result<()> {
    let (bytes, most) = (partition.len(), limits.partition_bytes);
    if bytes == 0 || bytes > most {
        return Err(Error::invalid(format!("a partition key has 1 to {most} bytes, not {bytes}")));
    }
    Ok(())
}

pub(super) fn check_sort(sort: &str, limits: &TableLimits) -> Result<()> {
    let (bytes, most) = (sort.len(), limits.sort_bytes);
    if bytes > most {
        return Err(Error::invalid(format!("a sort key has at most {most} bytes, not {bytes}")));
    }
    Ok(())
}

/// The least text that is greater than everything that begins with `prefix`, in UTF-8 byte order; `None` where nothing
/// is greater.
pub(super) fn after_prefix(prefix: &str) -> Option<Arc<str>> {
    // Code points have the order of their UTF-8: the last one that has a successor is replaced by it.
    let (at, last) = prefix.char_indices().rev().find(|&(_, last)| last != char::MAX)?;
    // A range of chars steps over the surrogates by itself.
    let next = (last..=char::MAX).nth(1)?;
    let mut end = String::with_capacity(at + next.len_utf8());
    end.push_str(&prefix[..at]);
    end.push(next);
    Some(end.into())
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

    #[test]
    fn a_key_at_its_limits_is_valid_and_one_byte_more_is_not() {
        let limits = TableLimits::default();
        let (full, over) = ("x".repeat(255), "x".repeat(256));
        assert!(check_key(&(&full, &full).into_key(), &limits).is_ok());
        for wrong in [Key::new("", "s"), Key::new(&*over, ""), Key::new("p", &*over)] {
            let error = check_key(&wrong, &limits).expect_err("outside the limits");
            assert!(error.to_string().contains("255"), "{error}");
        }
    }
}
