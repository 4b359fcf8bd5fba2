//! Containers of Blob Storage.

use std::sync::Arc;
use std::time::Duration;

use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use skyport_core::blob::port::BlobStore;
use skyport_core::provider::ResourceUrl;
use skyport_core::retry::patiently;
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use super::NAME;
#[cfg(feature = "events")]
use crate::blob::Deliveries;
use crate::blob::{Container, name};
use crate::config::Connection;
use crate::error;

/// So long a container that is being removed is waited for, before another of its name is made. Azure takes about 40 seconds.
const PATIENCE: Duration = Duration::from_secs(90);

pub(super) fn open(connection: Arc<Connection>, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
    Ok(Arc::new(Container::open(connection, valid(url.name())?)))
}

/// Opens a container whose events are delivered so.
#[cfg(feature = "events")]
pub(super) fn open_told(
    connection: Arc<Connection>,
    url: &ResourceUrl,
    deliveries: Deliveries,
) -> Result<Arc<dyn BlobStore>> {
    Ok(Arc::new(Container::open(connection, valid(url.name())?).told_by(deliveries)))
}

/// Whether a container is there.
///
/// # Errors
/// `NotFound` where it is not.
#[cfg(feature = "events")]
pub(crate) async fn look(connection: &Connection, name: &str) -> Result<()> {
    patiently(name, Error::is_retryable, || async {
        Box::pin(client(connection, name)?.get_properties(None)).await.map(drop).map_err(error::of_azure)
    })
    .await
}

/// Makes a container, unless it is there. It is never open to the public.
pub(super) async fn create(connection: &Arc<Connection>, url: &ResourceUrl) -> Result<()> {
    let name = valid(url.name())?;
    let until = Instant::now() + PATIENCE;
    loop {
        match patiently(name, Error::is_retryable, || make(connection, name)).await {
            Err(error) if is_going(&error) && Instant::now() < until => {}
            other => return other,
        }
    }
}

/// Removes a container with all that is in it. A missing one is Ok, and so is one that is being removed.
pub(super) async fn remove(connection: &Arc<Connection>, url: &ResourceUrl) -> Result<()> {
    let name = valid(url.name())?;
    patiently(name, Error::is_retryable, || async {
        match Box::pin(client(connection, name)?.delete(None)).await.map_err(error::of_azure) {
            Err(error) if error.kind() == ErrorKind::NotFound || is_going(&error) => Ok(()),
            other => other.map(drop),
        }
    })
    .await
}

async fn make(connection: &Connection, name: &str) -> Result<()> {
    match Box::pin(client(connection, name)?.create(None)).await.map_err(error::of_azure) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

fn client(connection: &Connection, name: &str) -> Result<BlobContainerClient> {
    let options = BlobContainerClientOptions {
        client_options: connection.options(),
        ..BlobContainerClientOptions::default()
    };
    let url = name::of_container(connection, name)?;
    BlobContainerClient::new(url, None, Some(options)).map_err(error::of_azure)
}

/// Whether Azure is still clearing away a container of this name.
fn is_going(error: &Error) -> bool {
    error::code(error) == Some("ContainerBeingDeleted")
}

/// A name that can be one of a container: it becomes a part of URLs.
fn valid(name: &str) -> Result<&str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_usual = (3..=63).contains(&name.len())
        && name.bytes().all(fits)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--");
    if is_usual || matches!(name, "$root" | "$web" | "$logs") {
        return Ok(name);
    }
    let text = format!(
        "`{name}` is no name of a container: it has 3 to 63 small letters, digits and single hyphens, and begins and ends with a letter \
         or digit"
    );
    Err(Error::invalid(text).with_provider(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_azure_takes_are_names() {
        for good in ["abc", "a-b", "0a1", "$root", "$web", &"a".repeat(63)] {
            assert_eq!(valid(good).expect(good), good);
        }
        for bad in [
            "",
            "ab",
            "Abc",
            "a_b",
            "a--b",
            "-ab",
            "ab-",
            "a.b",
            "a/b",
            "..",
            "$x",
            "\u{e4}bc",
            &"a".repeat(64),
        ] {
            let error = valid(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains("3 to 63"));
        }
    }
}
