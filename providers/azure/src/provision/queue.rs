//! Queues of Queue Storage, each with the queue of its dead letters.

use std::sync::Arc;
use std::time::Duration;

use azure_storage_queue::QueueClient;
use skyport_core::provider::ResourceUrl;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::retry::{patiently, patiently_for};
use skyport_core::{Error, ErrorKind, Result};

use crate::config::Connection;
use crate::error;
use crate::queue::{Names, StorageQueue, answer, client};

/// A queue that was removed is cleared away for at least 30 seconds, and cannot be made anew until then.
const CLEARED_AWAY: Duration = Duration::from_secs(60);

pub(super) fn open(
    connection: Arc<Connection>,
    url: &ResourceUrl,
    settings: &QueueSettings,
) -> Result<Arc<dyn MessageQueue>> {
    Ok(Arc::new(StorageQueue::open(&connection, Names::of(url, settings)?, settings)?))
}

/// Creates the queue behind its dead letters, or leaves what is there.
pub(crate) async fn create(
    connection: &Arc<Connection>,
    url: &ResourceUrl,
    settings: &QueueSettings,
) -> Result<()> {
    let names = Names::of(url, settings)?;
    for name in [names.dead, names.queue] {
        let client = client(connection, &name)?;
        let passes = |error: &Error| error.is_retryable() && !is_going(error);
        let made = || patiently(&name, passes, || ensure(&client, &name));
        patiently_for(&name, CLEARED_AWAY, is_going, made).await?;
    }
    Ok(())
}

/// Removes the queue and its dead letters. A missing one is Ok, and so is one that is being removed.
pub(super) async fn remove(
    connection: &Arc<Connection>,
    url: &ResourceUrl,
    settings: &QueueSettings,
) -> Result<()> {
    let names = Names::of(url, settings)?;
    for name in [names.queue, names.dead] {
        let client = client(connection, &name)?;
        patiently(&name, Error::is_retryable, || async {
            match answer(client.delete(None)).await {
                // Somebody else was quicker.
                Err(error) if error.kind() == ErrorKind::NotFound || is_going(&error) => Ok(()),
                removed => removed.map(drop),
            }
        })
        .await?;
    }
    Ok(())
}

/// Whether a queue is there. Whoever may not look is told that it is: using it says more.
#[cfg(feature = "events")]
pub(crate) async fn is_there(connection: &Arc<Connection>, name: &str) -> Result<bool> {
    let client = client(connection, name)?;
    let looked = patiently(name, Error::is_retryable, || async {
        answer(client.get_properties(None)).await.map(drop)
    });
    match looked.await {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => Ok(false),
            ErrorKind::PermissionDenied => Ok(true),
            _ => Err(error.with_resource(name)),
        },
    }
}

/// Creates a queue, unless it is there.
pub(crate) async fn ensure(client: &QueueClient, name: &str) -> Result<()> {
    match answer(client.create(None)).await {
        // With metadata of somebody's own, which stays.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop).map_err(|error| error.with_resource(name)),
    }
}

/// Whether Azure is still clearing away a queue of this name.
fn is_going(error: &Error) -> bool {
    error::code(error) == Some("QueueBeingDeleted")
}
