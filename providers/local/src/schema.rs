//! The tables of the database, and how a file is recognised as ours.

use rusqlite::{Connection, TransactionBehavior};
use skyport_core::{Error, ErrorKind};

use crate::error::{Fault, NAME};

/// Marks the file as Skyport's: "SkyP".
const APPLICATION_ID: i32 = 0x536b_7950;

/// What makes the tables, step by step: the version of a file is the number of steps that were taken.
const STEPS: [&str; 3] = [TABLES, HEADS, LEASED];

/// The version that this code reads and writes.
const VERSION: i32 = STEPS.len() as i32;

/// Up to this size the whole file is checked when it is opened; above, damage is found when it is met.
const CHECKED_BYTES: u64 = 32 << 20;

const TABLES: &str = "
CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('version', 0);

CREATE TABLE buckets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE objects (
    bucket_id INTEGER NOT NULL REFERENCES buckets (id),
    key TEXT NOT NULL,
    content TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    token TEXT NOT NULL,
    properties TEXT NOT NULL,
    PRIMARY KEY (bucket_id, key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX objects_content ON objects (content);

CREATE TABLE queues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    max_attempts INTEGER NOT NULL,
    ordered INTEGER NOT NULL,
    dead_id INTEGER REFERENCES queues (id)
);
CREATE INDEX queues_dead ON queues (dead_id) WHERE dead_id IS NOT NULL;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id INTEGER NOT NULL REFERENCES queues (id),
    visible_at INTEGER NOT NULL,
    lease INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    group_name TEXT,
    sent_at INTEGER NOT NULL,
    kept_from INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    envelope TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX messages_due ON messages (queue_id, visible_at, id);
CREATE INDEX messages_leased ON messages (queue_id, visible_at) WHERE lease IS NOT NULL;
CREATE INDEX messages_group ON messages (queue_id, group_name, id) WHERE group_name IS NOT NULL;
CREATE INDEX messages_kept ON messages (kept_from);
CREATE TABLE dedupes (
    queue_id INTEGER NOT NULL REFERENCES queues (id),
    dedupe_id TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (queue_id, dedupe_id)
) WITHOUT ROWID;
CREATE INDEX dedupes_end ON dedupes (ends_at);

CREATE TABLE subscriptions (
    bucket_id INTEGER NOT NULL REFERENCES buckets (id),
    name TEXT NOT NULL,
    queue_id INTEGER NOT NULL REFERENCES queues (id),
    created INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (bucket_id, name)
) WITHOUT ROWID;

CREATE TABLE tables (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE items (
    table_id INTEGER NOT NULL REFERENCES tables (id),
    partition BLOB NOT NULL,
    sort BLOB NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    expires INTEGER,
    token TEXT NOT NULL,
    slots TEXT,
    PRIMARY KEY (table_id, partition, sort)
) WITHOUT ROWID;
CREATE INDEX items_expiry ON items (expires) WHERE expires IS NOT NULL;
";

/// Marks what may be taken next: in an ordered queue the first of each group. A receive seeks these alone, however long the
/// line behind each is.
const HEADS: &str = "
ALTER TABLE messages ADD COLUMN head INTEGER NOT NULL DEFAULT 1;
UPDATE messages SET head = 0
WHERE queue_id IN (SELECT id FROM queues WHERE ordered) AND EXISTS
(SELECT 1 FROM messages AS ahead
 WHERE ahead.queue_id = messages.queue_id AND ahead.group_name = messages.group_name AND ahead.id < messages.id);
DROP INDEX messages_due;
CREATE INDEX messages_due ON messages (queue_id, head, visible_at, id);
CREATE TRIGGER messages_next AFTER DELETE ON messages WHEN OLD.head = 1 AND OLD.group_name IS NOT NULL BEGIN
    UPDATE messages SET head = 1 WHERE head = 0 AND id =
    (SELECT min(id) FROM messages WHERE queue_id = OLD.queue_id AND group_name = OLD.group_name);
END;
";

/// Marks what is leased in the same column, by 2 more, so that one index serves what may be taken and what is leased: each index more is a page
/// more that a send, a receive and a settlement write. Old messages are found by their ids, which grow as time does, and versions of items are
/// drawn: no counter is written beside each item.
const LEASED: &str = "
UPDATE messages SET head = head | 2 WHERE lease IS NOT NULL;
DROP INDEX messages_leased;
DROP INDEX messages_kept;
DROP TRIGGER messages_next;
CREATE TRIGGER messages_next AFTER DELETE ON messages WHEN OLD.head & 1 AND OLD.group_name IS NOT NULL BEGIN
    UPDATE messages SET head = head | 1 WHERE NOT head & 1 AND id =
    (SELECT min(id) FROM messages WHERE queue_id = OLD.queue_id AND group_name = OLD.group_name);
END;
DROP TABLE counters;
";

/// Refuses a file that is damaged, another program's or a later version's; only reads.
pub(crate) fn check(connection: &Connection, bytes: u64) -> Result<(), Fault> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (application, version) = marks(connection)?;
    if tables == 0 && application == 0 {
        return Ok(());
    }
    if application != APPLICATION_ID {
        return Err(refused("it is a database of another program's: name another data folder").into());
    }
    if version > VERSION {
        return Err(refused("it was written by a later version of Skyport: use that one").into());
    }
    if bytes <= CHECKED_BYTES {
        let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(damaged, Some(found)).into());
        }
    }
    Ok(())
}

