//! Work that is done once for each key, built on a table: [`Idempotency`].

use std::future::{Future, IntoFuture};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::kv::{IntoKey, Key, Table, Version};
use crate::retry::backoff;
use crate::{Error, ErrorKind, Result, Token};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const SHORTEST_CLAIM: Duration = Duration::from_secs(1);
const LONGEST_CLAIM: Duration = Duration::from_secs(86_400);

/// What is kept under a key. The result is text within the JSON, so that a claim can be read whatever the result's type.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    /// Somebody is at it; the item's own expiry is the claim's end.
    Claimed { by: Token },
    /// It is done, and this came of it, as JSON.
    Done { by: Token, result: String },
}

/// Runs work once for each key, however often and concurrently its event is delivered, and keeps the result.
///
/// Events arrive at least once. Named by what makes them the same (an event's id, a client's idempotency key), their work
/// is claimed in a table first; a redelivery gets the stored result; a delivery beside a running one waits for that, or
/// gets `Conflict`, which is retryable. A claim is renewed while its work runs; that of a crashed worker ends with its
/// lease and is taken over. Work that fails gives its claim back, so that a retry runs it again.
///
/// Exactly once is not to be had: work whose process dies after its effect and before its result is stored runs again.
/// Make effects conditional where that matters.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
/// # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
/// # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "table"));
/// # memory.create(&url, &ResourceKind::Table(TableSettings::default())).await?;
/// # let port = memory.table(&url, &TableSettings::default())?;
/// # use skyport_core::{Error, idempotency::Idempotency, kv::Table};
/// # let table = Table::<String>::new(port);
/// use std::time::Duration;
///
/// let once = Idempotency::new(&table);
/// let receipt: String = once
///     .once(("charge", "order 17"), Duration::from_secs(86_400), || async {
///         Ok::<_, Error>("receipt 4711".to_owned())
///     })
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `once` is called"]
pub struct Idempotency {
    records: Table<Record>,
    lease: Duration,
    wait: Duration,
}

enum Claim {
    /// With the time at which it ends, counted from before it was asked for.
    Mine(Version, Instant),
    Taken,
    Done(String),
}

impl Idempotency {
    /// Records in this table; their keys must not be used for values. Claims of 30 s, waits of at most 5 s.
    pub fn new<T, C>(table: &Table<T, C>) -> Self {
        Self { records: table.with_type(), lease: Duration::from_secs(30), wait: Duration::from_secs(5) }
    }

