//! The database file: opening it without harm.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use skyport_core::Error;

use crate::config::Durability;
use crate::error::{Fault, NAME};
use crate::schema;

/// The name of the database file in the data folder.
pub(crate) const FILE: &str = "skyport.db";

/// How a write-ahead log of SQLite's begins, in either order of bytes.
const LOG_MARKS: [[u8; 4]; 2] = [[0x37, 0x7f, 0x06, 0x82], [0x37, 0x7f, 0x06, 0x83]];

/// How long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(5);

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
    keep_plans(&connection, 96)?;
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
    keep_plans(&connection, 48)?;
    Ok(connection)
}

/// Keeps so many statements with the plans that they have. SQLite would else make some of them anew with every value that is bound, to see
/// whether it leads to a partial index: a third of what a query costs.
fn keep_plans(connection: &Connection, statements: usize) -> std::result::Result<(), Fault> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(statements);
    Ok(())
}
