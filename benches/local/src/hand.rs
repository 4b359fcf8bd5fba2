//! SQLite by hand, as a good engineer writes it into one application: the same version of it, the same journal and `synchronous` as the
//! provider's, statements kept prepared, and off the threads that run tasks.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rusqlite::Connection;
use skyport_measure::Outcome;
use tokio::sync::oneshot;

pub mod files;
pub mod jobs;
pub mod rows;

const CACHED_STATEMENTS: usize = 64;
const READERS: usize = 4;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// How calls come to the connection.
#[derive(Clone, Debug)]
pub enum Hand {
    /// One thread has the connection, and is sent what to do: writes and reads alike.
    Thread(mpsc::Sender<Work>),
    /// Each call goes to tokio's threads for what blocks, and takes the lock there: of the writer, or of one of several readers.
    Pool(Arc<Pool>),
}

/// Connections behind locks.
#[derive(Debug)]
pub struct Pool {
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    permits: tokio::sync::Semaphore,
}

/// Opens the database of a folder, with these tables.
///
/// # Errors
/// What SQLite says.
pub fn open(folder: &Path, schema: &str) -> Outcome<Connection> {
    let connection = Connection::open(folder.join("by-hand.db"))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.execute_batch(schema)?;
    Ok(connection)
}

impl Hand {
    /// A thread with the connection.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn thread(folder: &Path, schema: &str) -> Outcome<Self> {
        let mut connection = open(folder, schema)?;
        let (sender, works) = mpsc::channel::<Work>();
        std::thread::Builder::new()
            .spawn(move || works.into_iter().for_each(|work| work(&mut connection)))?;
        Ok(Self::Thread(sender))
    }

    /// Connections behind locks.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn pool(folder: &Path, schema: &str) -> Outcome<Self> {
        let writer = Mutex::new(open(folder, schema)?);
        let readers = (0..READERS).map(|_| open(folder, "")).collect::<Outcome<_>>()?;
        let permits = tokio::sync::Semaphore::new(READERS);
        Ok(Self::Pool(Arc::new(Pool { writer, readers: Mutex::new(readers), permits })))
    }

    /// Does something with the connection that writes.
    ///
    /// # Errors
    /// What it fails with.
    pub async fn write<T, F>(&self, work: F) -> Outcome<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        match self {
            Self::Thread(sender) => on_thread(sender, work).await,
            Self::Pool(pool) => {
                let pool = Arc::clone(pool);
                let done = tokio::task::spawn_blocking(move || {
                    work(&mut pool.writer.lock().unwrap_or_else(PoisonError::into_inner))
                });
                Ok(done.await??)
            }
        }
    }

    /// Does something with a connection that reads.
    ///
    /// # Errors
    /// What it fails with.
    pub async fn read<T, F>(&self, work: F) -> Outcome<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        match self {
            Self::Thread(sender) => on_thread(sender, work).await,
            Self::Pool(pool) => {
                let _permit = pool.permits.acquire().await?;
                let pool = Arc::clone(pool);
                let done = tokio::task::spawn_blocking(move || {
                    let mut reader = pool.idle().pop().ok_or(rusqlite::Error::InvalidQuery)?;
                    let done = work(&mut reader);
                    pool.idle().push(reader);
                    done
                });
                Ok(done.await??)
            }
        }
    }
}

impl Pool {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn on_thread<T, F>(sender: &mpsc::Sender<Work>, work: F) -> Outcome<T>
where
    T: Send + 'static,
    F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let work: Work = Box::new(move |connection| {
        // Nobody waits any more where the caller was dropped.
        drop(reply.send(work(connection)));
    });
    sender.send(work).map_err(|_| "the connection's thread has ended")?;
    Ok(answer.await??)
}
