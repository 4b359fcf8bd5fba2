//! Sending: rows in, unless their dedupe id was sent a short while ago.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use skyport_core::queue::port::{MessageId, OutMessage};
use skyport_core::{Error, Result};

use super::rows::{self, QueueRow};
use crate::engine::millis;
use crate::error::Fault;
use crate::writer::Job;
use skyport_core::refusal::Refusal;

/// How long a dedupe id is remembered, in milliseconds.
const WINDOW: i64 = 300_000;

/// Sends messages in one transaction; each one's id, or why it was refused.
pub(super) fn send(
    job: &mut Job<'_>,
    name: &str,
    messages: &[OutMessage],
    now: i64,
) -> std::result::Result<Vec<Result<MessageId>>, Fault> {
    let connection = job.connection;
    let queue = rows::find(connection, name)?;
    let mut insert = Insert::new(connection)?;
    let mut sent = Vec::with_capacity(messages.len());
    for message in messages {
        sent.push(match send_one(connection, &mut insert, &queue, message, now) {
            Ok(id) => Ok(id.to_string().into()),
            // A refusal of this message alone; a fault of the database fails them all.
            Err(Fault::Ours(refusal)) => Err(refusal),
            Err(fault) => return Err(fault),
        });
    }
    job.after.wake.push(queue.id);
    Ok(sent)
}

fn send_one(
    connection: &Connection,
    insert: &mut Insert<'_>,
    queue: &QueueRow,
    message: &OutMessage,
    now: i64,
) -> std::result::Result<i64, Fault> {
    let delay = message.delay.map_or(0, |delay| millis(whole_millis(delay)));
    if delay > 0 && queue.ordered {
        return Err(Refusal::DelayInOrder.into());
    }
    let Some(dedupe_id) = &message.dedupe_id else {
        return insert.row(queue.id, queue.ordered, message, now, delay);
    };
    let first = connection
        .prepare_cached(
            "SELECT message_id FROM dedupes WHERE queue_id = ?1 AND dedupe_id = ?2 AND ends_at > ?3",
        )?
        .query_row(params![queue.id, dedupe_id, now], |row| row.get(0))
        .optional()?;
    if let Some(first) = first {
        return Ok(first);
    }
    let id = insert.row(queue.id, queue.ordered, message, now, delay)?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO dedupes (queue_id, dedupe_id, message_id, ends_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![queue.id, dedupe_id, id, now + WINDOW])?;
    Ok(id)
}

/// Adds a message to a queue; its id.
pub(crate) fn insert(
    job: &mut Job<'_>,
    queue: i64,
    ordered: bool,
    message: &OutMessage,
    now: i64,
    delay: i64,
) -> std::result::Result<i64, Fault> {
    let id = Insert::new(job.connection)?.row(queue, ordered, message, now, delay)?;
    job.after.wake.push(queue);
    Ok(id)
}

/// The statement that adds a message, looked up once for many.
struct Insert<'c>(CachedStatement<'c>);

impl<'c> Insert<'c> {
    fn new(connection: &'c Connection) -> std::result::Result<Self, Fault> {
        Ok(Self(connection.prepare_cached(
            "INSERT INTO messages
             (queue_id, visible_at, group_name, sent_at, kept_from, attributes, envelope, body, head)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7,
             NOT (?8 AND EXISTS (SELECT 1 FROM messages WHERE queue_id = ?1 AND group_name = ?3)))",
        )?))
    }

    fn row(
        &mut self,
        queue: i64,
        ordered: bool,
        message: &OutMessage,
        now: i64,
        delay: i64,
    ) -> std::result::Result<i64, Fault> {
        let attributes = serde_json::to_string(&*message.attributes)
            .map_err(|error| Error::internal("attributes could not be written").with_source(error))?;
        let envelope = if message.envelope.is_empty() { String::new() } else { message.envelope.pack() };
        Ok(self.0.insert(params![
            queue,
            now.saturating_add(delay),
            message.group,
            now,
            attributes,
            envelope,
            &*message.body,
            ordered
        ])?)
    }
}

/// Rounded up, so that nothing is early.
pub(super) fn whole_millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
