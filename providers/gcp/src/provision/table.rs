//! Tables: a document that stands for the table, and what Firestore is to do with the fields of its items; removed document by
//! document.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, ErrorKind, Result};
use tonic::Code;

use super::NAME;
use crate::config::Connection;
use crate::error::{of_part, of_status};
use crate::kv::database::{DELETE_ROOM, Database, delete, mark, name_of, too_many, unconditional};
use crate::kv::place::Place;
use crate::kv::{FirestoreTable, fields};
use crate::proto::firestore::{Value, ValueType};
use crate::proto::query::{
    CollectionSelector, Cursor, Direction, FieldReference, Order, Projection, StructuredQuery,
};

/// How many items are deleted with one request.
const BATCH: i32 = 200;
/// How many partitions are emptied at once.
const AT_ONCE: usize = 8;

pub(super) fn open(connection: Arc<Connection>, url: &ResourceUrl) -> Result<Arc<dyn KeyValueStore>> {
    Ok(Arc::new(FirestoreTable::new(connection, Place::of(url)?, url.name())))
}

/// Creates the table, or makes sure of the one that is there. The database is not created: where it is to be is for ever.
pub(super) async fn create(connection: &Arc<Connection>, url: &ResourceUrl) -> Result<()> {
    let database = Database::open(connection, &Place::of(url)?).await?;
    fields::prepare(&database).await.map_err(no_database)?;
    database.commit(vec![mark(database.names().marker())], Bytes::new()).await.map_err(no_database)?;
    Ok(())
}

/// Removes all items, and at last the document that stands for the table: where it does not get done, the table is there still.
pub(super) async fn remove(connection: &Arc<Connection>, url: &ResourceUrl) -> Result<()> {
    let database = Database::open(connection, &Place::of(url)?).await?;
    match remove_from(&database).await {
        // There is no database, and so no table.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        ended => ended.map_err(unconditional),
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
    database.commit(vec![delete(marker, None)], Bytes::new()).await?;
    Ok(())
}

/// Deletes all items of a partition, some of them at a time.
async fn empty(database: &Database, partition: String) -> Result<()> {
    let mut last = None;
    loop {
        let names = names_of(database, &partition, last.as_deref()).await?;
        last = names.last().cloned();
        if last.is_none() {
            return Ok(());
        }
        let deletes: Vec<_> = names.into_iter().map(|name| delete(name, None)).collect();
        let room = deletes.len() * DELETE_ROOM;
        let answer = database.write_each(deletes, room).await?;
        if let Some(status) = answer.status.into_iter().find(|status| status.code != Code::Ok as i32) {
            return Err(of_part(status));
        }
    }
}

/// The names of some of a partition's items, after this one: also of those that are not Skyport's.
async fn names_of(database: &Database, partition: &str, after: Option<&str>) -> Result<Vec<String>> {
    let name = || Some(FieldReference { field_path: Bytes::from_static(b"__name__") });
    let cursor = |name: &str| Cursor {
        values: vec![Value {
            value_type: Some(ValueType::Reference(Bytes::copy_from_slice(name.as_bytes()))),
        }],
        before: false,
    };
    let query = StructuredQuery {
        select: Some(Projection { fields: name().into_iter().collect() }),
        from: vec![CollectionSelector { collection_id: database.names().items(), all_descendants: false }],
        order_by: vec![Order { field: name(), direction: Direction::Ascending.into() }],
        start_at: after.map(cursor),
        limit: Some(BATCH),
        ..StructuredQuery::default()
    };
    let mut stream = database.query(partition.to_owned(), query).await.map_err(of_status)?;
    let mut names = Vec::new();
    while let Some(message) = stream.message().await.map_err(of_status)? {
        names.extend(message.document.map(name_of).transpose()?);
        if i32::try_from(names.len()).is_ok_and(|found| found > BATCH) {
            return Err(too_many());
        }
    }
    Ok(names)
}

fn no_database(error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return unconditional(error);
    }
    let text = "there is no such database of Firestore: create it first, with `gcloud firestore databases create --location=..`";
    Error::new(ErrorKind::NotFound, text).with_source(error).with_provider(NAME)
}
