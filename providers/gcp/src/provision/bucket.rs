//! Buckets of Cloud Storage.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use skyport_core::blob::port::BlobStore;
use skyport_core::provider::ResourceUrl;
use skyport_core::retry::{patiently, patiently_each};
use skyport_core::{Error, ErrorKind, Result};

use super::NAME;
use crate::blob::call::Call;
use crate::blob::{API, Gcs};
use crate::config::Connection;

/// So long one try to empty a bucket may take; the next goes on where it was.
const EMPTYING: Duration = Duration::from_secs(15 * 60);

pub(super) fn open(connection: Arc<Connection>, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
    Ok(Arc::new(Gcs::open(connection, valid(url.name())?)))
}

/// Makes a bucket, unless it is there. Access is the bucket's own affair (no ACLs of objects), and never the public's. What is deleted
/// is gone at once: what Google would keep for a week is paid for, and nobody here could bring it back.
pub(super) async fn create(connection: &Arc<Connection>, url: &ResourceUrl) -> Result<()> {
    let name = valid(url.name())?;
    patiently(name, Error::is_retryable, || make(connection, name, url.parameter("location"))).await
}

/// Removes a bucket with all that is in it, in every generation, and the queues of its subscribers. A missing one is Ok.
pub(super) async fn remove(connection: &Arc<Connection>, url: &ResourceUrl) -> Result<()> {
    let name = valid(url.name())?;
    let bucket = Gcs::open(Arc::clone(connection), name);
    let removed = patiently_each(name, EMPTYING, Error::is_retryable, || async {
        #[cfg(feature = "events")]
        bucket.unsubscribe_all().await?;
        bucket.empty().await?;
        let delete = Call::new(connection, Method::DELETE, API, &["b", name]);
        // Not empty: somebody wrote meanwhile.
        delete.done().await.map_err(Error::from)
    });
    match removed.await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

async fn make(connection: &Connection, name: &str, location: Option<&str>) -> Result<()> {
    let mut bucket = json!({
        "name": name,
        "iamConfiguration": {
            "uniformBucketLevelAccess": { "enabled": true },
            "publicAccessPrevention": "enforced",
        },
        "softDeletePolicy": { "retentionDurationSeconds": "0" },
    });
    if let Some(location) = location {
        bucket["location"] = location.into();
    }
    let insert = Call::new(connection, Method::POST, API, &["b"]);
    let insert = insert.query("project", connection.project().await?).query("fields", "name").json(&bucket);
    let Err(refused) = insert.done().await else { return Ok(()) };
    if !refused.is(StatusCode::CONFLICT) {
        return Err(refused.error);
    }
    // It is there: whoever may look at it has it.
    let look = Call::new(connection, Method::GET, API, &["b", name]).query("fields", "name");
    match look.read::<Value>().await {
        Ok(_) => Ok(()),
        Err(denied) if denied.is(StatusCode::FORBIDDEN) => Err(foreign(denied.error)),
        // Somebody is making or removing it.
        Err(gone) if gone.is(StatusCode::NOT_FOUND) => Err(refused.error.with_kind(ErrorKind::Conflict)),
        Err(other) => Err(other.error),
    }
}

fn foreign(cause: Error) -> Error {
    let text = "a bucket of this name belongs to somebody else: names of buckets are shared by all projects";
    Error::new(ErrorKind::AlreadyExists, text).with_provider(NAME).with_source(cause)
}

/// A name that can be one of a bucket: it becomes a part of URLs and hosts.
fn valid(name: &str) -> Result<&str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if begins && name.len() <= 222 && name.bytes().all(fits) {
        return Ok(name);
    }
    let text = format!(
        "`{name}` is no name of a bucket: it has small letters, digits, `-`, `_` and `.`, and begins with a letter or digit"
    );
    Err(Error::invalid(text).with_provider(NAME))
}
