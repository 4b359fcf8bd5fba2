//! The items of tables, and every change to them.

use std::time::SystemTime;

use bytes::Bytes;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use skyport_core::clock::{from_millis, to_millis};
use skyport_core::kv::port::{
    Change, Increment, Incremented, ItemCondition, Key, RawItem, RawVersion, Write,
};
use skyport_core::kv::slots::{Slots, add, read_counter};
use skyport_core::{Error, ErrorKind, Token};

use crate::engine::millis;
use crate::error::Fault;
use crate::writer::Job;
use skyport_core::refusal::Refusal;

/// How many items one transaction sweeps.
pub(crate) const SWEPT: u64 = 500;

pub(crate) fn create(job: &mut Job<'_>, name: &str) -> Result<(), Fault> {
    job.connection
        .prepare_cached("INSERT INTO tables (name) VALUES (?1) ON CONFLICT (name) DO NOTHING")?
        .execute([name])?;
    Ok(())
}

pub(crate) fn remove(job: &mut Job<'_>, name: &str) -> Result<(), Fault> {
    for sql in [
        "DELETE FROM items WHERE table_id = (SELECT id FROM tables WHERE name = ?1)",
        "DELETE FROM tables WHERE name = ?1",
    ] {
        job.connection.prepare_cached(sql)?.execute([name])?;
    }
    Ok(())
}

pub(super) fn find(connection: &Connection, name: &str) -> Result<i64, Fault> {
    let id = connection
        .prepare_cached("SELECT id FROM tables WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(id.ok_or(Refusal::NoTable)?)
}

/// The items of these keys, but for those that are missing or have expired.
pub(super) fn get(
    connection: &Connection,
    name: &str,
    keys: Vec<Key>,
    now: i64,
) -> Result<Vec<Option<RawItem>>, Fault> {
    // Else each statement takes SQLite's locks by itself, which are calls of the system.
    let _snapshot = (keys.len() > 1).then(|| connection.unchecked_transaction()).transpose()?;
    let mut statement = connection.prepare_cached(
        "SELECT value, version, expires, token FROM items
         WHERE table_id = (SELECT id FROM tables WHERE name = ?1)
         AND partition = ?2 AND sort = ?3 AND (expires IS NULL OR expires > ?4)",
    )?;
    let mut items = Vec::with_capacity(keys.len());
    for key in keys {
        let mut rows = statement.query(params![name, key.partition.as_bytes(), key.sort.as_bytes(), now])?;
        items.push(match rows.next()? {
            Some(row) => {
                let mut item = read(row, key)?;
                item.token = Some(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?.parse()?);
                Some(item)
            }
            None => None,
        });
    }
    // Where something was found there is a table.
    if items.iter().all(Option::is_none) {
        find(connection, name)?;
    }
    Ok(items)
}

/// An item from the columns value, version, expires.
pub(super) fn read(row: &Row<'_>, key: Key) -> Result<RawItem, Fault> {
    let value: Vec<u8> = row.get(0)?;
    let mut item = RawItem::new(key, Bytes::from(value), version(row.get(1)?));
    item.expires = row.get::<_, Option<i64>>(2)?.map(|expires| from_millis(expires.unsigned_abs()));
    Ok(item)
}

/// In hexadecimal digits, which take no allocation.
fn version(number: i64) -> RawVersion {
    RawVersion::of_hex(number.unsigned_abs())
}

/// Never given twice: as unique as tokens are. A counter would be a page more to write, and one that all items share.
fn new_version() -> i64 {
    (Token::new().to_bits() as u64 >> 1) as i64
}

fn check(connection: &Connection, table: i64, write: &Write, now: i64) -> Result<(), Fault> {
    if write.condition == ItemCondition::None {
        return Ok(());
    }
    let there: Option<i64> = connection
        .prepare_cached(
            "SELECT version FROM items
             WHERE table_id = ?1 AND partition = ?2 AND sort = ?3 AND (expires IS NULL OR expires > ?4)",
        )?
        .query_row(params![table, write.key.partition.as_bytes(), write.key.sort.as_bytes(), now], |row| {
            row.get(0)
        })
        .optional()?;
    match (&write.condition, there) {
        (ItemCondition::None, _) | (ItemCondition::IfAbsent, None) => Ok(()),
        (ItemCondition::IfAbsent, Some(_)) => Err(Refusal::Exists.into()),
        (ItemCondition::IfVersion(asked), Some(there)) if *asked == version(there) => Ok(()),
        (ItemCondition::IfVersion(_), _) => Err(Refusal::Changed.into()),
    }
}

/// Writes to one table, in one step.
pub(super) struct Writes<'c> {
    connection: &'c Connection,
    table: i64,
    now: i64,
    /// Looked up once for many.
    put: CachedStatement<'c>,
}

