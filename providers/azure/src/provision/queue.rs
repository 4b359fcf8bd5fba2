//! Queues of Queue Storage, each with the queue of its dead letters.

use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind as Native;
use azure_storage_queue::QueueClient;
use skyport_core::provider::ResourceUrl;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::retry::patiently;
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep};

use crate::config::Connection;
use crate::error::of_azure;
use crate::queue::{Names, StorageQueue, client};

/// A queue that was removed is cleared away for at least 30 seconds, and cannot be made anew until then.
const CLEARED_AWAY: Duration = Duration::from_secs(60);

/// How often it is tried meanwhile.
const PAUSE: Duration = Duration::from_secs(2);

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
        let until = Instant::now() + CLEARED_AWAY;
        loop {
            match patiently(&name, Error::is_retryable, || make(&client, &name)).await? {
                Made::There => break,
                Made::Going(_) if Instant::now() < until => sleep(PAUSE).await,
                Made::Going(error) => return Err(error),
            }
        }
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

/// Whether a queue is there. Whoever may not look is told that it is: using it says more.
#[cfg(feature = "events")]
pub(crate) async fn is_there(connection: &Arc<Connection>, name: &str) -> Result<bool> {
    let client = client(connection, name)?;
    let looked = patiently(name, Error::is_retryable, || async {
        client.get_properties(None).await.map(drop).map_err(of_azure)
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

/// What became of a queue that was to be made.
enum Made {
    /// It is there.
    There,
    /// One of its name is still being cleared away, as this error says.
    Going(Error),
}

/// Creates a queue, unless it is there.
pub(crate) async fn ensure(client: &QueueClient, name: &str) -> Result<()> {
    match make(client, name).await? {
        Made::There => Ok(()),
        Made::Going(error) => Err(error),
    }
}

async fn make(client: &QueueClient, name: &str) -> Result<Made> {
    let Err(error) = client.create(None).await else { return Ok(Made::There) };
    let is_going = matches!(
        error.kind(),
        Native::HttpResponse { error_code: Some(code), .. } if code == "QueueBeingDeleted"
    );
    let error = of_azure(error).with_resource(name);
    match error.kind() {
        _ if is_going => Ok(Made::Going(error)),
        // With metadata of somebody's own, which stays.
        ErrorKind::AlreadyExists => Ok(Made::There),
        _ => Err(error),
    }
}
