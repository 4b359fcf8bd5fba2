//! A lease on a name, built on a table: one holder at a time, with a fencing token that only grows.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::clock::{from_millis, to_millis};
use crate::kv::{Entry, IntoKey, Key, Table, Version};
use crate::retry::backoff;
use crate::{Error, ErrorKind, Result, Token};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(86_400);

/// The row of a lease. It is never deleted and has no expiry of its own: the fence must outlive every holder.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    fence: u64,
    /// Nobody once it was released.
    holder: Option<Token>,
    /// In milliseconds since 1970.
    until: u64,
}

/// A lease that is held: nobody else gets one on this key before it ends.
///
/// A lease is a promise among clocks: a holder that is stopped for longer than its time, or whose clock is far off, can
/// find itself beside another. What must never happen twice therefore carries the [`fence`](Self::fence), and whoever
/// receives it refuses a fence lower than one it has seen. Dropped without [`release`](Self::release), a lease ends by
/// itself when its time is over.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
/// # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
/// # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "table"));
/// # memory.create(&url, &ResourceKind::Table(TableSettings::default())).await?;
/// # let port = memory.table(&url, &TableSettings::default())?;
/// # use skyport_core::{kv::Table, lease::Lease};
/// # let table = Table::<String>::new(port);
/// use std::time::Duration;
///
/// let mut lease = Lease::acquire(&table, ("lease", "report"), Duration::from_secs(30)).await?;
/// assert_eq!(lease.fence(), 1); // the next holder has a greater one
/// assert!(Lease::try_acquire(&table, ("lease", "report"), Duration::from_secs(30)).await?.is_none());
/// lease.hold(async { /* longer than 30 s is fine: renewed meanwhile */ }).await?;
/// lease.release().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Lease {
    rows: Table<Row>,
    key: Key,
    holder: Token,
    fence: u64,
    version: Version,
    ttl: Duration,
    ends: Instant,
}

impl Lease {
    /// Takes the lease of `key` for `ttl` (1 s to 1 day). The key's row belongs to the lease: keep values elsewhere, and
    /// never delete it, for the fence would begin anew.
    ///
    /// # Errors
    /// `Conflict`, which is retryable, where another holds it; else as [`Table::put`].
    pub async fn acquire<T, C>(table: &Table<T, C>, key: impl IntoKey, ttl: Duration) -> Result<Self> {
        let key = key.into_key();
        match Self::try_acquire(table, &key, ttl).await? {
            Some(lease) => Ok(lease),
            None => Err(table.name_error("lease.acquire", &key, held())),
        }
    }

    /// Takes the lease of `key`, or gives `None` where another holds it.
    ///
    /// # Errors
    /// As [`Table::put`]; `InvalidArgument` for a `ttl` outside 1 s to 1 day; `Malformed` where the row is no lease's.
    pub async fn try_acquire<T, C>(
        table: &Table<T, C>,
        key: impl IntoKey,
        ttl: Duration,
    ) -> Result<Option<Self>> {
        let (rows, key): (Table<Row>, Key) = (table.with_type(), key.into_key());
        check_ttl(ttl).map_err(|error| rows.name_error("lease.acquire", &key, error))?;
        let current = rows.get(&key).await?;
        // The holder's own reckoning ends first.
        let ends = Instant::now() + ttl;
        let now = rows.info().clock.now();
        if current.as_ref().is_some_and(|row| is_held(row, to_millis(now))) {
            return Ok(None);
        }
        let last = current.as_ref().map_or(0, |row| row.fence);
        let fence = last.checked_add(1).ok_or_else(|| {
            let error = Error::internal("the fence of this lease has used up its 64 bits");
            rows.name_error("lease.acquire", &key, error)
        })?;
        let holder = Token::new();
        let row = Row { fence, holder: Some(holder), until: to_millis(now + ttl) };
        let put = rows.put(&key, &row);
        let put = match &current {
            Some(current) => put.if_version(current.version()),
            None => put.if_absent(),
        };
        let version = match put.await {
            Ok(version) => version,
            Err(error) if lost_the_race(&error) => return Ok(None),
            Err(error) => own_version(&rows, &key, holder, error).await?,
        };
        Ok(Some(Self { rows, key, holder, fence, version, ttl, ends }))
    }

    /// Takes the lease of `key` as soon as it is free, asking again with growing pauses up to 1 s, for at most `wait`.
    ///
    /// # Errors
    /// `Conflict` where it was held all the time; else as [`try_acquire`](Self::try_acquire).
    pub async fn wait_for<T, C>(
        table: &Table<T, C>,
        key: impl IntoKey,
        ttl: Duration,
        wait: Duration,
    ) -> Result<Self> {
        let (key, began) = (key.into_key(), Instant::now());
        for attempt in 1.. {
            if let Some(lease) = Self::try_acquire(table, &key, ttl).await? {
                return Ok(lease);
            }
            let left = wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            let pause = backoff(FIRST_PAUSE, LONGEST_PAUSE, attempt).mul_f64(0.5 + fastrand::f64() / 2.0);
            tokio::time::sleep(pause.min(left)).await;
        }
        Err(table.name_error("lease.acquire", &key, held()))
    }

