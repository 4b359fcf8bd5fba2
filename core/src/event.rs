//! What starts a function, the same on every cloud.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::blob::port::{BlobStore, Etag};
use crate::{ErrorKind, Result};

/// What happened to an object.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlobChange {
    /// It was created or overwritten.
    Created,
    /// It was deleted, and no live object remains.
    Deleted,
}

/// A bucket tells that an object was created, overwritten or deleted.
///
/// Comes at least once, in no order, perhaps late: look at the object itself before acting on it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobEvent {
    /// What happened.
    pub change: BlobChange,
    /// The bucket, as the provider knows it.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// Its size in bytes, where the event tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its etag, where the event tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<Etag>,
    /// When it happened.
    #[serde(with = "millis")]
    pub time: SystemTime,
}

impl BlobEvent {
    /// An event that tells neither size nor etag.
    #[must_use]
    pub fn new(
        change: BlobChange,
        bucket: impl Into<String>,
        key: impl Into<String>,
        time: SystemTime,
    ) -> Self {
        Self { change, bucket: bucket.into(), key: key.into(), size: None, etag: None, time }
    }

    /// The event as the functions of `bucket` know it: without what a layer puts before the keys, and none for a key that is
    /// not the layer's. A deletion that may have left an object there (`may_live`) is told only where it has not, and where
    /// this may not be asked: better told once too often.
    ///
    /// # Errors
    /// What the bucket says when it is asked for the object.
    pub async fn seen_from(mut self, bucket: &dyn BlobStore, may_live: bool) -> Result<Option<Self>> {
        match self.key.strip_prefix(&bucket.info().key_prefix) {
            Some(key) if !key.is_empty() => self.key = key.to_owned(),
            _ => return Ok(None),
        }
        if !may_live {
            return Ok(Some(self));
        }
        match bucket.head(&self.key).await {
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                Ok(Some(self))
            }
            Err(error) => Err(error),
        }
    }

    /// The event as the body of a message in [`BlobStore::events`].
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // A struct of strings and numbers always serialises.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A schedule's time has come.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleEvent {
    /// The instant that was scheduled, also where the event comes late: it names the event.
    #[serde(with = "millis")]
    pub scheduled: SystemTime,
}

impl ScheduleEvent {
    /// The schedule's instant `scheduled`.
    #[must_use]
    pub fn new(scheduled: SystemTime) -> Self {
        Self { scheduled }
    }
}

mod millis {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::clock::{from_millis, to_millis};

    pub(super) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(to_millis(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        u64::deserialize(deserializer).map(from_millis)
    }
}