impl<'c> Writes<'c> {
    pub(super) fn new(connection: &'c Connection, table: &str, now: i64) -> Result<Self, Fault> {
        let table = find(connection, table)?;
        // The increments that a live item remembers stay, so that a repeated one is recognised behind this.
        let put = connection.prepare_cached(
            "INSERT INTO items (table_id, partition, sort, value, version, expires, token)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (table_id, partition, sort) DO UPDATE SET
             slots = CASE WHEN items.expires <= ?8 THEN NULL ELSE items.slots END, value = excluded.value,
             version = excluded.version, expires = excluded.expires, token = excluded.token",
        )?;
        Ok(Self { connection, table, now, put })
    }

    /// Applies one, if its condition holds; the new version of a put.
    pub(super) fn apply(&mut self, write: &Write) -> Result<Option<RawVersion>, Fault> {
        check(self.connection, self.table, write, self.now)?;
        let (partition, sort) = (write.key.partition.as_bytes(), write.key.sort.as_bytes());
        match &write.change {
            Change::Check => Ok(None),
            Change::Delete => {
                self.connection
                    .prepare_cached("DELETE FROM items WHERE table_id = ?1 AND partition = ?2 AND sort = ?3")?
                    .execute(params![self.table, partition, sort])?;
                Ok(None)
            }
            Change::Put { value, expires } => {
                let number = new_version();
                let expires = expires.map(|expires| millis(to_millis(expires)));
                let token = write.token.to_string();
                let values = params![self.table, partition, sort, &**value, number, expires, token, self.now];
                self.put.execute(values)?;
                Ok(Some(version(number)))
            }
        }
    }

    /// Applies all or, where a condition does not hold, none; the error names that write.
    pub(super) fn transact(&mut self, writes: &[Write]) -> Result<Vec<Option<RawVersion>>, Fault> {
        let apply = |(index, write)| {
            self.apply(write).map_err(|fault| match fault {
                Fault::Ours(error) => Fault::Ours(error.with_item(index)),
                other => other,
            })
        };
        writes.iter().enumerate().map(apply).collect()
    }
}

/// A counter as it is stored.
struct Counter {
    value: Vec<u8>,
    expires: Option<i64>,
    slots: Slots,
}

fn counter(connection: &Connection, table: i64, key: &Key, now: i64) -> Result<Option<Counter>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT value, expires, slots FROM items
         WHERE table_id = ?1 AND partition = ?2 AND sort = ?3 AND (expires IS NULL OR expires > ?4)",
    )?;
    let mut rows = statement.query(params![table, key.partition.as_bytes(), key.sort.as_bytes(), now])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let slots = match row.get::<_, Option<String>>(2)? {
        Some(packed) => serde_json::from_str(&packed).map_err(|error| {
            Error::new(ErrorKind::Malformed, "what a counter remembers is damaged").with_source(error)
        })?,
        None => Slots::default(),
    };
    Ok(Some(Counter { value: row.get(0)?, expires: row.get(1)?, slots }))
}

pub(super) fn increment(
    connection: &Connection,
    table: i64,
    increment: &Increment,
    now: SystemTime,
) -> Result<Incremented, Fault> {
    let key = &increment.key;
    let (value, expires, mut slots) = match counter(connection, table, key, millis(to_millis(now)))? {
        Some(counter) => {
            if let Some(applied) = counter.slots.find(increment)? {
                return Ok(applied);
            }
            (read_counter(&counter.value)?, counter.expires, counter.slots)
        }
        None => (0, increment.expires.map(|at| millis(to_millis(at))), Slots::default()),
    };
    let value = add(value, increment.by)?;
    let number = new_version();
    let result = Incremented::new(value, version(number));
    slots.record(increment, now, &result);
    let packed = serde_json::to_string(&slots).map_err(|error| {
        Error::internal("what a counter remembers could not be written").with_source(error)
    })?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO items (table_id, partition, sort, value, version, expires, token, slots)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            table,
            key.partition.as_bytes(),
            key.sort.as_bytes(),
            value.to_string().into_bytes(),
            number,
            expires,
            increment.token.to_string(),
            packed
        ])?;
    Ok(result)
}

/// Deletes some of what has expired; how many items that were.
pub(super) fn sweep(connection: &Connection, table: i64, now: i64) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM items WHERE (table_id, partition, sort) IN
         (SELECT table_id, partition, sort FROM items WHERE expires <= ?1 AND table_id = ?2 LIMIT ?3)",
    )?;
    Ok(statement.execute(params![now, table, SWEPT as i64])? as u64)
}
