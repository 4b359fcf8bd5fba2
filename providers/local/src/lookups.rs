//! Looking a few rows up in the caller's own task.
//!
//! With its pages in memory such a read takes microseconds; to hand it to a thread and back takes longer than a row, and about as long as a
//! hundred. Meanwhile it holds the caller's thread, which is why it is done for few rows alone, with a bound on its steps and on each value; and
//! where the disk has to be waited for, why one that took long sends the next ones to the [readers](crate::readers).

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::limits::Limit;
use skyport_core::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::db;
use crate::engine::blocking;
use crate::error::Fault;

/// How many run at once; what comes beside them goes to the readers.
const MOST: usize = 4;

/// One that took longer waited for the disk, or for a processor.
const LONG: Duration = Duration::from_millis(1);

/// What one of them may take: of so many rows.
pub(crate) const FEW: usize = 100;

/// A reader begins anew with one that takes more than so many thousand steps of SQLite's: half a millisecond. It may have come upon many rows that
/// have expired.
const THOUSANDS: u32 = 10;

/// A reader begins anew with one that comes upon a larger value: it lies on many pages of the file.
const LARGEST: i32 = 16 << 10;

/// How many go to the readers after one that took long: where all wait for the disk, the callers' threads are held by one in a hundred.
const WARY: u32 = 100;

/// Connections for reads in the callers' tasks, opened as they are needed.
#[derive(Debug)]
pub(crate) struct Lookups {
    file: PathBuf,
    idle: Mutex<Vec<Open>>,
    places: Arc<Semaphore>,
    long: Duration,
    /// How many more go to the readers.
    wary: AtomicU32,
}

/// A connection, and its place among the [`MOST`].
#[derive(Debug)]
struct Open {
    connection: Connection,
    /// How many thousand steps were taken since the last one began.
    thousands: Arc<AtomicU32>,
    _place: OwnedSemaphorePermit,
}

impl Lookups {
    pub(crate) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(MOST)),
            long: LONG,
            wary: AtomicU32::new(0),
        }
    }

    /// Looks something up, seeing everything that was answered before; `None` where a reader shall do it.
    pub(crate) async fn look_up<T>(
        &self,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Fault>,
    ) -> Result<Option<T>> {
        // It waits for nothing, so that whoever looks up again and again would never give way, nor notice that its time is over.
        tokio::task::coop::consume_budget().await;
        let less = |wary: u32| wary.checked_sub(1);
        if self.wary.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
            return Ok(None);
        }
        let Some(open) = self.connection().await else { return Ok(None) };
        open.thousands.store(0, Ordering::Relaxed);
        let begun = Instant::now();
        // One that panicked takes its connection along.
        let found = std::panic::catch_unwind(AssertUnwindSafe(|| work(&open.connection)))
            .map_err(|_| Error::internal("a read of the database panicked"))?;
        if begun.elapsed() > self.long {
            self.wary.store(WARY, Ordering::Relaxed);
        }
        // One whose transaction could not be ended would go on seeing what was there then.
        if open.connection.is_autocommit() {
            self.lock().push(open);
        }
        match found {
            Err(fault) if fault.is_of_size() => Ok(None),
            Err(fault) if fault.is_of_time() => {
                self.wary.store(WARY, Ordering::Relaxed);
                Ok(None)
            }
            found => found.map(Some).map_err(|fault| fault.at(&self.file)),
        }
    }

    /// A connection that nobody uses, or a new one; none where all are in use, or no more can be opened: a reader may have one still.
    async fn connection(&self) -> Option<Open> {
        if let Some(open) = self.lock().pop() {
            return Some(open);
        }
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let file = self.file.clone();
        let opened = blocking(move || {
            let thousands = Arc::new(AtomicU32::new(0));
            let connection = open(&file, Arc::clone(&thousands)).map_err(|fault| fault.at(&file))?;
            Ok(Open { connection, thousands, _place: place })
        });
        opened.await.inspect_err(|error| tracing::debug!(%error, "no more connections for look-ups")).ok()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Open>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that does not wait for another process, nor take steps without end, nor read what is large.
fn open(file: &Path, thousands: Arc<AtomicU32>) -> std::result::Result<Connection, Fault> {
    let mut connection = db::open_reader(file)?;
    connection.busy_timeout(Duration::ZERO)?;
    let is_enough = move || thousands.fetch_add(1, Ordering::Relaxed) >= THOUSANDS;
    connection.progress_handler(1_000, Some(is_enough))?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST)?;
    Ok(connection)
}

