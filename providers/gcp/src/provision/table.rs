//! Tables: a document that stands for the table, and what Firestore is to do with the fields of its items; removed document by
//! document.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, ErrorKind, Result};
use tonic::Code;

use super::NAME;
use crate::config::Connection;
use crate::error::of_part;
use crate::kv::database::{Database, delete, mark};
use crate::kv::place::Place;
use crate::kv::{FirestoreTable, fields};

/// How many partitions are emptied at once.
const AT_ONCE: usize = 8;

pub(super) fn open(connection: Arc<Connection>, url: &ResourceUrl) -> Result<Arc<dyn KeyValueStore>> {
    Ok(Arc::new(FirestoreTable::new(connection, Place::of(url)?, url.name())))
}

/// Creates the table, or makes sure of the one that is there. The database is not created: where it is to be is for ever.
pub(super) async fn create(connection: &Arc<Connection>, url: &ResourceUrl) -> Result<()> {
    let database = Database::open(connection, &Place::of(url)?).await?;
    fields::prepare(&database).await.map_err(no_database)?;
    database.commit(vec![mark(database.names().marker())], Vec::new()).await.map_err(no_database)?;
    Ok(())
}

/// Removes all items, and at last the document that stands for the table: where it does not get done, the table is there still.
pub(super) async fn remove(connection: &Arc<Connection>, url: &ResourceUrl) -> Result<()> {
    let database = Database::open(connection, &Place::of(url)?).await?;
    match remove_from(&database).await {
        // There is no database, and so no table.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        ended => ended,
    }
}

async fn remove_from(database: &Database) -> Result<()> {
    let (root, marker) = (database.names().root(), database.names().marker());
    let mut page = String::new();
    loop {
        let listed = database.list(&root, database.names().partitions(), page).await?;
        let names = listed.documents.into_iter().map(|document| document.name);
        let partitions = names.filter(|name| *name != marker).map(|name| empty(database, name));
        futures_util::stream::iter(partitions).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        page = listed.next_page_token;
        if page.is_empty() {
            break;
        }
    }
    fields::reset(database).await?;
    database.commit(vec![delete(marker, None)], Vec::new()).await?;
    Ok(())
}

/// Deletes all items of a partition, a page of them at a time.
async fn empty(database: &Database, partition: String) -> Result<()> {
    let mut page = String::new();
    loop {
        let listed = database.list(&partition, &database.names().items(), page).await?;
        let deletes: Vec<_> =
            listed.documents.into_iter().map(|document| delete(document.name, None)).collect();
        if !deletes.is_empty() {
            let answer = database.write_each(deletes).await?;
            if let Some(status) = answer.status.into_iter().find(|status| status.code != Code::Ok as i32) {
                return Err(of_part(status));
            }
        }
        page = listed.next_page_token;
        if page.is_empty() {
            return Ok(());
        }
    }
}

fn no_database(error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    let text = "there is no such database of Firestore: create it first, with `gcloud firestore databases create --location=..`";
    Error::new(ErrorKind::NotFound, text).with_source(error).with_provider(NAME)
}
