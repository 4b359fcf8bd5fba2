//! What has expired is deleted by Firestore itself, and by a sweep where that is not set up.

use bytes::Bytes;
use skyport_core::{Error, ErrorKind, Result};
use tonic::Code;

use super::database::{DELETE_ROOM, Database, delete, name_of, too_many};
use super::item::{EXPIRES, timestamp};
use super::{FirestoreTable, fields};
use crate::error::of_status;
use crate::proto::firestore::{ConditionType, Document, Value, ValueType};
use crate::proto::query::{
    CollectionSelector, Cursor, Direction, FieldFilter, FieldReference, Filter, Operator, Order, Projection,
    StructuredQuery,
};

/// How many documents are deleted with one request.
const BATCH: usize = 200;

impl FirestoreTable {
    /// Firestore deletes what has expired, within a day, where the time to live is on: then there is nothing to do. Elsewhere, as on
    /// an emulator, it is looked for by the expiry.
    pub(super) async fn sweep_up(&self) -> Result<u64> {
        let database = self.there().await?;
        if fields::deletes_expired(database).await? {
            return Ok(0);
        }
        let (mut swept, mut last, now) = (0, None, self.now());
        loop {
            let expired = find(database, now, last.as_ref()).await?;
            let Some(end) = expired.last() else { return Ok(swept) };
            let expires = end.fields.iter().find(|field| field.name == EXPIRES);
            let expires = expires.and_then(|field| field.value.clone()).unwrap_or_default();
            last = Some((expires, end.name.clone()));
            swept += delete_all(database, expired).await?;
        }
    }
}

/// Some of what has expired, after the last one that was found.
async fn find(database: &Database, now: u64, last: Option<&(Value, Bytes)>) -> Result<Vec<Document>> {
    let field = |path: &'static str| FieldReference { field_path: Bytes::from_static(path.as_bytes()) };
    let value = |value| Value { value_type: Some(value) };
    let expired = FieldFilter {
        field: Some(field(EXPIRES)),
        op: Operator::LessThanOrEqual.into(),
        value: Some(value(ValueType::Timestamp(timestamp(now)))),
    };
    let order = |path| Order { field: Some(field(path)), direction: Direction::Ascending.into() };
    let query = StructuredQuery {
        select: Some(Projection { fields: vec![field(EXPIRES)] }),
        from: vec![CollectionSelector { collection_id: database.names().items(), all_descendants: true }],
        r#where: Some(Filter { field_filter: Some(expired) }),
        order_by: vec![order(EXPIRES), order("__name__")],
        start_at: last.map(|(expires, name)| Cursor {
            values: vec![expires.clone(), value(ValueType::Reference(name.clone()))],
            before: false,
        }),
        limit: Some(BATCH as i32),
        ..StructuredQuery::default()
    };
    let mut stream =
        database.query(database.names().root(), query).await.map_err(|status| told(of_status(status)))?;
    let mut found = Vec::new();
    while let Some(message) = stream.message().await.map_err(|status| told(of_status(status)))? {
        found.extend(message.document);
        if found.len() > BATCH {
            return Err(too_many());
        }
    }
    Ok(found)
}

/// Deletes those of this table that nobody wrote anew since they were found; how many.
async fn delete_all(database: &Database, expired: Vec<Document>) -> Result<u64> {
    let ours = format!("{}/{}/", database.names().root(), database.names().partitions());
    let mut deletes = Vec::with_capacity(expired.len());
    for document in expired {
        if let Some(time) = document.update_time
            && document.name.starts_with(ours.as_bytes())
        {
            deletes.push(delete(name_of(document)?, Some(ConditionType::UpdateTime(time))));
        }
    }
    if deletes.is_empty() {
        return Ok(0);
    }
    let answer = database.write_each(deletes, BATCH * DELETE_ROOM).await?;
    let mut swept = 0;
    for status in answer.status {
        match Code::from(status.code) {
            Code::Ok => swept += 1,
            Code::FailedPrecondition | Code::NotFound => {}
            // The next sweep finds it again.
            code => tracing::debug!(?code, "an expired item was not deleted"),
        }
    }
    Ok(swept)
}

/// Without the time to live, and without an index by which to look, nothing can be done.
fn told(error: Error) -> Error {
    if error.kind() != ErrorKind::PreconditionFailed {
        return error;
    }
    let text = format!(
        "nothing deletes what expires in this table: turn Firestore's time to live on for the field `{EXPIRES}` of its \
         collection of items, or create the table with Skyport, which does so"
    );
    Error::unsupported(text).with_source(error).with_provider(crate::provision::NAME)
}
