//! Retry around a table.

use std::sync::Arc;

use async_trait::async_trait;

use super::attempts::{Attempts, LONG, indeterminate, told};
use super::rolling::Rolling;
use crate::kv::port::{
    Change, Increment, Incremented, ItemCondition, Key, KeyValueStore, QueryOptions, QueryPage, RawItem,
    RawVersion, TableInfo, Write,
};
use crate::retry::RetryPolicy;
use crate::{Result, Token};

/// What a write brings along.
fn weigh(write: &Write) -> usize {
    match &write.change {
        Change::Put { value, .. } => value.len(),
        Change::Delete | Change::Check => 0,
    }
}

#[derive(Clone, Debug)]
pub(super) struct RetryTable {
    inner: Arc<dyn KeyValueStore>,
    policy: RetryPolicy,
}

impl RetryTable {
    pub(super) fn new(inner: Arc<dyn KeyValueStore>, policy: RetryPolicy) -> Self {
        Self { inner, policy }
    }

    fn attempts(&self) -> Attempts {
        Attempts::new(self.policy)
    }

    async fn write_conditional(&self, write: Write) -> Result<Option<RawVersion>> {
        let (mut writing, mut reading) = Attempts::with_reading_back(self.policy);
        let error = match writing.repeat(|_| self.inner.write(write.clone())).await {
            Ok(version) => return Ok(version),
            Err(error) => error,
        };
        match write.change {
            _ if !writing.ambiguous => Err(error),
            // It changes nothing, so that a lost answer hides nothing.
            Change::Check => Err(error),
            Change::Delete => Err(indeterminate(error)),
            Change::Put { .. } => match reading.repeat(|_| self.inner.get(&write.key)).await {
                Ok(Some(item)) if is_mine(&item, write.token) => Ok(Some(item.version)),
                _ => Err(indeterminate(error)),
            },
        }
    }

    /// The versions of all that `writes` put, where every item is still the one that they made.
    async fn versions_of(&self, writes: &[Write], reading: Attempts) -> Option<Vec<Option<RawVersion>>> {
        let puts: Vec<&Write> = writes.iter().filter(|write| is_put(write)).collect();
        if puts.is_empty() {
            return None;
        }
        let keys = puts.iter().map(|write| write.key.clone()).collect();
        let call = |keys, _| self.inner.get_many(keys);
        let found = reading.batch(keys, call, |_, _, error| Err(error)).await;
        let mut versions = Vec::with_capacity(puts.len());
        for (write, found) in puts.iter().zip(found) {
            match found {
                Ok(Some(item)) if is_mine(&item, write.token) => versions.push(item.version),
                _ => return None,
            }
        }
        let mut versions = versions.into_iter();
        Some(writes.iter().map(|write| if is_put(write) { versions.next() } else { None }).collect())
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl KeyValueStore for RetryTable {
    fn info(&self) -> &TableInfo {
        self.inner.info()
    }

    async fn get(&self, key: &Key) -> Result<Option<RawItem>> {
        self.attempts().repeat(|_| self.inner.get(key)).await
    }

    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        let call = |keys, _| self.inner.get_many(keys);
        // How large they are nobody knows.
        Rolling { pieces: self.info().limits.get_many, weigh: |_| 0 }
            .all(keys, |keys| self.attempts().batch(keys, call, |_, _, error| Err(error)))
            .await
    }

    async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
        if write.condition != ItemCondition::None || write.change == Change::Check {
            return self.write_conditional(write).await;
        }
        let mut attempts = self.attempts();
        let written = attempts.repeat(|ambiguous| self.inner.write(renewed(write.clone(), ambiguous))).await;
        written.map_err(|error| told(attempts.ambiguous, error))
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        let call = |writes: Vec<Write>, attempt| {
            let renew = |write| renewed(write, attempt > 1);
            self.inner.write_many(writes.into_iter().map(renew).collect())
        };
        Rolling { pieces: self.info().limits.write_many, weigh }
            .all(writes, |writes| {
                self.attempts().batch(writes, call, |_, ambiguous, error| Err(told(ambiguous, error)))
            })
            .await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let (mut writing, reading) = Attempts::with_reading_back(self.policy);
        let error = match writing.repeat(|_| self.inner.transact(writes.clone())).await {
            Ok(versions) => return Ok(versions),
            Err(error) => error,
        };
        let changes = writes.iter().any(|write| write.change != Change::Check);
        if !writing.ambiguous || !changes {
            return Err(error);
        }
        match self.versions_of(&writes, reading).await {
            Some(versions) => Ok(versions),
            None => Err(indeterminate(error)),
        }
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        let mut attempts = self.attempts();
        let result = attempts
            .repeat(|ambiguous| {
                let mut increment = increment.clone();
                increment.repeated |= ambiguous;
                self.inner.increment(increment)
            })
            .await;
        result.map_err(|error| if attempts.ambiguous { indeterminate(error) } else { error })
    }

