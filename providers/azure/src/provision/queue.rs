//! Queues of Queue Storage, each with the queue of its dead letters.

use std::sync::Arc;
use std::time::Duration;

use azure_storage_queue::QueueClient;
use skyport_core::provider::ResourceUrl;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::retry::patiently_for;
use skyport_core::{Error, ErrorKind, Result};

use crate::config::Connection;
use crate::error::of_azure;
use crate::queue::{Names, StorageQueue, client};

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
pub(super) async fn create(
    connection: &Arc<Connection>,
    url: &ResourceUrl,
    settings: &QueueSettings,
) -> Result<()> {
    let names = Names::of(url, settings)?;
    for name in [names.dead, names.queue] {
        let client = client(connection, &name)?;
        patiently_for(&name, CLEARED_AWAY, Error::is_retryable, || ensure(&client, &name)).await?;
    }
    Ok(())
}

pub(super) async fn remove(
    connection: &Arc<Connection>,
    url: &ResourceUrl,
    settings: &QueueSettings,
) -> Result<()> {
    let names = Names::of(url, settings)?;
    for name in [names.queue, names.dead] {
        let client = client(connection, &name)?;
        match client.delete(None).await.map_err(of_azure) {
            // Somebody else was quicker.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => drop(result.map_err(|error| error.with_resource(&name))?),
        }
    }
    Ok(())
}

/// Creates a queue, unless it is there.
pub(crate) async fn ensure(client: &QueueClient, name: &str) -> Result<()> {
    match client.create(None).await.map_err(of_azure) {
        // With metadata of somebody's own, which stays.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result.map(drop).map_err(|error| error.with_resource(name)),
    }
}
