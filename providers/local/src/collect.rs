//! Collecting garbage: content files that nothing refers to, expired items, old messages and dedupe ids.
//!
//! At the start and every hour. A content file goes when the index does not name it, nobody who lives holds it (see
//! [`content`](crate::content)), and it was not touched for the grace time: an hour, unless it is asked for otherwise.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, params};
use skyport_core::Clock;

use crate::content::Contents;
use crate::db;
use crate::engine::millis;
use crate::error::Fault;
use crate::writer::{Job, WeakWriter};

/// How often garbage is collected.
const EVERY: Duration = Duration::from_secs(3600);

/// How long a file that nothing refers to is left alone.
const GRACE: Duration = Duration::from_secs(3600);

/// How long a message that nobody takes is kept.
const RETENTION: Duration = Duration::from_secs(14 * 86_400);

/// How many rows of a kind one transaction removes.
const ROWS: i64 = 500;

/// What was collected.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Content files that nothing referred to.
    pub files: u64,
    /// Expired items of tables.
    pub items: u64,
    /// Messages that nobody took for 14 days.
    pub messages: u64,
}

/// Removes files in the background.
#[derive(Debug)]
pub(crate) struct Janitor {
    contents: Contents,
    orders: mpsc::Sender<Vec<PathBuf>>,
}

impl Janitor {
    pub(crate) fn new(contents: Contents) -> (Self, mpsc::Receiver<Vec<PathBuf>>) {
        let (orders, receiver) = mpsc::channel();
        (Self { contents, orders }, receiver)
    }

    pub(crate) fn unlink(&self, ids: Vec<String>) {
        if ids.is_empty() {
            return;
        }
        let paths = ids.iter().filter_map(|id| self.contents.path(id)).collect();
        if self.orders.send(paths).is_err() {
            tracing::warn!("replaced content files stay until they are collected");
        }
    }
}

/// Starts the thread that removes files; it ends with the writer.
pub(crate) fn start(
    contents: Contents,
    file: PathBuf,
    writer: WeakWriter,
    orders: mpsc::Receiver<Vec<PathBuf>>,
) -> io::Result<()> {
    std::thread::Builder::new().name("skyport-janitor".to_owned()).spawn(move || {
        loop {
            if let Err(error) = collect(&contents, &file, &writer) {
                tracing::warn!(%error, "garbage could not be collected");
            }
            if !serve(&orders) {
                break;
            }
        }
    })?;
    Ok(())
}

/// Removes files as they are named, for an hour; no once nobody is left to name any.
fn serve(orders: &mpsc::Receiver<Vec<PathBuf>>) -> bool {
    let start = std::time::Instant::now();
    loop {
        match orders.recv_timeout(EVERY.saturating_sub(start.elapsed())) {
            Ok(paths) => paths.iter().for_each(|path| {
                remove(path);
            }),
            Err(mpsc::RecvTimeoutError::Timeout) => return true,
            Err(mpsc::RecvTimeoutError::Disconnected) => return false,
        }
    }
}

fn remove(path: &Path) -> bool {
    match fs::remove_file(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => {
            tracing::warn!(%error, "a content file stays until it is collected");
            false
        }
    }
}

fn collect(contents: &Contents, file: &Path, writer: &WeakWriter) -> skyport_core::Result<()> {
    let located = |fault: Fault| fault.at(file);
    let connection = db::open_reader(file).map_err(located)?;
    let collected = files(contents, &connection, GRACE).map_err(located)?;
    tracing::debug!(files = collected, "content files were collected");
    while let Some(swept) = writer.blocking_write(rows) {
        if swept?.1 {
            break;
        }
    }
    Ok(())
}

/// Removes the content files that nothing refers to; how many that were.
pub(crate) fn files(contents: &Contents, connection: &Connection, grace: Duration) -> Result<u64, Fault> {
    let mut collected = 0;
    collected += sweep_folder(&contents.drafts(), connection, grace)?;
    for folder in fs::read_dir(contents.blobs())? {
        let folder = folder?;
        if folder.file_type()?.is_dir() {
            collected += sweep_folder(&folder.path(), connection, grace)?;
        }
    }
    Ok(collected)
}

fn sweep_folder(folder: &Path, connection: &Connection, grace: Duration) -> Result<u64, Fault> {
    let mut collected = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Gone since, or moved to its place by who wrote it.
        let Ok(meta) = entry.metadata() else { continue };
        let name = entry.file_name();
        let Some(id) = name.to_str().filter(|_| meta.is_file() && is_old(&meta, grace)) else {
            continue;
        };
        let is_named = |id: &str| -> Result<bool, Fault> {
            let mut find = connection.prepare_cached("SELECT 1 FROM objects WHERE content = ?1")?;
            Ok(find.exists(params![id])?)
        };
        // Most are: a look is cheaper than a lock.
        if is_named(id)? {
            continue;
        }
        // A content is in the index before its writer lets go of it: the lock comes first, then the look that counts.
        let Some(_unheld) = unheld(&entry.path()) else {
            continue;
        };
        if !is_named(id)? && remove(&entry.path()) {
            collected += 1;
        }
    }
    Ok(collected)
}

/// The file, locked, unless somebody who lives holds it.
fn unheld(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    match file.try_lock() {
        Ok(()) => Some(file),
        // No locks here: the file's age decides.
        Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Some(file),
        Err(_) => None,
    }
}

fn is_old(meta: &Metadata, grace: Duration) -> bool {
    touched(meta)
        .is_some_and(|touched| SystemTime::now().duration_since(touched).is_ok_and(|age| age >= grace))
}

/// When a file was last written, linked or moved.
fn touched(meta: &Metadata) -> Option<SystemTime> {
    let modified = meta.modified().ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let changed = u64::try_from(meta.ctime()).ok()?;
        Some(modified.max(SystemTime::UNIX_EPOCH + Duration::from_secs(changed)))
    }
    #[cfg(not(unix))]
    Some(modified)
}

/// Removes some rows whose time is over; whether none are left.
pub(crate) fn rows(job: &mut Job<'_>) -> Result<(Garbage, bool), Fault> {
    let now = millis(Clock::system().now_millis());
    let kept_from = now - millis(RETENTION.as_millis() as u64);
    let delete = |sql: &str, before: i64| -> Result<u64, Fault> {
        let mut statement = job.connection.prepare_cached(sql)?;
        Ok(statement.execute(params![before, ROWS])? as u64)
    };
    let items = delete(
        "DELETE FROM items WHERE (table_id, partition, sort) IN
         (SELECT table_id, partition, sort FROM items WHERE expires <= ?1 LIMIT ?2)",
        now,
    )?;
    let messages = delete(
        // Ids grow as time does: the oldest are the first.
        "DELETE FROM messages WHERE kept_from <= ?1 AND id IN (SELECT id FROM messages ORDER BY id LIMIT ?2)",
        kept_from,
    )?;
    let dedupes = delete(
        "DELETE FROM dedupes WHERE (queue_id, dedupe_id) IN
         (SELECT queue_id, dedupe_id FROM dedupes WHERE ends_at <= ?1 LIMIT ?2)",
        now,
    )?;
    let none_left = [items, messages, dedupes].iter().all(|&count| count < ROWS as u64);
    let garbage = Garbage { files: 0, items, messages };
    Ok((garbage, none_left))
}