/// Makes the tables, or brings those of an earlier version up to this one, unless another process was first.
pub(crate) fn create(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken = marks(&transaction)?.1;
    if taken < VERSION {
        for step in STEPS.iter().skip(usize::try_from(taken).unwrap_or(0)) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(())
}

fn marks(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let application = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((application, version))
}

fn refused(why: &'static str) -> Error {
    Error::new(
        ErrorKind::Malformed,
        format!("the file `{}` in the data folder is left as it is: {why}", crate::db::FILE),
    )
    .with_provider(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_next_is_sought_and_not_scanned_for() {
        let mut connection = Connection::open_in_memory().expect("a database");
        create(&mut connection).expect("made");
        let plan = |sql: &str| -> String {
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("valid");
            explain.query_row([], |row| row.get("detail")).expect("a plan")
        };
        let heads = "SELECT id, group_name FROM messages
                     WHERE queue_id = 1 AND head = 1 AND visible_at <= 2 ORDER BY visible_at, id";
        let sought = "SEARCH messages USING INDEX messages_due (queue_id=? AND head=? AND visible_at<?)";
        assert_eq!(plan(heads), sought);
        let over = "SELECT id FROM messages WHERE queue_id = 1 AND head IN (2, 3) AND visible_at <= 2";
        let sought =
            "SEARCH messages USING COVERING INDEX messages_due (queue_id=? AND head=? AND visible_at<?)";
        assert_eq!(plan(over), sought);
    }

    #[test]
    fn a_database_of_the_first_version_gets_the_heads_of_its_groups() {
        let mut connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(TABLES).expect("made");
        connection
            .execute_batch(
                "INSERT INTO queues VALUES (1, 'ordered', 5, 1, NULL), (2, 'plain', 5, 0, NULL);
                 PRAGMA user_version = 1;",
            )
            .expect("filled");
        for (queue, group) in
            [(1, "'a'"), (1, "'a'"), (1, "'b'"), (1, "NULL"), (1, "NULL"), (2, "'a'"), (2, "'a'")]
        {
            let sql = format!(
                "INSERT INTO messages
                 (queue_id, visible_at, group_name, sent_at, kept_from, attributes, envelope, body)
                 VALUES ({queue}, 0, {group}, 0, 0, '', '', x'')"
            );
            connection.execute_batch(&sql).expect("sent");
        }
        connection.execute_batch("UPDATE messages SET lease = 5 WHERE id = 6").expect("received");
        create(&mut connection).expect("brought up");
        let leased: i64 = connection
            .query_row("SELECT head FROM messages WHERE id = 6", [], |row| row.get(0))
            .expect("read");
        assert_eq!(leased, 3, "it is marked as leased");
        connection
            .execute_batch("UPDATE messages SET lease = NULL, head = head & 1 WHERE id = 6")
            .expect("returned");
        let heads = || -> Vec<i64> {
            let mut heads =
                connection.prepare("SELECT id FROM messages WHERE head = 1 ORDER BY id").expect("valid");
            let ids = heads.query_map([], |row| row.get(0)).expect("read");
            ids.collect::<rusqlite::Result<_>>().expect("ids")
        };
        assert_eq!(heads(), [1, 3, 4, 5, 6, 7]);
        connection.execute_batch("DELETE FROM messages WHERE id = 1").expect("acknowledged");
        assert_eq!(heads(), [2, 3, 4, 5, 6, 7], "the next of its group is first now");
        assert_eq!(marks(&connection).expect("read").1, VERSION);
    }
}
