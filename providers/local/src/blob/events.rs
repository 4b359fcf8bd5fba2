//! Who is told of a bucket's changes: one queue a subscriber, filled in the transaction that makes the change.

use std::time::SystemTime;

use rusqlite::params;
use skyport_core::blob::port::{Etag, Subscriber};
use skyport_core::clock::to_millis;
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::queue::port::{OutMessage, QueueSettings};

use super::objects;
use crate::engine::millis;
use crate::error::Fault;
use crate::queue::{insert, rows};
use crate::writer::Job;

/// What happened to an object.
pub(super) struct Change<'a> {
    pub(super) what: BlobChange,
    pub(super) bucket: i64,
    pub(super) bucket_name: &'a str,
    pub(super) key: &'a str,
    pub(super) object: Option<(u64, &'a Etag)>,
}

/// Adds a subscription, or takes over what one of that name now wants; the name of its queue, which stays.
pub(super) fn subscribe(
    job: &mut Job<'_>,
    bucket_name: &str,
    subscriber: &Subscriber,
) -> Result<String, Fault> {
    let bucket = objects::bucket(job.connection, bucket_name)?;
    let name = format!("events/{bucket}/{}", subscriber.name);
    let mut settings = QueueSettings::default();
    settings.max_attempts = subscriber.max_attempts;
    let queue = rows::create(job, &name, &settings)?;
    job.connection
        .prepare_cached(
            "INSERT INTO subscriptions (bucket_id, name, queue_id, created, deleted) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (bucket_id, name) DO UPDATE SET created = excluded.created, deleted = excluded.deleted",
        )?
        .execute(params![
            bucket,
            subscriber.name,
            queue,
            subscriber.created,
            subscriber.deleted
        ])?;
    Ok(name)
}

/// Puts the event in the queue of each subscriber that wants it.
pub(super) fn tell(job: &mut Job<'_>, change: &Change<'_>, now: SystemTime) -> Result<(), Fault> {
    let created = change.what == BlobChange::Created;
    let queues: Vec<i64> = job
        .connection
        .prepare_cached(
            "SELECT queue_id FROM subscriptions WHERE bucket_id = ?1 AND CASE WHEN ?2 THEN created ELSE deleted END",
        )?
        .query_map(params![change.bucket, created], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if queues.is_empty() {
        return Ok(());
    }
    let mut event = BlobEvent::new(change.what, change.bucket_name, change.key, now);
    if let Some((size, etag)) = change.object {
        event.size = Some(size);
        event.etag = Some(etag.clone());
    }
    let message = OutMessage::new(event.to_json());
    for queue in queues {
        insert(job, queue, false, &message, millis(to_millis(now)), 0)?;
    }
    Ok(())
}
