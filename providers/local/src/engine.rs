//! All that is open of one data folder; opened when it is first used.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use skyport_core::blob::signed::UrlSigner;
use skyport_core::{Clock, Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use crate::collect::{self, Janitor};
use crate::config::{Durability, LocalConfig};
use crate::content::Contents;
use crate::db;
use crate::endpoint;
use crate::error::{Fault, NAME};
use crate::lookups::Lookups;
use crate::readers::Readers;
use crate::wake::{Waiting, Wakes};
use crate::writer::{Job, WeakWriter, Writer};

/// One data folder.
#[derive(Debug)]
pub(crate) struct Engine {
    config: LocalConfig,
    /// Stands before its buckets' names in signed URLs.
    mark: String,
    contents: Contents,
    open: OnceCell<Open>,
}

#[derive(Debug)]
struct Open {
    writer: Writer,
    readers: Readers,
    lookups: Lookups,
    wakes: Arc<Wakes>,
    signer: UrlSigner,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.wakes.close();
    }
}

impl Engine {
    /// The folder `config.data`.
    pub(crate) fn new(config: LocalConfig, mark: String) -> Self {
        let contents = Contents::new(&config.data, config.durability);
        Self { config, mark, contents, open: OnceCell::new() }
    }

    pub(crate) fn durability(&self) -> Durability {
        self.config.durability
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.config.data
    }

    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// What signs URLs of this folder's buckets.
    pub(crate) async fn signer(&self) -> Result<UrlSigner> {
        Ok(self.open().await?.signer.clone())
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::system()
    }

    /// The time now in milliseconds, as the database keeps it.
    pub(crate) fn now(&self) -> i64 {
        millis(self.clock().now_millis())
    }

    /// Runs `work` in a transaction; see [`Writer::write`].
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Job<'_>) -> std::result::Result<T, Fault> + Send + 'static,
    {
        self.open().await?.writer.write(work).await
    }

    /// As [`write`](Self::write), for work that changes the database in its last step alone, so that nothing is left where it fails.
    pub(crate) async fn write_once<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Job<'_>) -> std::result::Result<T, Fault> + Send + 'static,
    {
        self.open().await?.writer.write_once(work).await
    }

    /// Reads, seeing everything that was answered before.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    {
        self.open().await?.readers.read(work).await
    }

    /// As [`read`](Self::read), for work that reads at most [`FEW`](crate::lookups::FEW) rows, in the caller's task; `None` where [`read`](Self::read) shall do it. See [`Lookups`].
    pub(crate) async fn look_up<T>(
        &self,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Fault>,
    ) -> Result<Option<T>> {
        self.open().await?.lookups.look_up(work).await
    }

    /// Runs `work` on files, on a thread that may wait.
    pub(crate) async fn files<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Contents) -> std::result::Result<T, Fault> + Send + 'static,
    {
        self.open().await?;
        let contents = self.contents.clone();
        let folder = self.config.data.clone();
        blocking(move || work(&contents).map_err(|fault| fault.at(&folder))).await
    }

    /// Waits for changes of a queue.
    pub(crate) async fn wait(&self, queue: i64) -> Result<Waiting> {
        Ok(self.open().await?.wakes.wait(queue))
    }

    /// The writer, for what is left to it when its user is gone.
    pub(crate) async fn writer(&self) -> Result<WeakWriter> {
        Ok(self.open().await?.writer.downgrade())
    }

    async fn open(&self) -> Result<&Open> {
        let open = || {
            let (config, contents) = (self.config.clone(), self.contents.clone());
            blocking(move || {
                let file = config.data.join(db::FILE);
                start(&config, &file, contents).map_err(|fault| fault.at(&file))
            })
        };
        self.open.get_or_try_init(open).await
    }
}

fn start(config: &LocalConfig, file: &Path, contents: Contents) -> std::result::Result<Open, Fault> {
    fs::create_dir_all(contents.drafts())?;
    fs::create_dir_all(contents.blobs())?;
    contents.settle_folders()?;
    refuse_emptied(file, &contents)?;
    let connection = db::open_writer(file, config.durability, config.database_limit)?;
    let signer = endpoint::signer(&config.data, &contents.drafts(), &config.public_url)?;
    let wakes = Arc::new(Wakes::default());
    Arc::clone(&wakes).watch(db::open_reader(file)?)?;
    let (janitor, orders) = Janitor::new(contents.clone());
    let writer = Writer::start(connection, file, Arc::clone(&wakes), janitor)?;
    collect::start(contents, file.to_owned(), writer.downgrade(), orders)?;
    let (readers, lookups) = (Readers::new(file), Lookups::new(file));
    Ok(Open { writer, readers, lookups, wakes, signer })
}

/// No database, or an empty one, beside blobs is no new folder: going on would collect what is left of the old one.
fn refuse_emptied(file: &Path, contents: &Contents) -> std::result::Result<(), Fault> {
    // In this order: where another process begins the folder just now, its database is there before its first blob.
    let has_blobs = fs::read_dir(contents.blobs())?.next().is_some();
    let empty = match fs::metadata(file) {
        Ok(meta) => meta.len() == 0,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if empty && has_blobs {
        let message = format!(
            "`{}` is missing or empty, but there are blobs beside it; nothing was overwritten. Restore it from a backup, or move \
             the folder away to begin anew",
            file.display()
        );
        return Err(Error::new(ErrorKind::Malformed, message).with_provider(NAME).into());
    }
    Ok(())
}

/// Runs something that waits for the disk on a thread that may.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("work on the disk was cut off").with_source(error)),
    }
}

/// Milliseconds as the database keeps them.
pub(crate) fn millis(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}
