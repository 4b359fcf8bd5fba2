//! The database file: opening it without harm, and reading from it.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use skyport_core::{Error, Result};
use tokio::sync::Semaphore;

use crate::config::Durability;
use crate::error::{Fault, NAME, Native};
use crate::schema;

/// The name of the database file in the data folder.
pub(crate) const FILE: &str = "skyport.db";

/// How a write-ahead log of SQLite's begins, in either order of bytes.
const LOG_MARKS: [[u8; 4]; 2] = [[0x37, 0x7f, 0x06, 0x82], [0x37, 0x7f, 0x06, 0x83]];

/// How long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(5);

/// How many reads run at once.
const READERS: usize = 4;

/// Refuses a write-ahead log that is none. SQLite takes such a file for an empty log and overwrites it, and with it what was
/// committed last. Nothing but zeros is what a loss of power leaves, and holds nothing.
fn check_log(file: &Path) -> std::result::Result<(), Fault> {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    let log = PathBuf::from(name);
    let mut header = [0; 32];
    match fs::File::open(&log).and_then(|mut log| log.read_exact(&mut header)) {
        Ok(()) => {}
        // There is none, or it has no whole header yet.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let is_log = LOG_MARKS.contains(&[header[0], header[1], header[2], header[3]]);
    if is_log || header == [0; 32] {
        return Ok(());
    }
    let message = format!(
        "`{}` is damaged, and may hold what was written last; nothing was overwritten. Restore it with the database from a \
         backup, or move it away to go on without",
        log.display()
    );
    Err(Error::new(skyport_core::ErrorKind::Malformed, message).with_provider(NAME).into())
}

/// Opens the database for its one writer, and makes it where there is none. A file that is not ours, or damaged, is left
/// as it is.
pub(crate) fn open_writer(
    file: &Path,
    durability: Durability,
    limit: Option<u64>,
) -> std::result::Result<Connection, Fault> {
    let bytes = fs::metadata(file).map_or(0, |meta| meta.len());
    check_log(file)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    // Until the file is known to be sound, closing it must not write what a log holds into it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    schema::check(&connection, bytes)?;
    write_ahead(&connection)?;
    let synchronous = match durability {
        Durability::Normal => "NORMAL",
        Durability::Full => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    schema::create(&mut connection)?;
    if let Some(limit) = limit {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(limit).unwrap_or(i64::MAX) / page.max(1);
        connection.query_row(&format!("PRAGMA max_page_count = {}", pages.max(1)), [], |_| Ok(()))?;
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.set_prepared_statement_cache_capacity(96);
    Ok(connection)
}

/// Switches to a write-ahead log. Two processes that do so at once on a new file may get in each other's way, and SQLite
/// does not wait by itself here.
fn write_ahead(connection: &Connection) -> std::result::Result<(), Fault> {
    for _ in 0..100 {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return Ok(other?),
        }
    }
    Ok(connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?)
}

/// Opens the database, which exists, for reading only.
pub(crate) fn open_reader(file: &Path) -> std::result::Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.set_prepared_statement_cache_capacity(48);
    Ok(connection)
}

/// Connections that only read, at most [`READERS`] in use.
#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), idle: Mutex::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// One read on a thread of its own; it sees everything that was answered before.
    pub(crate) async fn read<T, F>(this: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    {
        let readers = Arc::clone(this);
        let permits = Arc::clone(&this.permits);
        let permit = permits.acquire_owned().await.map_err(|_| Error::from(Native::Closed))?;
        let task = tokio::task::spawn_blocking(move || {
            // Held until the read is done, also where nobody waits for it any more.
            let _permit = permit;
            let result = readers.with(work);
            result.map_err(|fault| fault.at(&readers.file))
        });
        match task.await {
            Ok(result) => result,
            Err(error) => Err(Error::internal("a read of the database was cut off").with_source(error)),
        }
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Fault>,
    ) -> std::result::Result<T, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.file)?,
        };
        let result = work(&connection);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn reads_that_were_dropped_count_until_they_are_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(FILE);
        let _writer = open_writer(&file, Durability::Normal, None).expect("a database");
        let readers = Arc::new(Readers::new(&file));
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        for _ in 0..READERS {
            let released = Arc::clone(&released);
            let read = Readers::read(&readers, move |_| {
                let waiting = released.lock().unwrap().recv();
                Ok(waiting.is_ok())
            });
            assert!(tokio::time::timeout(Duration::from_millis(20), read).await.is_err(), "it waits");
        }
        let mut next = std::pin::pin!(Readers::read(&readers, |_| Ok(())));
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut next).await.is_err(), "all are in use");
        for _ in 0..READERS {
            release.send(()).expect("they wait");
        }
        next.await.expect("a reader is free");
        assert!(readers.idle.lock().unwrap().len() <= READERS);
    }
}
