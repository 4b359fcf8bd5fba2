//! A queue as a table: a row has its lease, its attempts and when it may be taken. No groups, no dead letters, no dedupe ids, no trace.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::{Connection, params};
use skyport_measure::Outcome;

use super::Hand;

/// The table of messages. The ids are never given twice, as in the provider.
pub const SCHEMA: &str = "
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    lease INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    sent_at INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX messages_due ON messages (queue_id, visible_at, id);
";

const SEND: &str =
    "INSERT INTO messages (queue_id, visible_at, sent_at, attributes, body) VALUES (1, ?1, ?1, '{}', ?2)";
const TAKE: &str = "UPDATE messages SET lease = abs(random()), visible_at = ?2, attempts = attempts + 1
     WHERE id IN (SELECT id FROM messages WHERE queue_id = 1 AND visible_at <= ?1 ORDER BY visible_at, id LIMIT ?3)
     RETURNING id, lease, body, attributes, attempts, sent_at";
const ACK: &str = "DELETE FROM messages WHERE id = ?1 AND lease = ?2";

/// What was received.
#[derive(Debug)]
pub struct Delivery {
    /// Its place in the table.
    pub id: i64,
    /// Of this receive.
    pub lease: i64,
    /// What was sent.
    pub body: Vec<u8>,
    /// The sender's.
    pub attributes: String,
    /// This one is counted.
    pub attempts: i64,
    /// In milliseconds.
    pub sent_at: i64,
}

/// The queue.
#[derive(Clone, Debug)]
pub struct Jobs(pub Hand);

impl Jobs {
    /// Sends messages, all or none.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn send(&self, bodies: Vec<Bytes>) -> Outcome {
        self.0
            .write(move |connection| {
                let now = millis(Duration::ZERO);
                in_one(connection, SEND, &bodies, |body| (now, body.to_vec()))
            })
            .await?;
        Ok(())
    }

    /// Takes up to `max` that are ready, for so long.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn receive(&self, max: i64, lease: Duration) -> Outcome<Vec<Delivery>> {
        self.0
            .write(move |connection| {
                // The time at which it is its turn: a message that is there was sent before.
                let (now, until) = (millis(Duration::ZERO), millis(lease));
                let mut take = connection.prepare_cached(TAKE)?;
                take.query_map(params![now, until, max], read)?.collect()
            })
            .await
    }

    /// They are done; how many were still leased.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn ack(&self, receipts: Vec<(i64, i64)>) -> Outcome<usize> {
        self.0.write(move |connection| in_one(connection, ACK, &receipts, |receipt| *receipt)).await
    }
}

/// Runs a statement for each, in one transaction where there are several; how many rows it changed.
pub fn in_one<T, P: rusqlite::Params>(
    connection: &mut Connection,
    sql: &str,
    each: &[T],
    values: impl Fn(&T) -> P,
) -> rusqlite::Result<usize> {
    if let [one] = each {
        return connection.prepare_cached(sql)?.execute(values(one));
    }
    let transaction = connection.transaction()?;
    let mut changed = 0;
    for one in each {
        changed += transaction.prepare_cached(sql)?.execute(values(one))?;
    }
    transaction.commit()?;
    Ok(changed)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        lease: row.get(1)?,
        body: row.get(2)?,
        attributes: row.get(3)?,
        attempts: row.get(4)?,
        sent_at: row.get(5)?,
    })
}

/// So long from now, in milliseconds.
fn millis(from_now: Duration) -> i64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + from_now;
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
