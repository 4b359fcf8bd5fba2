//! Objects by hand: a file for each content, written beside and moved to its place, and a row that names it, with its size and its type.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rusqlite::{OptionalExtension, params};
use skyport_measure::Outcome;

use super::Hand;

/// The table of objects.
pub const SCHEMA: &str = "
CREATE TABLE objects (
    key TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    properties TEXT NOT NULL
) WITHOUT ROWID;
";

const STANDING: &str = "SELECT content FROM objects WHERE key = ?1";
const STORE: &str = "INSERT OR REPLACE INTO objects (key, content, size, modified, properties)
     VALUES (?1, ?2, ?3, unixepoch(), '{}')";

/// A folder of files and their index.
#[derive(Clone, Debug)]
pub struct Files {
    hand: Hand,
    folder: Arc<PathBuf>,
    next: Arc<AtomicU64>,
}

impl Files {
    /// In this folder, which is empty.
    #[must_use]
    pub fn new(hand: Hand, folder: PathBuf) -> Self {
        Self { hand, folder: Arc::new(folder), next: Arc::default() }
    }

    /// Writes an object, and removes the content that it replaces.
    ///
    /// # Errors
    /// What SQLite and the file system say.
    pub async fn put(&self, key: String, body: Bytes) -> Outcome {
        let id = format!("{:016x}", self.next.fetch_add(1, Ordering::Relaxed));
        let (part, place) = (self.folder.join(format!("{id}.part")), self.folder.join(&id));
        let size = i64::try_from(body.len())?;
        tokio::task::spawn_blocking(move || {
            fs::write(&part, &body)?;
            fs::rename(&part, &place)
        })
        .await??;
        let replaced = self
            .hand
            .write(move |connection| {
                let transaction = connection.transaction()?;
                let standing: Option<String> =
                    transaction.prepare_cached(STANDING)?.query_row([&key], |row| row.get(0)).optional()?;
                transaction.prepare_cached(STORE)?.execute(params![key, id, size])?;
                transaction.commit()?;
                Ok(standing)
            })
            .await?;
        if let Some(replaced) = replaced {
            let path = self.folder.join(replaced);
            tokio::task::spawn_blocking(move || fs::remove_file(path)).await??;
        }
        Ok(())
    }

    /// Reads an object whole.
    ///
    /// # Errors
    /// What SQLite and the file system say.
    pub async fn get(&self, key: String) -> Outcome<Vec<u8>> {
        let folder = Arc::clone(&self.folder);
        let read = self.hand.read(move |connection| {
            let content: String = connection.prepare_cached(STANDING)?.query_row([&key], |row| row.get(0))?;
            Ok(fs::read(folder.join(content)))
        });
        Ok(read.await??)
    }
}
