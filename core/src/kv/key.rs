//! Keys as users write them, and what makes one valid.

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

#[cfg(test)]
mod tests {
    use super::*;

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