    async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
        self.attempts().repeat(|_| self.inner.query(options.clone())).await
    }

    async fn sweep(&self) -> Result<u64> {
        Attempts::waiting(self.policy, LONG).repeat(|_| self.inner.sweep()).await
    }
}

/// Whether the write of `token` made this item: the provider keeps the token, or uses it as the version.
fn is_mine(item: &RawItem, token: Token) -> bool {
    item.token == Some(token) || item.version.as_str() == token.to_string()
}

fn is_put(write: &Write) -> bool {
    matches!(write.change, Change::Put { .. })
}

/// A write without a condition as it is repeated: it may be applied twice with another's write in between, and a
/// version, which may be the token, is never used twice.
fn renewed(mut write: Write, again: bool) -> Write {
    if again {
        write.token = Token::new();
    }
    write
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::SystemTime;

    use super::*;
    use crate::{Error, ErrorKind};

    /// Loses every answer but that to a sweep, which takes minutes, and keeps what it was asked.
    #[derive(Debug)]
    struct Lossy {
        info: TableInfo,
        increments: Mutex<Vec<(Token, bool)>>,
        writes: Mutex<Vec<Token>>,
    }

    fn lost<T>() -> Result<T> {
        Err(Error::new(ErrorKind::Unavailable, "lost"))
    }

    #[async_trait]
    impl KeyValueStore for Lossy {
        fn info(&self) -> &TableInfo {
            &self.info
        }
        async fn get(&self, _: &Key) -> Result<Option<RawItem>> {
            lost()
        }
        async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
            keys.iter().map(|_| lost()).collect()
        }
        async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
            self.writes.lock().expect("unpoisoned").push(write.token);
            lost()
        }
        async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
            writes.iter().map(|_| lost()).collect()
        }
        async fn transact(&self, _: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
            lost()
        }
        async fn increment(&self, increment: Increment) -> Result<Incremented> {
            let seen = (increment.token, increment.repeated);
            self.increments.lock().expect("unpoisoned").push(seen);
            lost()
        }
        async fn query(&self, _: QueryOptions) -> Result<QueryPage> {
            lost()
        }
        async fn sweep(&self) -> Result<u64> {
            tokio::time::sleep(LONG).await;
            Ok(7)
        }
    }

    impl Lossy {
        fn new() -> Arc<Self> {
            let info = TableInfo::new("test", "t");
            Arc::new(Self { info, increments: Mutex::default(), writes: Mutex::default() })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_has_time_for_the_whole_table() {
        let table = RetryTable::new(Lossy::new(), RetryPolicy::default());
        assert_eq!(table.sweep().await.expect("swept"), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_keeps_its_token_and_an_increment_says_that_it_is_repeated() {
        let inner = Lossy::new();
        let table = RetryTable::new(inner.clone(), RetryPolicy::default());
        let key = Key::new("p", "s");
        let increment = Increment::new(key.clone(), 1, SystemTime::UNIX_EPOCH);
        let token = increment.token;
        let error = table.increment(increment).await.expect_err("lost");
        assert_eq!(error.kind(), ErrorKind::Indeterminate);
        let seen = inner.increments.lock().expect("unpoisoned").clone();
        assert_eq!(seen, [(token, false), (token, true), (token, true)]);

        let mut write = Write::put(key, "1".into());
        write.condition = ItemCondition::IfAbsent;
        let token = write.token;
        let error = table.write(write.clone()).await.expect_err("lost");
        assert_eq!(error.kind(), ErrorKind::Indeterminate);
        assert_eq!(std::mem::take(&mut *inner.writes.lock().expect("unpoisoned")), [token; 3]);

        write.condition = ItemCondition::None;
        let error = table.write(write).await.expect_err("lost");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let seen = inner.writes.lock().expect("unpoisoned").clone();
        assert!(seen[0] == token && seen[1] != token && seen[2] != seen[1]);
    }
}