    /// How long the claim of a worker that died keeps others away; held to 1 s to 1 day, 30 s by default.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.clamp(SHORTEST_CLAIM, LONGEST_CLAIM);
        self
    }

    /// How long to wait for the result of a concurrent run before giving up with `Conflict`; 5 s by default.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Runs `work` unless its result is stored under `key` already, and keeps the result for `ttl`, as JSON.
    ///
    /// # Errors
    /// Those of `work`, after which it may run again; `Conflict` where another run goes on for longer than the wait, or
    /// took over the claim; `TooLarge` where the result is over the table's limit, after which the work may run again;
    /// `Malformed` where what is stored is no `R`; else as [`Table::put`].
    pub async fn once<R, E, F, Fut>(&self, key: impl IntoKey, ttl: Duration, work: F) -> Result<R, E>
    where
        R: Serialize + DeserializeOwned,
        E: From<Error>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<R, E>>,
    {
        let (key, by) = (key.into_key(), Token::new());
        // Known before the work is done, not after it.
        self.records.check_expiry(ttl).map_err(|error| self.name(&key, error))?;
        let (version, ends) = match self.claim_or_wait(&key, by).await? {
            Claim::Mine(version, ends) => (version, ends),
            Claim::Done(result) => return Ok(decode(&result).map_err(|error| self.name(&key, error))?),
            Claim::Taken => {
                let error = Error::new(
                    ErrorKind::Conflict,
                    "the same work is being done by another: its result can be had later",
                );
                return Err(self.name(&key, error).into());
            }
        };
        let mut claim = Held { parent: self, key: &key, by, version, ends };
        let outcome = tokio::select! {
            biased;
            outcome = work() => outcome,
            lost = claim.keep() => return Err(lost.into()),
        };
        let result = match outcome {
            Ok(result) => result,
            Err(error) => {
                claim.release().await;
                return Err(error);
            }
        };
        let encoded = serde_json::to_string(&result);
        match claim.finish(encoded, ttl).await {
            Ok(()) => Ok(result),
            Err(error) => Err(error.into()),
        }
    }

    async fn claim_or_wait(&self, key: &Key, by: Token) -> Result<Claim> {
        let began = Instant::now();
        for attempt in 1.. {
            match self.claim(key, by).await? {
                Claim::Taken => {}
                settled => return Ok(settled),
            }
            let left = self.wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            let pause = backoff(FIRST_PAUSE, LONGEST_PAUSE, attempt).mul_f64(0.5 + fastrand::f64() / 2.0);
            tokio::time::sleep(pause.min(left)).await;
        }
        Ok(Claim::Taken)
    }

    async fn claim(&self, key: &Key, by: Token) -> Result<Claim> {
        // A redelivery is the rule where there is a record at all: reading first is cheaper than a refused write.
        if let Some(settled) = self.look(key, by, Instant::now()).await? {
            return Ok(settled);
        }
        let ends = Instant::now() + self.lease;
        let put = self.records.put(key, &Record::Claimed { by });
        match put.if_absent().expires(self.lease).await {
            Ok(version) => Ok(Claim::Mine(version, ends)),
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Conflict) => {
                Ok(self.look(key, by, ends).await?.unwrap_or(Claim::Taken))
            }
            Err(error) if error.is_ambiguous() => match self.look(key, by, ends).await? {
                Some(settled) => Ok(settled),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// What is recorded; `None` where nothing is. A claim of our own ends at `ends`.
    async fn look(&self, key: &Key, by: Token, ends: Instant) -> Result<Option<Claim>> {
        let Some(entry) = self.records.get(key).await? else {
            return Ok(None);
        };
        let version = entry.version().clone();
        Ok(Some(match entry.into_value() {
            Record::Claimed { by: holder } if holder == by => Claim::Mine(version, ends),
            Record::Claimed { .. } => Claim::Taken,
            Record::Done { result, .. } => Claim::Done(result),
        }))
    }

    fn name(&self, key: &Key, error: Error) -> Error {
        self.records.name_error("idempotency.once", key, error)
    }
}

fn decode<R: DeserializeOwned>(result: &str) -> Result<R> {
    serde_json::from_str(result).map_err(|error| {
        Error::new(ErrorKind::Malformed, "the stored result is of another type").with_source(error)
    })
}

/// A claim while its work runs.
struct Held<'i> {
    parent: &'i Idempotency,
    key: &'i Key,
    by: Token,
    version: Version,
    ends: Instant,
}

