//! The index of objects, and every change to it.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use skyport_core::blob::port::{Condition, Etag, ObjectMeta, Properties, Written};
use skyport_core::clock::{from_millis, to_millis};
use skyport_core::event::BlobChange;
use skyport_core::{Error, ErrorKind, Sparse, Token};

use super::{etag, events};
use crate::content::Draft;
use crate::engine::millis;
use crate::error::Fault;
use crate::queue::rows;
use crate::writer::Job;
use skyport_core::refusal::Refusal;

/// What a write brings.
pub(super) struct NewObject {
    pub(super) draft: Draft,
    pub(super) size: u64,
    pub(super) properties: Sparse<Properties>,
    pub(super) token: Token,
    pub(super) condition: Condition,
}

/// An object, and the id of its content.
pub(super) struct Object {
    pub(super) meta: ObjectMeta,
    pub(super) content: String,
}

/// Properties as they are stored.
#[derive(Default, Serialize, Deserialize)]
struct Packed {
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    cache_control: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    content_disposition: Option<String>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
    #[serde(rename = "m", default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    metadata: skyport_core::blob::port::Metadata,
}

fn pack(properties: Properties) -> Result<String, Fault> {
    let packed = Packed {
        content_type: properties.content_type,
        cache_control: properties.cache_control,
        content_disposition: properties.content_disposition,
        content_encoding: properties.content_encoding,
        metadata: properties.metadata,
    };
    let text = serde_json::to_string(&packed)
        .map_err(|error| Error::internal("properties could not be written").with_source(error))?;
    Ok(text)
}

fn unpack(text: &str) -> Result<Properties, Fault> {
    let packed: Packed = serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorKind::Malformed, "an object's properties are damaged").with_source(error)
    })?;
    let mut properties = Properties::default();
    properties.content_type = packed.content_type;
    properties.cache_control = packed.cache_control;
    properties.content_disposition = packed.content_disposition;
    properties.content_encoding = packed.content_encoding;
    properties.metadata = packed.metadata;
    Ok(properties)
}

/// The bucket's id.
pub(super) fn bucket(connection: &Connection, name: &str) -> Result<i64, Fault> {
    let id = connection
        .prepare_cached("SELECT id FROM buckets WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(id.ok_or(Refusal::NoBucket)?)
}

pub(crate) fn create(job: &mut Job<'_>, name: &str) -> Result<(), Fault> {
    job.connection
        .prepare_cached("INSERT INTO buckets (name) VALUES (?1) ON CONFLICT (name) DO NOTHING")?
        .execute([name])?;
    Ok(())
}

/// Removes a bucket with all objects and subscriptions; a missing one is Ok.
pub(crate) fn remove(job: &mut Job<'_>, name: &str) -> Result<(), Fault> {
    let Some(id) = job
        .connection
        .prepare_cached("SELECT id FROM buckets WHERE name = ?1")?
        .query_row([name], |row| row.get::<_, i64>(0))
        .optional()?
    else {
        return Ok(());
    };
    for queue in texts(
        job.connection,
        "SELECT q.name FROM subscriptions s JOIN queues q ON q.id = s.queue_id WHERE s.bucket_id = ?1",
        id,
    )? {
        job.connection.prepare_cached("DELETE FROM subscriptions WHERE bucket_id = ?1")?.execute([id])?;
        rows::remove(job, &queue)?;
    }
    let contents = texts(job.connection, "DELETE FROM objects WHERE bucket_id = ?1 RETURNING content", id)?;
    job.after.unlink.extend(contents);
    job.connection.prepare_cached("DELETE FROM buckets WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn texts(connection: &Connection, sql: &str, id: i64) -> rusqlite::Result<Vec<String>> {
    connection.prepare_cached(sql)?.query_map([id], |row| row.get(0))?.collect()
}

pub(super) fn find(connection: &Connection, bucket_name: &str, key: &str) -> Result<Object, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT content, size, modified, token, properties FROM objects
         WHERE bucket_id = (SELECT id FROM buckets WHERE name = ?1) AND key = ?2",
    )?;
    let mut rows = statement.query(params![bucket_name, key])?;
    if let Some(row) = rows.next()? {
        return read(row);
    }
    bucket(connection, bucket_name)?;
    Err(Error::from(Refusal::NoObject).with_key(key).into())
}

fn read(row: &Row<'_>) -> Result<Object, Fault> {
    let content: String = row.get(0)?;
    let modified = from_millis(row.get::<_, i64>(2)?.unsigned_abs());
    let mut meta = ObjectMeta::new(row.get(1)?, etag(&content), modified);
    meta.token = Some(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?.parse()?);
    meta.properties = unpack(row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?)?.into();
    Ok(Object { meta, content })
}

/// The content that stands under a key.
fn standing(connection: &Connection, bucket: i64, key: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT content FROM objects WHERE bucket_id = ?1 AND key = ?2")?
        .query_row(params![bucket, key], |row| row.get(0))
        .optional()
}

/// Puts an object in its place if the condition holds, and tells the subscribers, all in one transaction.
pub(super) fn store(
    job: &mut Job<'_>,
    bucket_name: &str,
    key: &str,
    new: NewObject,
    now: SystemTime,
) -> Result<Written, Fault> {
    let bucket = bucket(job.connection, bucket_name)?;
    let old = standing(job.connection, bucket, key)?;
    match (&new.condition, &old) {
        (Condition::None, _) | (Condition::IfAbsent, None) => {}
        (Condition::IfAbsent, Some(_)) => return Err(Refusal::Exists.into()),
        (Condition::IfMatch(asked), Some(content)) if asked.as_str() == content => {}
        (Condition::IfMatch(_), _) => return Err(Refusal::Changed.into()),
    }
    let content = new.draft.id().to_owned();
    job.connection
        .prepare_cached(
            "INSERT OR REPLACE INTO objects (bucket_id, key, content, size, modified, token, properties)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            bucket,
            key,
            content,
            millis(new.size),
            millis(to_millis(now)),
            new.token.to_string(),
            pack(new.properties.into_inner())?
        ])?;
    let etag = etag(&content);
    let change = events::Change {
        what: BlobChange::Created,
        bucket,
        bucket_name,
        key,
        object: Some((new.size, &etag)),
    };
    events::tell(job, &change, now)?;
    job.after.unlink.extend(old);
    job.after.keep.push(new.draft);
    Ok(Written::new(etag))
}

/// Deletes an object if the condition holds, and tells the subscribers where one was there.
pub(super) fn delete(
    job: &mut Job<'_>,
    bucket: i64,
    bucket_name: &str,
    key: &str,
    if_match: Option<&Etag>,
    now: SystemTime,
) -> Result<(), Fault> {
    let old = standing(job.connection, bucket, key)?;
    if let Some(asked) = if_match
        && old.as_deref() != Some(asked.as_str())
    {
        return Err(Refusal::Changed.into());
    }
    let Some(content) = old else { return Ok(()) };
    job.connection
        .prepare_cached("DELETE FROM objects WHERE bucket_id = ?1 AND key = ?2")?
        .execute(params![bucket, key])?;
    let change = events::Change { what: BlobChange::Deleted, bucket, bucket_name, key, object: None };
    events::tell(job, &change, now)?;
    job.after.unlink.push(content);
    Ok(())
}
