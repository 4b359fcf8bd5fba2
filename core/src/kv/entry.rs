//! An item as users see it.

use std::ops::Deref;
use std::time::SystemTime;

use super::port::{Key, RawItem};
use super::version::Version;
use crate::codec::Decode;
use crate::{Error, Result};

/// An item that was read. Derefs to its value.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<T> {
    /// Its key.
    pub key: Key,
    /// Its value.
    pub value: T,
    version: Version,
    expires: Option<SystemTime>,
}

impl<T> Entry<T> {
    pub(super) fn decode<C: Decode<T>>(item: RawItem) -> Result<Self> {
        let value = C::decode(&item.value).map_err(|error| name_key(error, &item.key))?;
        Ok(Self {
            value,
            version: Version::new(item.key.clone(), item.version),
            expires: item.expires,
            key: item.key,
        })
    }

    /// Its version: for `if_version` of a later write.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// When it expires; `None` never. In whole seconds where the cloud knows no finer.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// The value alone.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Entry<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

pub(super) fn name_key(error: Error, key: &Key) -> Error {
    error.with_key(&key.to_string())
}
