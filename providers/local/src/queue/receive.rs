//! Taking messages: leases for the ready ones, in the order of their time, or group by group.

use bytes::Bytes;
use rusqlite::{Connection, Statement, params};
use skyport_core::Error;
use skyport_core::clock::from_millis;
use skyport_core::queue::port::{Attributes, RawDelivery, Receipt};

use super::rows::{self, QueueRow};
use crate::error::Fault;
use crate::writer::Job;
use skyport_core::refusal::Refusal;

/// What a receive took.
pub(super) struct Taken {
    pub(super) queue: QueueRow,
    pub(super) deliveries: Vec<RawDelivery>,
}

/// Leases up to `max` ready messages until `until`.
pub(super) fn take(job: &mut Job<'_>, name: &str, max: usize, until: i64, now: i64) -> Result<Taken, Fault> {
    let queue = rows::find(job.connection, name)?;
    rows::advance(job, &queue, now)?;
    let ids = if queue.ordered {
        by_group(job.connection, &queue, max, now)?
    } else {
        ready(job.connection, &queue, max, now)?
    };
    let mut deliveries = Vec::with_capacity(ids.len());
    let connection = job.connection;
    let mut lease = connection.prepare_cached(
        "UPDATE messages SET head = head | 2, lease = ?2, visible_at = ?3, attempts = attempts + 1 WHERE id = ?1
         RETURNING body, attributes, envelope, attempts, sent_at, group_name",
    )?;
    for id in ids {
        match deliver(&mut lease, id, until) {
            Ok(delivery) => deliveries.push(delivery),
            // It blocks nobody: those behind it are received.
            Err(fault) if fault.is_of_a_row() => {
                tracing::warn!(
                    queue = name,
                    id,
                    ?fault,
                    "a message that cannot be read goes to the dead letters"
                );
                rows::bury_damaged(job, &queue, id, now)?;
            }
            Err(fault) => return Err(fault),
        }
    }
    // Who waits for the dead letters has a new time to wake at.
    let last = deliveries.iter().any(|delivery| i64::from(delivery.attempt) >= queue.max_attempts);
    if let Some(dead) = queue.dead.filter(|_| last) {
        job.after.wake.push(dead);
    }
    Ok(Taken { queue, deliveries })
}

fn ready(connection: &Connection, queue: &QueueRow, max: usize, now: i64) -> Result<Vec<i64>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM messages WHERE queue_id = ?1 AND head = 1 AND visible_at <= ?2 ORDER BY visible_at, id LIMIT ?3",
    )?;
    let ids = statement.query_map(params![queue.id, now, max as i64], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Whole groups, while there is room: the first of a group that is ready and not leased frees those behind it.
fn by_group(connection: &Connection, queue: &QueueRow, max: usize, now: i64) -> Result<Vec<i64>, Fault> {
    let mut heads = connection.prepare_cached(
        "SELECT id, group_name FROM messages
         WHERE queue_id = ?1 AND head = 1 AND visible_at <= ?2 ORDER BY visible_at, id LIMIT ?3",
    )?;
    let mut behind = connection.prepare_cached(
        "SELECT id, lease IS NULL AND visible_at <= ?4 FROM messages
         WHERE queue_id = ?1 AND group_name = ?2 AND id > ?3 ORDER BY id LIMIT ?5",
    )?;
    let mut taken = Vec::new();
    let mut heads = heads.query(params![queue.id, now, max as i64])?;
    while let Some(head) = heads.next()? {
        if taken.len() == max {
            break;
        }
        let id: i64 = head.get(0)?;
        taken.push(id);
        let Some(group) = head.get::<_, Option<String>>(1)? else {
            continue;
        };
        let room = (max - taken.len()) as i64;
        let mut rest = behind.query(params![queue.id, group, id, now, room])?;
        while let Some(next) = rest.next()? {
            if !next.get::<_, bool>(1)? {
                // In its backoff: those behind it wait for it.
                break;
            }
            taken.push(next.get(0)?);
        }
    }
    Ok(taken)
}

fn deliver(statement: &mut Statement<'_>, id: i64, until: i64) -> Result<RawDelivery, Fault> {
    let lease = fastrand::i64(1..);
    let mut rows = statement.query(params![id, lease, until])?;
    let row = rows.next()?.ok_or(Refusal::NotLeased)?;
    let body: Vec<u8> = row.get(0)?;
    let sent_at = from_millis(row.get::<_, i64>(4)?.unsigned_abs());
    let mut delivery = RawDelivery::new(id.to_string(), Bytes::from(body), write_receipt(id, lease), sent_at);
    let text = |column| Ok::<_, Fault>(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?);
    delivery.attributes = read_attributes(text(1)?)?.into();
    delivery.envelope = rows::read_envelope(text(2)?)?.into();
    delivery.attempt = u32::try_from(row.get::<_, i64>(3)?).unwrap_or(u32::MAX);
    delivery.group = row.get(5)?;
    // The statement is done once it has no more rows.
    rows.next()?;
    Ok(delivery)
}

fn read_attributes(text: &str) -> Result<Attributes, Fault> {
    serde_json::from_str(text).map_err(|error| {
        let error = Error::new(skyport_core::ErrorKind::Malformed, "a message's attributes are damaged")
            .with_source(error);
        Fault::Ours(error)
    })
}

fn write_receipt(id: i64, lease: i64) -> Receipt {
    Receipt::new(format!("{id:x}-{lease:x}"))
}

/// The message and the lease of a receipt.
pub(super) fn read_receipt(receipt: &Receipt) -> Result<(i64, i64), Fault> {
    let parsed = receipt.as_str().split_once('-').and_then(|(id, lease)| {
        let id = i64::from_str_radix(id, 16).ok()?;
        Some((id, i64::from_str_radix(lease, 16).ok()?))
    });
    Ok(parsed.ok_or(Refusal::BadReceipt)?)
}

/// What a receiver that waits needs to know.
pub(super) struct Outlook {
    /// There may be something to take.
    pub(super) ready: bool,
    /// When a lease or a delay ends next.
    pub(super) next_due: Option<i64>,
}

/// Looks whether there is something to take, without taking it.
pub(super) fn outlook(connection: &Connection, name: &str, now: i64) -> Result<Outlook, Fault> {
    let queue = rows::find(connection, name)?;
    let mut ready = connection
        .prepare_cached(
            "SELECT 1 FROM messages WHERE queue_id = ?1 AND head IN (1, 3) AND visible_at <= ?2 LIMIT 1",
        )?
        .exists(params![queue.id, now])?;
    let mut next_due: Option<i64> = connection
        .prepare_cached(
            // Each is one look at the index; of both together it would read all.
            "SELECT min(due) FROM
             (SELECT min(visible_at) AS due FROM messages WHERE queue_id = ?1 AND head = 1 AND visible_at > ?2
              UNION ALL SELECT min(visible_at) FROM messages WHERE queue_id = ?1 AND head = 3 AND visible_at > ?2)",
        )?
        .query_row(params![queue.id, now], |row| row.get(0))?;
    if let Some(origin) = rows::origin(connection, &queue)? {
        let last: Option<i64> = connection
            .prepare_cached(
                "SELECT min(visible_at) FROM messages WHERE queue_id = ?1 AND head IN (2, 3) AND attempts >= ?2",
            )?
            .query_row(params![origin.id, origin.max_attempts], |row| row.get(0))?;
        ready |= last.is_some_and(|due| due <= now);
        next_due = next_due.into_iter().chain(last.filter(|due| *due > now)).min();
    }
    Ok(Outlook { ready, next_due })
}
