//! Items as a table: a row has its version and when it expires.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use skyport_measure::Outcome;

use super::Hand;
use super::jobs::in_one;

/// The table of items.
pub const SCHEMA: &str = "
CREATE TABLE items (
    partition TEXT NOT NULL,
    sort TEXT NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    expires INTEGER,
    PRIMARY KEY (partition, sort)
) WITHOUT ROWID;
";

const GET: &str = "SELECT value, version FROM items
     WHERE partition = ?1 AND sort = ?2 AND (expires IS NULL OR expires > unixepoch())";
const PUT: &str = "INSERT INTO items (partition, sort, value, version) VALUES (?1, ?2, ?3, 1)
     ON CONFLICT (partition, sort) DO UPDATE SET
     value = excluded.value, version = version + 1, expires = excluded.expires RETURNING version";
const CAS: &str = "UPDATE items SET value = ?3, version = version + 1
     WHERE partition = ?1 AND sort = ?2 AND version = ?4 AND (expires IS NULL OR expires > unixepoch()) RETURNING version";
const PAGE: &str = "SELECT sort, value, version FROM items
     WHERE partition = ?1 AND sort > ?2 AND (expires IS NULL OR expires > unixepoch()) ORDER BY sort LIMIT ?3";

/// A key.
pub type Key = (String, String);

/// The table.
#[derive(Clone, Debug)]
pub struct Rows(pub Hand);

impl Rows {
    /// The value of an item, and its version.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn get(&self, key: Key) -> Outcome<Option<(Vec<u8>, i64)>> {
        self.0.read(move |connection| get(connection, &key)).await
    }

    /// Several at once.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn get_many(&self, keys: Vec<Key>) -> Outcome<Vec<Option<(Vec<u8>, i64)>>> {
        self.0.read(move |connection| keys.iter().map(|key| get(connection, key)).collect()).await
    }

    /// Writes an item; its version.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn put(&self, key: Key, value: Bytes) -> Outcome<i64> {
        self.0
            .write(move |connection| {
                let mut put = connection.prepare_cached(PUT)?;
                put.query_row(params![key.0, key.1, &*value], |row| row.get(0))
            })
            .await
    }

    /// Writes many in one transaction.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn put_many(&self, items: Vec<(Key, Bytes)>) -> Outcome {
        // Without the versions that nobody asked for.
        let sql = PUT.trim_end_matches(" RETURNING version");
        self.0
            .write(move |connection| {
                in_one(connection, sql, &items, |((partition, sort), value)| {
                    (partition.clone(), sort.clone(), value.to_vec())
                })
            })
            .await?;
        Ok(())
    }

    /// Writes an item that is still at this version; its next one, or nothing where it is not.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn swap(&self, key: Key, value: Bytes, version: i64) -> Outcome<Option<i64>> {
        self.0.write(move |connection| swap(connection, &key, &value, version)).await
    }

    /// Writes items that are all still at these versions, or none of them; their next ones.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn transact(&self, writes: Vec<(Key, i64)>, value: Bytes) -> Outcome<Option<Vec<i64>>> {
        self.0
            .write(move |connection| {
                let transaction = connection.transaction()?;
                let swapped = writes
                    .iter()
                    .map(|(key, version)| swap(&transaction, key, &value, *version))
                    .collect::<rusqlite::Result<Option<Vec<_>>>>()?;
                match swapped {
                    Some(versions) => transaction.commit().map(|()| Some(versions)),
                    None => transaction.rollback().map(|()| None),
                }
            })
            .await
    }

    /// So many items of a partition behind this one.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn page(
        &self,
        partition: String,
        after: String,
        size: i64,
    ) -> Outcome<Vec<(String, Vec<u8>, i64)>> {
        self.0
            .read(move |connection| {
                let mut page = connection.prepare_cached(PAGE)?;
                page.query_map(params![partition, after, size], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect()
            })
            .await
    }
}

fn get(connection: &Connection, key: &Key) -> rusqlite::Result<Option<(Vec<u8>, i64)>> {
    let mut get = connection.prepare_cached(GET)?;
    get.query_row(params![key.0, key.1], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn swap(connection: &Connection, key: &Key, value: &[u8], version: i64) -> rusqlite::Result<Option<i64>> {
    let mut swap = connection.prepare_cached(CAS)?;
    swap.query_row(params![key.0, key.1, value, version], |row| row.get(0)).optional()
}
