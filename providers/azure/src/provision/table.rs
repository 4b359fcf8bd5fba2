//! Tables of Table Storage.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{ResourceUrl, TableSettings};
use skyport_core::retry::{patiently, patiently_for};
use skyport_core::{Error, ErrorKind, Result};

use super::NAME;
use crate::config::Connection;
use crate::kv::client::Client;
use crate::kv::{AzureTable, name};

/// A table that was removed is cleared away for at least 40 seconds, and cannot be made anew until then.
const CLEARED_AWAY: Duration = Duration::from_secs(60);

pub(super) fn open(
    connection: Arc<Connection>,
    url: &ResourceUrl,
    settings: &TableSettings,
) -> Result<Arc<dyn KeyValueStore>> {
    Ok(Arc::new(AzureTable::new(ordered(connection)?, url.name(), name::of(url.name())?, settings)))
}

/// Makes a table, unless it is there. The name of one that was removed a moment ago is waited for.
pub(super) async fn create(
    connection: &Arc<Connection>,
    url: &ResourceUrl,
    settings: &TableSettings,
) -> Result<()> {
    let client = Client::new(ordered(Arc::clone(connection))?);
    let table = name::of(url.name())?;
    let made = patiently_for(url.name(), CLEARED_AWAY, is_cleared_away, || {
        patiently(
            url.name(),
            |error| error.is_retryable() && !is_cleared_away(error),
            || make(&client, &table),
        )
    });
    let is_new = made.await?;
    let table = AzureTable::new(Arc::clone(connection), url.name(), table, settings);
    match (settings.reverse_index, is_new) {
        // What was written before there was an index has none.
        (true, _) => table.mirror_all().await,
        (false, false) => table.forget_mirrored().await,
        (false, true) => Ok(()),
    }
}

/// Removes a table with all that is in it. A missing one is Ok.
pub(super) async fn remove(connection: &Arc<Connection>, url: &ResourceUrl, _: &TableSettings) -> Result<()> {
    let client = Client::new(ordered(Arc::clone(connection))?);
    let table = name::of(url.name())?;
    patiently(url.name(), Error::is_retryable, || unmake(&client, &table)).await
}

/// Whether it is new.
async fn make(client: &Client, table: &str) -> Result<bool> {
    let body = json!({ "TableName": table }).to_string();
    let call = client
        .write(Method::POST, &["Tables"])
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(body);
    match client.send(call).await {
        Err(failure) if failure.is(&["TableAlreadyExists"]) => Ok(false),
        Err(failure) if failure.is(&["TableBeingDeleted"]) => {
            let text = "a table of this name was removed a moment ago, and Azure is still clearing it away: try again in a minute";
            Err(Error::new(ErrorKind::Conflict, text).with_source(Error::from(failure)).with_provider(NAME))
        }
        made => made.map(|_| true).map_err(Error::from),
    }
}

async fn unmake(client: &Client, table: &str) -> Result<()> {
    match client.send(client.call(Method::DELETE, &["Tables('", table, "')"])).await {
        Err(failure) if failure.is(&["TableNotFound", "ResourceNotFound", "TableBeingDeleted"]) => Ok(()),
        removed => removed.map(drop).map_err(Error::from),
    }
}

fn is_cleared_away(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict
}

/// The connection, where it is to a service that keeps rows in order.
fn ordered(connection: Arc<Connection>) -> Result<Arc<Connection>> {
    let url = connection.url(&[])?;
    if url.host_str().is_some_and(|host| host.contains(".table.cosmos.")) {
        let text = "Cosmos DB for Table does not keep rows in order, and cannot be a table: use a storage account's Table Storage";
        return Err(Error::unsupported(text).with_provider(NAME));
    }
    Ok(connection)
}