    /// Greater than that of every earlier holder of this key, for as long as the row lives.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// The lease's key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// How long it is still held, as far as this holder's clock can tell; zero once it has ended.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// Holds it for its whole time again, from now. Works also after its end, where nobody took it meanwhile.
    ///
    /// # Errors
    /// `PreconditionFailed` once another has taken it; any other error leaves it as it was, and may be tried again.
    pub async fn renew(&mut self) -> Result<()> {
        for last in [false, true] {
            let ends = Instant::now() + self.ttl;
            let until = to_millis(self.rows.info().clock.now() + self.ttl);
            let row = Row { fence: self.fence, holder: Some(self.holder), until };
            let error = match self.rows.put(&self.key, &row).if_version(&self.version).await {
                Ok(version) => {
                    (self.version, self.ends) = (version, ends);
                    return Ok(());
                }
                Err(error) => error,
            };
            if error.kind() != ErrorKind::PreconditionFailed && !error.is_ambiguous() {
                return Err(error);
            }
            // A renewal whose answer was lost, now or the last time, has moved the version and left our name.
            let moved = match self.rows.get(&self.key).await? {
                Some(there) if there.holder == Some(self.holder) => {
                    let applied = there.until == until;
                    let moved = *there.version() != self.version;
                    self.version = there.version().clone();
                    if applied && moved {
                        self.ends = ends;
                        return Ok(());
                    }
                    moved
                }
                _ => return Err(self.lost_if_taken(error)),
            };
            // Our name alone tells nothing: a renewal that never arrived leaves the row as it was.
            if last || !moved {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Runs `work` and renews the lease meanwhile, every third of its time. Where the lease is lost, or cannot be renewed
    /// until it ends, `work` is dropped.
    ///
    /// # Errors
    /// `PreconditionFailed` where the lease was lost.
    pub async fn hold<F: Future>(&mut self, work: F) -> Result<F::Output> {
        tokio::select! {
            biased;
            output = work => Ok(output),
            lost = self.keep() => Err(lost),
        }
    }

    /// Renews until the lease is lost.
    async fn keep(&mut self) -> Error {
        loop {
            let due = self.ends.checked_sub(self.ttl * 2 / 3).unwrap_or(self.ends);
            tokio::time::sleep_until(due.max(Instant::now())).await;
            let mut failures = 0;
            while let Err(error) = self.renew_in_time().await {
                if error.kind() == ErrorKind::PreconditionFailed {
                    return error;
                }
                failures += 1;
                tracing::warn!(%error, "a lease could not be renewed yet");
                let pause = backoff(FIRST_PAUSE, LONGEST_PAUSE, failures);
                tokio::time::sleep(pause.min(self.remaining())).await;
            }
        }
    }

    async fn renew_in_time(&mut self) -> Result<()> {
        let ends = self.ends;
        let over = || Error::new(ErrorKind::PreconditionFailed, "the lease ended before it could be renewed");
        if self.remaining().is_zero() {
            return Err(self.rows.name_error("lease.renew", &self.key, over()));
        }
        match tokio::time::timeout_at(ends, self.renew()).await {
            Ok(result) => result,
            Err(_) => Err(self.rows.name_error("lease.renew", &self.key, over())),
        }
    }

    /// Gives the lease back, so that another can have it at once.
    ///
    /// # Errors
    /// `PreconditionFailed` where another has taken it; after any other error it ends by itself.
    pub async fn release(self) -> Result<()> {
        let row = Row { fence: self.fence, holder: None, until: 0 };
        let mut version = self.version.clone();
        for last in [false, true] {
            match self.rows.put(&self.key, &row).if_version(&version).await {
                Ok(_) => return Ok(()),
                Err(error) if last || error.kind() != ErrorKind::PreconditionFailed => {
                    return Err(self.lost_if_taken(error));
                }
                // An earlier renewal may have moved the version without our knowing.
                Err(error) => {
                    version = own_version(&self.rows, &self.key, self.holder, error)
                        .await
                        .map_err(|error| self.lost_if_taken(error))?;
                }
            }
        }
        Ok(())
    }

    fn lost_if_taken(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::PreconditionFailed {
            return error;
        }
        let lost = Error::new(ErrorKind::PreconditionFailed, "the lease was lost: another has taken it");
        self.rows.name_error("lease.renew", &self.key, lost.with_source(error))
    }
}

fn held() -> Error {
    Error::new(ErrorKind::Conflict, "another holds this lease: try again later")
}

fn check_ttl(ttl: Duration) -> Result<()> {
    if ttl < SHORTEST || ttl > LONGEST {
        return Err(Error::invalid("a lease lasts 1 second to 1 day"));
    }
    Ok(())
}

fn is_held(row: &Entry<Row>, now: u64) -> bool {
    row.holder.is_some() && from_millis(row.until) > from_millis(now)
}

/// The version of a row that bears our name although the write of it failed; else that failure.
async fn own_version(rows: &Table<Row>, key: &Key, holder: Token, error: Error) -> Result<Version> {
    if !error.is_ambiguous() && error.kind() != ErrorKind::PreconditionFailed {
        return Err(error);
    }
    match rows.get(key).await {
        Ok(Some(row)) if row.holder == Some(holder) => Ok(row.version().clone()),
        Ok(_) => Err(error),
        Err(unreadable) => Err(unreadable),
    }
}

fn lost_the_race(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed | ErrorKind::Conflict)
}