impl Drop for Lookups {
    /// Whoever closes the database last carries its log over, which is nothing for a task. Where there can be no thread they are closed here.
    fn drop(&mut self) {
        let idle = std::mem::take(&mut *self.lock());
        if !idle.is_empty() {
            let closing = std::thread::Builder::new().name("skyport-closing".to_owned());
            if let Err(error) = closing.spawn(move || drop(idle)) {
                tracing::debug!(%error, "no thread to close the database in");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::config::Durability;

    fn lookups(folder: &Path) -> (Lookups, Connection) {
        let file = folder.join(db::FILE);
        let writer = db::open_writer(&file, Durability::Normal, None).expect("a database");
        let mut lookups = Lookups::new(&file);
        // However busy the machine is.
        lookups.long = Duration::MAX;
        (lookups, writer)
    }

    fn buckets(connection: &Connection) -> std::result::Result<u32, Fault> {
        Ok(connection.query_row("SELECT count(*) FROM buckets", [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn it_runs_in_its_caller_and_sees_what_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lookups, writer) = lookups(folder.path());
        for count in 1..4_u32 {
            writer.execute("INSERT INTO buckets (name) VALUES (?1)", [count.to_string()]).expect("written");
            let seen = lookups.look_up(|connection| Ok((buckets(connection)?, thread::current().id()))).await;
            assert_eq!(seen.expect("read"), Some((count, thread::current().id())));
        }
        assert_eq!(lookups.places.available_permits(), MOST - 1, "one caller needs one connection");
    }

    #[tokio::test]
    async fn what_takes_long_sends_the_next_ones_to_the_readers() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut lookups, _writer) = lookups(folder.path());
        lookups.long = Duration::ZERO;
        assert_eq!(lookups.look_up(buckets).await.expect("read"), Some(0));
        for _ in 0..WARY {
            assert_eq!(lookups.look_up(buckets).await.expect("left"), None);
        }
        assert_eq!(lookups.look_up(buckets).await.expect("read"), Some(0), "tried again");
    }

    #[tokio::test]
    async fn what_takes_too_many_steps_is_left_to_a_reader() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lookups, _writer) = lookups(folder.path());
        let count = |connection: &Connection, to: u32| -> std::result::Result<u32, Fault> {
            let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT count(*) FROM n";
            Ok(connection.prepare_cached(sql)?.query_row([to], |row| row.get(0))?)
        };
        for _ in 0..3 {
            assert_eq!(lookups.look_up(|connection| count(connection, 1_000_000)).await.expect("left"), None);
            assert_eq!(lookups.wary.swap(0, Ordering::Relaxed), WARY);
            // Steps are those of one, not of all.
            for _ in 0..100 {
                assert_eq!(
                    lookups.look_up(|connection| count(connection, 50)).await.expect("read"),
                    Some(50)
                );
            }
        }
    }

    #[tokio::test]
    async fn a_large_value_is_left_to_a_reader_and_small_ones_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lookups, writer) = lookups(folder.path());
        for size in [100, LARGEST + 1] {
            writer
                .execute("INSERT INTO buckets (name) VALUES (?1)", ["x".repeat(size as usize)])
                .expect("written");
        }
        let long = |connection: &Connection, least: i32| -> std::result::Result<usize, Fault> {
            let sql = "SELECT name FROM buckets WHERE length(name) >= ?1 ORDER BY id";
            Ok(connection.prepare_cached(sql)?.query_row([least], |row| row.get::<_, String>(0))?.len())
        };
        assert_eq!(lookups.look_up(|connection| long(connection, 101)).await.expect("left"), None);
        assert_eq!(lookups.look_up(|connection| long(connection, 100)).await.expect("read"), Some(100));
    }

    #[tokio::test]
    async fn whoever_looks_up_without_end_gives_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lookups, _writer) = lookups(folder.path());
        let never = async {
            loop {
                lookups.look_up(buckets).await.expect("read");
            }
        };
        tokio::time::timeout(Duration::from_millis(20), never).await.expect_err("it has no end");
    }

    #[tokio::test]
    async fn a_connection_whose_transaction_is_open_is_not_used_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lookups, writer) = lookups(folder.path());
        let left_open = |connection: &Connection| {
            connection.execute_batch("BEGIN")?;
            buckets(connection)
        };
        assert_eq!(lookups.look_up(left_open).await.expect("read"), Some(0));
        writer.execute("INSERT INTO buckets (name) VALUES ('new')", []).expect("written");
        assert_eq!(lookups.look_up(buckets).await.expect("read"), Some(1));
    }

    #[tokio::test]
    async fn where_all_are_in_use_a_reader_does_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lookups, _writer) = lookups(folder.path());
        let mut used = Vec::new();
        for _ in 0..MOST {
            used.push(lookups.connection().await.expect("there is a place"));
        }
        assert_eq!(lookups.look_up(buckets).await.expect("left"), None);
        lookups.lock().extend(used.pop());
        assert_eq!(lookups.look_up(buckets).await.expect("read"), Some(0));
    }

    #[tokio::test]
    async fn one_that_panics_fails_alone_and_leaves_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lookups, _writer) = lookups(folder.path());
        for _ in 0..2 * MOST {
            let failed = lookups.look_up(|_| -> std::result::Result<(), Fault> { panic!("planted") }).await;
            assert!(failed.expect_err("it panicked").message().contains("panicked"));
        }
        assert_eq!(lookups.look_up(buckets).await.expect("read"), Some(0));
    }

    #[tokio::test]
    async fn what_another_process_holds_is_waited_for_by_a_reader() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lookups, writer) = lookups(folder.path());
        drop(writer);
        let holder = Connection::open(folder.path().join(db::FILE)).expect("a connection");
        holder.execute_batch("PRAGMA locking_mode = EXCLUSIVE; DELETE FROM buckets").expect("held");
        assert_eq!(lookups.look_up(buckets).await.expect("left"), None);
        drop(holder);
        assert_eq!(lookups.wary.swap(0, Ordering::Relaxed), WARY);
        assert_eq!(lookups.look_up(buckets).await.expect("read"), Some(0));
    }
}