impl Held<'_> {
    /// Renews the claim until it is lost.
    async fn keep(&mut self) -> Error {
        let lease = self.parent.lease;
        loop {
            let due = self.ends.checked_sub(lease * 2 / 3).unwrap_or(self.ends);
            tokio::time::sleep_until(due.max(Instant::now())).await;
            let mut failures = 0;
            while let Err(error) = self.renew().await {
                if error.kind() == ErrorKind::PreconditionFailed || Instant::now() >= self.ends {
                    let lost = Error::new(
                        ErrorKind::Conflict,
                        "the claim on this work could not be renewed and may be another's: the work was stopped",
                    );
                    return self.parent.name(self.key, lost.with_source(error));
                }
                failures += 1;
                let pause = backoff(FIRST_PAUSE, LONGEST_PAUSE, failures);
                tokio::time::sleep(pause.min(self.ends.saturating_duration_since(Instant::now()))).await;
            }
        }
    }

    async fn renew(&mut self) -> Result<()> {
        let records = &self.parent.records;
        let ends = Instant::now() + self.parent.lease;
        let put = records.put(self.key, &Record::Claimed { by: self.by });
        let put = put.if_version(&self.version).expires(self.parent.lease);
        let version = match tokio::time::timeout_at(self.ends, put.into_future()).await {
            Ok(Ok(version)) => version,
            Ok(Err(error)) => return self.renewed_all_the_same(error).await,
            Err(_) => {
                return Err(Error::new(ErrorKind::Timeout, "the claim ended before it was renewed"));
            }
        };
        (self.version, self.ends) = (version, ends);
        Ok(())
    }

    /// Whether a renewal that failed was applied, now or the last time: the version has moved then, and the item says until
    /// when the claim holds. One that never arrived leaves our name there as well.
    async fn renewed_all_the_same(&mut self, error: Error) -> Result<()> {
        if error.kind() != ErrorKind::PreconditionFailed && !error.is_ambiguous() {
            return Err(error);
        }
        let now = Instant::now();
        let (version, expires) = match self.parent.records.get(self.key).await? {
            Some(entry) if matches!(entry.value, Record::Claimed { by } if by == self.by) => {
                (entry.version().clone(), entry.expires())
            }
            _ => return Err(error),
        };
        if version == self.version {
            return Err(error);
        }
        let left = expires.and_then(|at| at.duration_since(self.parent.records.info().clock.now()).ok());
        self.version = version;
        self.ends = now + left.unwrap_or_default().min(self.parent.lease);
        Ok(())
    }

    async fn finish(&mut self, result: serde_json::Result<String>, ttl: Duration) -> Result<()> {
        let record = match result {
            Ok(result) => Record::Done { by: self.by, result },
            Err(error) => {
                self.release().await;
                let error =
                    Error::invalid("the result of the work cannot be written as JSON").with_source(error);
                return Err(self.parent.name(self.key, error));
            }
        };
        for last in [false, true] {
            let put = self.parent.records.put(self.key, &record).expires(ttl);
            let error = match put.if_version(&self.version).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            match error.kind() {
                ErrorKind::TooLarge | ErrorKind::InvalidArgument => {
                    self.release().await;
                    return Err(error);
                }
                ErrorKind::PreconditionFailed => {}
                // The answer was lost, and the result may be stored.
                _ if error.is_ambiguous() => {}
                _ => return Err(error),
            }
            if self.is_done().await? {
                return Ok(());
            }
            if last {
                return Err(error);
            }
            self.version = self.own_version(error).await.map_err(|error| {
                let lost = Error::new(
                    ErrorKind::Conflict,
                    "another has taken over this work: its result is the one that counts",
                );
                self.parent.name(self.key, lost.with_source(error))
            })?;
        }
        Ok(())
    }

    /// Whether our result is stored although the answer was lost.
    async fn is_done(&self) -> Result<bool> {
        let entry = self.parent.records.get(self.key).await?;
        Ok(entry.is_some_and(|entry| matches!(entry.value, Record::Done { by, .. } if by == self.by)))
    }

    /// The version of our claim where a renewal's answer was lost; else the failure.
    async fn own_version(&self, error: Error) -> Result<Version> {
        if error.kind() != ErrorKind::PreconditionFailed && !error.is_ambiguous() {
            return Err(error);
        }
        match self.parent.records.get(self.key).await? {
            Some(entry) if matches!(entry.value, Record::Claimed { by } if by == self.by) => {
                Ok(entry.version().clone())
            }
            _ => Err(error),
        }
    }

    /// Gives the claim back; where that fails, it ends with its lease.
    async fn release(&self) {
        let delete = |version: &Version| {
            let delete = self.parent.records.delete(self.key).if_version(version);
            delete.into_future()
        };
        let mut released = delete(&self.version).await;
        if released.as_ref().is_err_and(|error| error.kind() == ErrorKind::PreconditionFailed) {
            // A renewal that was under way when the work ended has moved the version.
            released = match self.parent.records.get(self.key).await {
                Ok(Some(entry)) if matches!(entry.value, Record::Claimed { by } if by == self.by) => {
                    delete(entry.version()).await
                }
                Ok(_) => return,
                Err(error) => Err(error),
            };
        }
        if let Err(error) = released {
            tracing::warn!(%error, "a claim could not be given back, and ends by itself");
        }
    }
}
