//! The rows of queues: finding, creating and removing them, and ending the leases that are over.
//!
//! A message is ready where it has no lease and its time has come; it is leased until its time comes; it is delayed where
//! it has no lease and its time is to come. Its column `head` is 1, or 0 where it stands behind another one of its group; and 2 more while it
//! is leased.

use rusqlite::{Connection, OptionalExtension, params};
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::{Depth, QueueSettings};

use crate::error::Fault;
use crate::writer::Job;
use skyport_core::refusal::Refusal;

/// Begins the name of a queue of dead letters.
pub(crate) const DEAD: &str = "dead/";

/// The reason of a letter whose attempts were spent.
const SPENT: &str = "attempts";

/// The reason of a letter that could not be read.
const DAMAGED: &str = "its row in the database is damaged";

/// A queue as it was created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueRow {
    pub(crate) id: i64,
    pub(crate) max_attempts: i64,
    pub(crate) ordered: bool,
    /// Where its dead letters go; none for a queue of dead letters.
    pub(crate) dead: Option<i64>,
}

/// The name of a declared queue in the database.
pub(crate) fn declared(name: &str) -> String {
    format!("queue/{name}")
}

pub(crate) fn find(connection: &Connection, name: &str) -> Result<QueueRow, Fault> {
    Ok(look_up(connection, name)?.ok_or(Refusal::NoQueue)?)
}

fn look_up(connection: &Connection, name: &str) -> rusqlite::Result<Option<QueueRow>> {
    connection
        .prepare_cached("SELECT id, max_attempts, ordered, dead_id FROM queues WHERE name = ?1")?
        .query_row([name], read)
        .optional()
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<QueueRow> {
    Ok(QueueRow { id: row.get(0)?, max_attempts: row.get(1)?, ordered: row.get(2)?, dead: row.get(3)? })
}

/// The queue whose dead letters these are.
pub(crate) fn origin(connection: &Connection, queue: &QueueRow) -> rusqlite::Result<Option<QueueRow>> {
    if queue.dead.is_some() {
        return Ok(None);
    }
    connection
        .prepare_cached("SELECT id, max_attempts, ordered, dead_id FROM queues WHERE dead_id = ?1")?
        .query_row([queue.id], read)
        .optional()
}

/// Creates a queue and that of its dead letters, or takes over the attempts that are now asked for; its id.
pub(crate) fn create(job: &mut Job<'_>, name: &str, settings: &QueueSettings) -> Result<i64, Fault> {
    let max_attempts = i64::from(settings.max_attempts.max(1));
    if let Some(there) = look_up(job.connection, name)? {
        if there.ordered != settings.ordered {
            return Err(Refusal::OrderFixed.into());
        }
        job.connection
            .prepare_cached("UPDATE queues SET max_attempts = ?2 WHERE id = ?1 AND max_attempts <> ?2")?
            .execute(params![there.id, max_attempts])?;
        return Ok(there.id);
    }
    let mut insert = job.connection.prepare_cached(
        "INSERT INTO queues (name, max_attempts, ordered, dead_id) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let dead = insert.insert(params![format!("{DEAD}{name}"), i64::MAX, false, None::<i64>])?;
    Ok(insert.insert(params![name, max_attempts, settings.ordered, dead])?)
}

/// Removes a queue with its dead letters and all messages; a missing one is Ok.
pub(crate) fn remove(job: &mut Job<'_>, name: &str) -> Result<(), Fault> {
    let Some(queue) = look_up(job.connection, name)? else {
        return Ok(());
    };
    for id in [Some(queue.id), queue.dead].into_iter().flatten() {
        for sql in [
            "DELETE FROM messages WHERE queue_id = ?1",
            "DELETE FROM dedupes WHERE queue_id = ?1",
            "DELETE FROM queues WHERE id = ?1",
        ] {
            job.connection.prepare_cached(sql)?.execute([id])?;
        }
        job.after.wake.push(id);
    }
    Ok(())
}

/// Ends the leases that are over: messages return, or go to the dead letters where their attempts are spent. For a queue
/// of dead letters that is done in the queue whose they are.
pub(crate) fn advance(job: &mut Job<'_>, queue: &QueueRow, now: i64) -> Result<(), Fault> {
    let origin = origin(job.connection, queue)?;
    for queue in [Some(*queue), origin].iter().flatten() {
        let over: Vec<i64> = {
            let mut statement = job.connection.prepare_cached(
                "SELECT id FROM messages WHERE queue_id = ?1 AND head IN (2, 3) AND visible_at <= ?2 ORDER BY id",
            )?;
            statement.query_map(params![queue.id, now], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
        };
        for id in over {
            // An earlier one of its group may have taken it back already.
            if let Some(message) = leased(job.connection, queue, id)? {
                give_back(job, queue, &message, message.visible_at, now)?;
            }
        }
    }
    Ok(())
}

/// A leased message.
pub(crate) struct Leased {
    pub(crate) id: i64,
    pub(crate) lease: i64,
    pub(crate) visible_at: i64,
    pub(crate) attempts: i64,
    pub(crate) group: Option<String>,
}

pub(crate) fn leased(connection: &Connection, queue: &QueueRow, id: i64) -> rusqlite::Result<Option<Leased>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, lease, visible_at, attempts, group_name FROM messages
         WHERE id = ?1 AND queue_id = ?2 AND lease IS NOT NULL",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Leased {
            id: row.get(0)?,
            lease: row.get(1)?,
            visible_at: row.get(2)?,
            attempts: row.get(3)?,
            group: row.get(4)?,
        })
    };
    statement.query_row(params![id, queue.id], read).optional()
}

