//! Gives a part of a bucket or of a table as if it were the whole.

use std::sync::Arc;

use super::Layer;
use crate::blob::port::BlobStore;
use crate::kv::port::KeyValueStore;
use crate::queue::port::MessageQueue;
use crate::{Error, Result};

mod blob;
mod events;
mod kv;

/// The longest prefix in bytes: half of what a partition key may have.
const LONGEST: usize = 127;

/// Keeps all keys under `prefix/`: of a bucket the keys, of a table the partitions. Queues pass through as they are.
///
/// Limits shrink by the prefix. Of a bucket's events, those outside the prefix are acknowledged and not handed over: two
/// prefixes of one bucket therefore need subscribers of different names. `sweep` sweeps the whole table. What an error of
/// the provider tells of a key is the key as the provider knows it, with the prefix.
#[derive(Clone, Debug)]
pub struct Prefix {
    /// Ends with `/`.
    prefix: Arc<str>,
}

impl Prefix {
    /// Keeps everything under `prefix`, a key of one or more segments; a `/` at its end may be left out.
    ///
    /// # Errors
    /// `InvalidArgument` where it is empty, over 127 bytes, or not a valid key.
    pub fn new(prefix: &str) -> Result<Self> {
        let bare = prefix.strip_suffix('/').unwrap_or(prefix);
        if bare.len() >= LONGEST {
            return Err(Error::invalid(format!("a prefix has at most {LONGEST} bytes")));
        }
        if bare.contains(|c: char| c.is_control() || c == '\\') {
            return Err(Error::invalid("a prefix has no control character and no backslash"));
        }
        // A segment that ends in `.` covers `.` and `..`.
        if bare.split('/').any(|segment| segment.is_empty() || segment.ends_with('.')) {
            return Err(Error::invalid(
                "no segment of a prefix is empty or ends with `.`; write it as `team/app`",
            ));
        }
        Ok(Self { prefix: format!("{bare}/").into() })
    }

    fn add(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn strip<'k>(&self, key: &'k str) -> Result<&'k str> {
        key.strip_prefix(&*self.prefix).ok_or_else(|| {
            Error::internal("the provider gave a key outside of the prefix that was asked for")
        })
    }

    fn segments(&self) -> usize {
        self.prefix.matches('/').count()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for Prefix {
    fn blob(&self, inner: Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
        Arc::new(blob::PrefixBlob::new(inner, self.clone()))
    }

    fn queue(&self, inner: Arc<dyn MessageQueue>) -> Arc<dyn MessageQueue> {
        inner
    }

    fn table(&self, inner: Arc<dyn KeyValueStore>) -> Arc<dyn KeyValueStore> {
        Arc::new(kv::PrefixTable::new(inner, self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_prefix_is_a_valid_key() {
        for good in ["a", "a/", "team/app", "ü"] {
            assert!(Prefix::new(good).is_ok(), "{good}");
        }
        for bad in ["", "/", "/a", "a//b", "..", "a/./b", "a.", "a\\b", "a\nb", &"x".repeat(127)] {
            let error = Prefix::new(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn a_key_comes_back_as_it_went_in() {
        let prefix = Prefix::new("a/b").expect("valid");
        assert_eq!(prefix.add("c"), "a/b/c");
        assert_eq!(prefix.strip("a/b/c").expect("inside"), "c");
        assert!(prefix.strip("a/bc").is_err());
        assert_eq!(prefix.segments(), 2);
    }
}
