//! A client that does anything a table can, to few keys, so that it meets others there.

use fastrand::Rng;
use serde_json::{Value, json};
use skyport_core::kv::{Table, Update, Version};
use skyport_core::{Error, ErrorKind, Result};

/// The partition that all of it happens in, so that queries and transactions reach all keys.
pub const PARTITION: &str = "p";
/// The keys of values.
pub const KEYS: [&str; 3] = ["a", "b", "c"];
/// The key of a counter, which is only added to.
pub const COUNTER: &str = "n";

/// What has been refused, or is not known, and what is only to be tried again: all that a client has to expect. `None` then.
///
/// # Errors
/// Any other.
pub fn tolerate<T>(result: Result<T>) -> Result<Option<T>> {
    let refused = |error: &Error| {
        let kinds = [ErrorKind::AlreadyExists, ErrorKind::PreconditionFailed, ErrorKind::Indeterminate];
        error.is_retryable() || kinds.contains(&error.kind())
    };
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if refused(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One of several at work on one table. What it writes nobody else does, and it remembers what it saw.
#[derive(Debug)]
pub struct Client {
    table: Table<Value>,
    name: usize,
    written: u32,
    random: Rng,
    seen: Vec<(usize, Version)>,
}

impl Client {
    /// A client with a name of its own; what it does follows from the seed.
    #[must_use]
    pub fn new(table: &Table<Value>, name: usize, seed: u64) -> Self {
        let random = Rng::with_seed(seed);
        Self { table: table.clone(), name, written: 0, random, seen: Vec::new() }
    }

    /// A number below `below` that follows from the seed, too.
    pub fn draw(&mut self, below: u32) -> u32 {
        self.random.u32(0..below.max(1))
    }

    /// Any one of all that a table can do. What a client has to expect is [tolerated](tolerate).
    ///
    /// # Errors
    /// What it has not.
    pub async fn step(&mut self) -> Result<()> {
        let (at, version) = self.key();
        match self.random.u8(0..16) {
            0..=2 => self.read(at).await,
            3..=6 => self.write(at, version).await,
            7 => self.remove(at, version).await,
            8 | 9 => self.update(at).await,
            10 | 11 => tolerate(self.table.increment((PARTITION, COUNTER), 1).await).map(drop),
            12 | 13 => self.transact(at, version).await,
            14 => tolerate(self.table.query(PARTITION).page_size(2).collect().await).map(drop),
            _ => self.many(at).await,
        }
    }

    /// Reads every key once: what stands there in the end tells of writes that were lost.
    ///
    /// # Errors
    /// What the table says.
    pub async fn read_all(&self) -> Result<()> {
        for key in KEYS.iter().chain([&COUNTER]) {
            self.table.get((PARTITION, *key)).await?;
        }
        Ok(())
    }

    fn value(&mut self) -> Value {
        self.written += 1;
        json!(format!("{}-{}", self.name, self.written))
    }

    /// A key, and a version of it that was seen lately, where there is one.
    fn key(&mut self) -> (usize, Option<Version>) {
        let at = self.random.usize(0..KEYS.len());
        let version = self.seen.iter().rev().find(|(key, _)| *key == at).map(|(_, version)| version.clone());
        (at, version)
    }

    fn saw(&mut self, at: usize, version: Option<Version>) {
        self.seen.extend(version.map(|version| (at, version)));
    }

    async fn read(&mut self, at: usize) -> Result<()> {
        let found = tolerate(self.table.get((PARTITION, KEYS[at])).await)?.flatten();
        self.saw(at, found.map(|entry| entry.version().clone()));
        Ok(())
    }

    async fn write(&mut self, at: usize, version: Option<Version>) -> Result<()> {
        let value = self.value();
        let put = self.table.put((PARTITION, KEYS[at]), &value);
        let put = match (self.random.u8(0..3), version) {
            (0, _) => put.if_absent(),
            (1, Some(version)) => put.if_version(&version),
            _ => put,
        };
        let written = tolerate(put.await)?;
        self.saw(at, written);
        Ok(())
    }

    async fn remove(&mut self, at: usize, version: Option<Version>) -> Result<()> {
        let delete = self.table.delete((PARTITION, KEYS[at]));
        let delete = match version {
            Some(version) if self.random.bool() => delete.if_version(&version),
            _ => delete,
        };
        tolerate(delete.await).map(drop)
    }

    async fn update(&mut self, at: usize) -> Result<()> {
        let value = self.value();
        let updated = self.table.update((PARTITION, KEYS[at]), |_| Ok(Update::Put(value.clone()))).await;
        let written = tolerate(updated)?.flatten();
        self.saw(at, written);
        Ok(())
    }

    async fn transact(&mut self, at: usize, version: Option<Version>) -> Result<()> {
        let (one, other) = ((PARTITION, KEYS[at]), (PARTITION, KEYS[(at + 1) % KEYS.len()]));
        let value = self.value();
        let transaction = self.table.transact().put(one, &value);
        let transaction = match version {
            Some(version) if self.random.bool() => transaction.if_version(&version),
            _ => transaction,
        };
        let transaction =
            if self.random.bool() { transaction.put(other, &value) } else { transaction.delete(other) };
        let versions = tolerate(transaction.await)?.unwrap_or_default();
        self.saw(at, versions.into_iter().next().flatten());
        Ok(())
    }

    async fn many(&mut self, at: usize) -> Result<()> {
        let (one, other) = (self.value(), self.value());
        let batch = [((PARTITION, KEYS[at]), &one), ((PARTITION, KEYS[(at + 1) % KEYS.len()]), &other)];
        for written in self.table.put_many(batch).await {
            tolerate(written)?;
        }
        for found in self.table.get_many(KEYS.map(|key| (PARTITION, key))).await {
            tolerate(found)?;
        }
        Ok(())
    }
}