/// Returns a leased message to its queue from `due` on, or to the dead letters where its attempts are spent; with it, in
/// an ordered queue, those of its group that were received after it.
pub(crate) fn give_back(
    job: &mut Job<'_>,
    queue: &QueueRow,
    message: &Leased,
    due: i64,
    now: i64,
) -> Result<(), Fault> {
    if let Some(group) = message.group.as_deref().filter(|_| queue.ordered) {
        // They did not fail: it does not count as an attempt. Those in flight are few, the group may be long.
        job.connection
            .prepare_cached(
                "UPDATE messages INDEXED BY messages_due
                 SET head = head & 1, lease = NULL, visible_at = min(visible_at, ?4), attempts = attempts - 1
                 WHERE queue_id = ?1 AND head IN (2, 3) AND group_name = ?2 AND id > ?3",
            )?
            .execute(params![queue.id, group, message.id, now])?;
    }
    job.after.wake.push(queue.id);
    if message.attempts >= queue.max_attempts {
        return bury(job, queue, message.id, SPENT, now);
    }
    job.connection
        .prepare_cached("UPDATE messages SET head = head & 1, lease = NULL, visible_at = ?2 WHERE id = ?1")?
        .execute(params![message.id, due])?;
    Ok(())
}

/// Moves a message to the dead letters.
pub(crate) fn bury(
    job: &mut Job<'_>,
    queue: &QueueRow,
    id: i64,
    reason: &str,
    now: i64,
) -> Result<(), Fault> {
    let dead = queue.dead.ok_or(Refusal::NoDeadLetters)?;
    let packed: String = job
        .connection
        .prepare_cached("SELECT envelope FROM messages WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    let mut envelope = read_envelope(&packed)?;
    envelope.set_reason(Some(reason));
    // A new row, so that the letter stands behind those that died before it.
    job.connection
        .prepare_cached(
            "INSERT INTO messages
             (queue_id, visible_at, lease, attempts, group_name, sent_at, kept_from, attributes, envelope, body)
             SELECT ?2, ?3, NULL, 0, group_name, sent_at, ?3, attributes, ?4, body FROM messages WHERE id = ?1",
        )?
        .execute(params![id, dead, now, envelope.pack()])?;
    delete(job.connection, id)?;
    job.after.wake.extend([dead, queue.id]);
    Ok(())
}

/// Moves a message that cannot be read to the dead letters, or anew to its own queue where that is one of them: its body as it can be kept,
/// and the reason, without its attributes.
pub(crate) fn bury_damaged(job: &mut Job<'_>, queue: &QueueRow, id: i64, now: i64) -> Result<(), Fault> {
    let target = queue.dead.unwrap_or(queue.id);
    let mut envelope = Envelope::default();
    envelope.set_reason(Some(DAMAGED));
    job.connection
        .prepare_cached(
            "INSERT INTO messages
             (queue_id, visible_at, lease, attempts, group_name, sent_at, kept_from, attributes, envelope, body)
             SELECT ?2, ?3, NULL, 0, NULL, CAST(sent_at AS INTEGER), ?3, '{}', ?4, CAST(body AS BLOB) FROM messages
             WHERE id = ?1",
        )?
        .execute(params![id, target, now, envelope.pack()])?;
    delete(job.connection, id)?;
    job.after.wake.extend([target, queue.id]);
    Ok(())
}

pub(crate) fn delete(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM messages WHERE id = ?1")?.execute([id])?;
    Ok(())
}

pub(crate) fn read_envelope(packed: &str) -> Result<Envelope, Fault> {
    if packed.is_empty() {
        return Ok(Envelope::default());
    }
    Ok(Envelope::unpack(packed)?)
}

/// How many messages there are; leases that are over count as ended.
pub(crate) fn depth(connection: &Connection, queue: &QueueRow, now: i64) -> Result<Depth, Fault> {
    let mut count = connection.prepare_cached(
        "SELECT count(*) FILTER (WHERE visible_at <= ?2 AND (lease IS NULL OR attempts < ?3)),
                count(*) FILTER (WHERE visible_at > ?2 AND lease IS NOT NULL),
                count(*) FILTER (WHERE visible_at > ?2 AND lease IS NULL)
         FROM messages WHERE queue_id = ?1",
    )?;
    let mut depth = count.query_row(params![queue.id, now, queue.max_attempts], |row| {
        let mut depth = Depth::default();
        depth.ready = row.get(0)?;
        depth.in_flight = row.get(1)?;
        depth.delayed = row.get(2)?;
        Ok(depth)
    })?;
    if let Some(origin) = origin(connection, queue)? {
        let mut spent = connection.prepare_cached(
            "SELECT count(*) FROM messages
             WHERE queue_id = ?1 AND head IN (2, 3) AND visible_at <= ?2 AND attempts >= ?3",
        )?;
        depth.ready +=
            spent.query_row(params![origin.id, now, origin.max_attempts], |row| row.get::<_, u64>(0))?;
    }
    Ok(depth)
}
